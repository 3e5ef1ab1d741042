import HTTPTypes
import Hummingbird
import Ledger
import Model
import NIOCore
import Notary
import Publishing
import RateLimit

extension API {
    /// The log as C2SP tlog-tiles lays it down, below `/ledger`.
    func addLedgerRoutes(_ routes: Routes, _ notary: Notary) {
        routes.get("/ledger/checkpoint", .read) { request, _ in
            try QueryParameters(request).only()
            return .text(try await notary.checkpoint().description, request, caching: "public, no-cache")
        }

        routes.get("/ledger/cosigned", .read) { request, _ in
            try QueryParameters(request).only()
            guard let note = try await notary.cosignedCheckpoint() else {
                throw Problem(
                    .routeNotFound, zh: "尚无由足够见证方联署的树头；最新树头见 /ledger/checkpoint", en: "no head is signed by enough witnesses yet; the newest one is /ledger/checkpoint")
            }
            return .text(note.description, request, caching: "public, no-cache")
        }

        routes.get("/v1/ledger", .read) { request, _ in
            try QueryParameters(request).only()
            return try .json(try await notary.status(), headers: [.cacheControl: "no-cache"])
        }

        routes.get("/ledger/key", .read) { request, _ in
            try QueryParameters(request).only()
            return .text(notary.verifier.description + "\n", request, caching: "public, max-age=300")
        }

        routes.get("/ledger/consistency", .read) { request, _ in
            let query = try QueryParameters(request)
            try query.only("old")
            let old = try query.integer("old", in: ChangesRoute.numbers) ?? 0
            return .text(try await notary.consistency(from: old).description, request, caching: "public, no-cache")
        }

        routes.get("/ledger/tile/**", .read) { request, _ in
            try QueryParameters(request).only()
            guard let tile = Tile(path: request.uri.path.dropFirst("/ledger/tile/".count)), let bytes = try await notary.bytes(of: tile) else {
                throw Problem(.routeNotFound, zh: "存证没有这个分片，或者尚未有这么多", en: "the ledger has no such tile, or not as much of it yet")
            }
            return .immutable(bytes, type: "application/octet-stream", request)
        }
    }

    /// Proofs of versions.
    func addProofRoutes(_ routes: Routes, _ notary: Notary, _ publishing: Publishing) {
        routes.get("/v1/datasets/{id}/versions/{n}/proof", .read) { request, context in
            try QueryParameters(request).only()
            let target = try await publishing.visible(try context.path("id"), to: context.reader)
            guard let number = Int(try context.path("n")), number > 0 else {
                throw Problem(.versionNotFound, zh: "版本号应为正整数", en: "a version's number is a positive whole number")
            }
            do {
                _ = try await publishing.version(number, of: target)
            } catch let problem as Problem where problem.code == .versionWithdrawn {
                // That it was released stays proven: the leaf holds no contents.
            }
            return .text(try await notary.proof(of: target.dataset, version: number).description, request, caching: "public, no-cache")
        }
    }
}

extension Response {
    /// Plain text whose validator is made from it; 304 where the client has it.
    static func text(_ text: String, _ request: Request, caching: String) -> Response {
        tagged(Array(text.utf8), type: "text/plain; charset=utf-8", request, caching: caching)
    }

    /// Bytes that will always be the same.
    fileprivate static func immutable(_ bytes: [UInt8], type: String, _ request: Request) -> Response {
        tagged(bytes, type: type, request, caching: "public, max-age=31536000, immutable")
    }

    private static func tagged(_ bytes: [UInt8], type: String, _ request: Request, caching: String) -> Response {
        let tag = EntityTag(hashing: bytes)
        let headers: HTTPFields = [.contentType: type, .cacheControl: caching, .eTag: tag.field]
        if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
