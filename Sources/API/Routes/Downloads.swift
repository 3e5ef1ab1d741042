import Bulk
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addDownloadRoutes(_ routes: Routes, _ bulk: Bulk) {
        for suffix in [".csv", ".csv.gz"] {
            let isGzip = suffix == ".csv.gz"
            routes.get("/v1/datasets/{id}/data\(suffix)", .download) { request, context in
                try await FileDownload(bulk, request, context, isGzip: isGzip).response(try context.path("id"), number: nil)
            }
            routes.get("/v1/datasets/{id}/versions/{n}/data\(suffix)", .download) { request, context in
                let text = try context.path("n")
                guard let number = Int(text), (1...Int(Int32.max)).contains(number) else {
                    throw Problem(.versionNotFound, zh: "没有版本 \(text.prefix(32))", en: "there is no version \(text.prefix(32))")
                }
                return try await FileDownload(bulk, request, context, isGzip: isGzip).response(try context.path("id"), number: number)
            }
        }
    }
}

/// One request for a version's file.
private struct FileDownload {
    let bulk: Bulk
    let request: Request
    let context: AppContext
    let isGzip: Bool

    init(_ bulk: Bulk, _ request: Request, _ context: AppContext, isGzip: Bool) {
        self.bulk = bulk
        self.request = request
        self.context = context
        self.isGzip = isGzip
    }

    private var isHead: Bool { context.exchange.method == "HEAD" }

    func response(_ dataset: String, number: Int?) async throws -> Response {
        _ = try request.negotiate([isGzip ? "application/gzip" : "text/csv"])
        let parameters = try QueryParameters(request)
        let names = (isGzip ? [] : ["dialect"]) + (number == nil ? ["as_of"] : [])
        try parameters.only(where: names.contains) { names }
        let dialect = isGzip ? CSVDialect() : try parameters.dialect(withGuard: false)
        let asked = if let number { number } else { try await bulk.versionNumber(asOfIn: parameters.all, of: dataset) }
        let version = try await bulk.version(of: dataset, number: asked)
        let facts = try await bulk.facts(version)

        let tag = EntityTag("sha256-\(facts.digest)\(isGzip ? "-gz" : dialect.excel ? "-excel" : "")")
        var headers = common(facts, isPinned: number != nil)
        headers[.eTag] = tag.field
        if request.isNotModified(tag) || isUnmodified(since: facts.releasedAt) { return .notModified(tag, headers: headers) }
        headers[.contentDisposition] = Attachment.field(name: facts.title, fallback: facts.dataset, suffix: isGzip ? ".csv.gz" : ".csv")
        headers[.contentType] = isGzip ? "application/gzip" : "text/csv; charset=utf-8; header=present"

        if dialect.excel {
            headers[.acceptRanges] = "none"
            return try await bulk.whole(version, dialect: dialect).response(headers, context)
        }
        // The canonical file's length and digest are known before it is there; those of its gzip form are not.
        let file = bulk.rendered(version, gzip: isGzip)
        let known: (size: Int, digest: String)? = isGzip ? file.map { ($0.size, $0.digest) } : (facts.byteCount, facts.digest)
        guard let known else {
            if isHead { return Response(status: .ok, headers: headers) }
            return whole(try await bulk.snapshot(version, gzip: isGzip), headers, size: nil)
        }
        headers[.acceptRanges] = "bytes"
        headers[.reprDigest] = Self.reprDigest(known.digest)
        if isHead {
            headers[.contentLength] = String(known.size)
            return Response(status: .ok, headers: headers)
        }
        switch request.allowsRange(of: tag) ? ByteRange(request.headers[.range], size: known.size) : .whole {
        case .whole: return whole(try await bulk.snapshot(version, gzip: isGzip), headers, size: known.size)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(known.size)"
            return part(try await bulk.snapshot(version, gzip: isGzip, range: range), headers, range)
        case .unsatisfiable:
            let problem = Problem(
                .rangeNotSatisfiable, zh: "文件只有 \(known.size) 字节", en: "the file has \(known.size) bytes",
                places: [.init("Range", zh: "超出文件末尾", en: "beyond the end of the file")])
            var response = ProblemDocument(problem, context.exchange).response
            response.headers[.contentRange] = "bytes */\(known.size)"
            return response
        }
    }

    private func common(_ facts: SnapshotFacts, isPinned: Bool) -> HTTPFields {
        var headers: HTTPFields = [:]
        // The address of a version always gives the same bytes; that of the current one may give others at any time.
        headers[.cacheControl] = isPinned ? "public, max-age=31536000, immutable" : "public, no-cache"
        headers[.lastModified] = WallClock.httpDate(seconds: Int(facts.releasedAt.microseconds / 1_000_000))
        headers[.daylightVersion] = String(facts.version)
        return headers
    }

    /// `If-Modified-Since`, which counts only where there is no `If-None-Match` (RFC 9110 section 13.1.3). Only the very date that was given out is known.
    private func isUnmodified(since time: Timestamp) -> Bool {
        guard request.headers[.ifNoneMatch] == nil, let field = request.headers[.ifModifiedSince] else { return false }
        return field == WallClock.httpDate(seconds: Int(time.microseconds / 1_000_000))
    }

    private func whole(_ body: SnapshotBody, _ headers: HTTPFields, size: Int?) -> Response {
        switch body {
        case .file(let file): Response(status: .ok, headers: headers, body: Self.slice(file, 0..<file.size))
        case .followed(let bytes): Response(status: .ok, headers: headers, body: Self.follow(bytes, length: size))
        }
    }

    private func part(_ body: SnapshotBody, _ headers: HTTPFields, _ range: Range<Int>) -> Response {
        switch body {
        case .file(let file): Response(status: .partialContent, headers: headers, body: Self.slice(file, range))
        case .followed(let bytes): Response(status: .partialContent, headers: headers, body: Self.follow(bytes, length: range.count))
        }
    }

    private static func slice(_ file: OpenSnapshot, _ range: Range<Int>) -> ResponseBody {
        FileSlice(file: FileSlice.File(owning: file.duplicate()), offset: range.lowerBound, length: range.count).body
    }

    private static func follow(_ bytes: FollowedFile, length: Int?) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            for try await buffer in bytes { try await writer.write(buffer) }
            try await writer.finish(nil)
        }
    }

    /// RFC 9530 section 3: of the whole representation, also where a part of it is sent.
    private static func reprDigest(_ hexadecimal: String) -> String {
        let digits = Array(hexadecimal.utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { place in
            UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16) ?? 0
        }
        return "sha-256=:\(Data(bytes).base64EncodedString()):"
    }
}

extension HTTPField.Name {
    fileprivate static let reprDigest = Self("Repr-Digest")!
    /// The version that an answer is of.
}
