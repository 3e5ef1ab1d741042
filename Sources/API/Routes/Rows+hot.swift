import Catalogue
import HTTPTypes
import Model
import NIOCore

/// `getRow` on the event loop: for a current row of a dataset that is in memory; all else is the router's.
struct HotRow: HotRoute {
    let reader: RowReader
    var template: String { RowRoute.template }

    func match(path: Substring, query: Substring?) -> HotWork? {
        guard query?.isEmpty ?? true, let (dataset, rest) = RowPath.split(path), !rest.isEmpty,
            let version = reader.knownVersion(of: String(dataset), number: nil), let plan = reader.plan(version, key: rest)
        else { return nil }
        return HotWork { request, reply in
            guard request.takesJSON, request.tags != "*" else { return reply.pass() }
            let headers = RowRoute.headers(plan)
            if request.isNotModified(plan.entityTag) { return reply.sendNotModified(headers) }
            reader.answer(plan, on: request.eventLoop) { result in
                guard case .success(let answer?) = result else { return reply.pass() }
                reply.send(.ok, headers, RowRoute.body(answer))
            }
        }
    }
}

/// `listRows` on the event loop: for short reads of the current version of a dataset that is in memory; all else is the router's.
struct HotRows: HotRoute {
    let reader: RowReader
    var template: String { RowsRoute.template }

    func match(path: Substring, query: Substring?) -> HotWork? {
        guard let (dataset, rest) = RowPath.split(path), rest.isEmpty, path.utf8.last != UInt8(ascii: "/"),
            let parameters = try? QueryParameters(query: query).all, !parameters.contains(where: { $0.name == "as_of" }),
            let number = try? reader.versionNumber(in: parameters) as Int??,
            let version = reader.knownVersion(of: String(dataset), number: number),
            number == nil || reader.isKnownCurrent(version),
            let plan = try? reader.plan(version, parameters), plan.isShort
        else { return nil }
        return HotWork { request, reply in
            guard request.takesJSON else { return reply.pass() }
            let headers = RowsRoute.headers(plan)
            if request.isNotModified(plan.entityTag) { return reply.sendNotModified(headers) }
            reader.answer(plan, on: request.eventLoop) { result in
                guard case .success(let answer?) = result else { return reply.pass() }
                let (headers, body) = RowsRoute.parts(answer, headers, path: path, query: query)
                reply.send(.ok, headers, body)
            }
        }
    }
}

/// Takes `/v1/datasets/{id}/rows…` apart.
enum RowPath {
    private static let prefix: StaticString = "/v1/datasets/"

    /// - Returns: the dataset's identifier and what follows `/rows/`, empty where nothing does; nil for other paths and for identifiers with escapes.
    static func split(_ path: Substring) -> (dataset: Substring, rest: Substring)? {
        let bytes = path.utf8
        guard bytes.starts(with: UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)) else { return nil }
        let start = bytes.index(bytes.startIndex, offsetBy: prefix.utf8CodeUnitCount)
        guard let slash = bytes[start...].firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let dataset = path[start..<slash]
        var tail = bytes[slash...]
        guard !dataset.isEmpty, !dataset.utf8.contains(UInt8(ascii: "%")), tail.starts(with: "/rows".utf8) else { return nil }
        tail = tail.dropFirst(5)
        if tail.isEmpty { return (dataset, "") }
        guard tail.first == UInt8(ascii: "/") else { return nil }
        let rest = path[tail.index(after: tail.startIndex)...]
        return rest.utf8.contains(UInt8(ascii: "/")) ? nil : (dataset, rest)
    }
}

extension HotRequest {
    /// Whether `Accept` lets JSON through; what it says beyond that is the router's to judge.
    var takesJSON: Bool {
        guard let accept, accept != "*/*", accept != "application/json" else { return true }
        return Negotiation.choose(["application/json"], accept: [accept]) != nil
    }

    /// Whether `If-None-Match` names this tag.
    func isNotModified(_ tag: String) -> Bool { tags.map { EntityTag(tag).isNamed(in: $0, weak: true) } ?? false }
}

extension HotReply {
    func sendNotModified(_ headers: HTTPFields) {
        var headers = headers
        headers[.contentType] = nil
        send(.notModified, headers, ByteBuffer())
    }
}
