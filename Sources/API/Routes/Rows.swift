import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addRowsRoutes(_ routes: Routes, _ reader: RowReader) {
        routes.get(RowRoute.template, .read) { request, context in
            _ = try request.negotiate(["application/json"])
            let given = try QueryParameters(request)
            try given.only("version", "as_of")
            _ = try given.integer("version", in: 1...Int(Int32.max))
            let dataset = try context.path("id")
            let key = context.coreContext.parameters["key"] ?? ""
            return try await Self.retrying { fresh in
                let number = try reader.versionNumber(in: try await reader.resolvingAsOf(given.all, of: dataset))
                let version = try await reader.version(of: dataset, number: number, fresh: fresh)
                guard let plan = reader.plan(version, key: key, isPinned: number != nil) else { throw reader.rowNotFound(version) }
                let headers = RowRoute.headers(plan)
                // `*` asks whether there is a row at all, which the key alone does not tell.
                let notModified = request.isNotModified(EntityTag(plan.entityTag)) ? Response.notModified(EntityTag(plan.entityTag), headers: headers) : nil
                let isAny = request.headers[.ifNoneMatch] == "*"
                if let notModified, !isAny { return notModified }
                guard let answer = try await reader.answer(plan) else { return nil }
                if let notModified { return notModified }
                return Response(status: .ok, headers: headers, body: .init(byteBuffer: RowRoute.body(answer)))
            }
        }

        let gate = routes.gate
        routes.get(RowsRoute.template, .query, cost: { _, query in RowsRoute.cost(query: query) }) { request, context in
            _ = try request.negotiate(["application/json"])
            let given = try QueryParameters(request).all
            let dataset = try context.path("id")
            return try await Self.retrying { fresh in
                let parameters = try await reader.resolvingAsOf(given, of: dataset)
                let number = try reader.versionNumber(in: parameters)
                let version = try await reader.version(of: dataset, number: number, fresh: fresh)
                let plan = try reader.plan(version, parameters)
                var headers = RowsRoute.headers(plan)
                // An instant is bound to its version only once releases on their way have come through.
                if given.contains(where: { $0.name == "as_of" }) { headers[.cacheControl] = "no-cache" }
                if request.isNotModified(EntityTag(plan.entityTag)) { return .notModified(EntityTag(plan.entityTag), headers: headers) }
                let answer = try await reader.answer(plan) { try await gate.charge(context.exchange, estimate: $0) }
                guard let answer else { return nil }
                return RowsRoute.response(answer, headers, path: request.uri.path, query: request.uri.query)
            }
        }
    }

    /// Asks again, with what the database knows now, while releases overtake the answer.
    static func retrying(_ answer: (_ fresh: Bool) async throws -> Response?) async throws -> Response {
        for attempt in 0..<4 {
            if let response = try await answer(attempt > 0) { return response }
        }
        throw Problem(.overloaded, zh: "数据正在连续更新，请稍后重试", en: "new versions follow one another; retry in a moment", retryAfter: 1)
    }
}

/// What both ways of answering `getRow` have in common.
enum RowRoute {
    static let template = "/v1/datasets/{id}/rows/{key}"

    static func headers(_ plan: RowPlan) -> HTTPFields {
        [.contentType: "application/json", .eTag: "\"\(plan.entityTag)\"", .cacheControl: "no-cache"]
    }

    static func body(_ answer: RowAnswer) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 512)
        answer.write(into: &buffer)
        return buffer
    }
}

/// What both ways of answering `listRows` have in common.
enum RowsRoute {
    static let template = "/v1/datasets/{id}/rows"

    /// Units of the limit: one for each started hundred of rows that are asked for; one where that cannot be read.
    static func cost(query: Substring?) -> Int {
        guard let query else { return 1 }
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) where pair.starts(with: "limit=".utf8) {
            guard let limit = Int(String(decoding: pair.dropFirst(6), as: UTF8.self)), RowQuery.limits.contains(limit) else { return 1 }
            return Costs.units(limit, per: Costs.rowsPerUnit)
        }
        return 1
    }

    static func headers(_ plan: PagePlan) -> HTTPFields {
        var headers: HTTPFields = [.contentType: "application/json", .eTag: "\"\(plan.entityTag)\""]
        // What names a version stays as it is, but for withdrawals.
        headers[.cacheControl] = plan.isLasting ? "public, max-age=3600" : "no-cache"
        return headers
    }

    static func response(_ answer: PageAnswer, _ headers: HTTPFields, path: String, query: String?) -> Response {
        let (headers, body) = parts(answer, headers, path: path, query: query)
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
    }

    /// The fields and the body of an answer.
    static func parts(_ answer: PageAnswer, _ headers: HTTPFields, path: some StringProtocol, query: (some StringProtocol)?) -> (HTTPFields, ByteBuffer) {
        let question = query.flatMap { $0.isEmpty ? nil : "?\($0)" } ?? ""
        var text = JSONText(capacity: 1024)
        text.raw("{\"data\":")
        answer.writeRows(into: &text.buffer)
        text.raw(",\"links\":{")
        var headers = headers
        if let cursor = answer.next {
            let next = Self.next(path, question, cursor)
            text.raw("\"next\":")
            text.string(next)
            text.raw(",")
            headers[.linkField] = "<\(next)>; rel=\"next\""
        }
        text.raw("\"self\":")
        text.string(path + question)
        text.raw("},\"meta\":")
        answer.writeMeta(into: &text.buffer)
        text.raw("}")
        return (headers, text.buffer)
    }

    private static func names(_ pair: Substring.UTF8View, _ name: String) -> Bool {
        pair.elementsEqual(name.utf8) || pair.starts(with: (name + "=").utf8)
    }

    /// The same address with another cursor, which needs no escapes; it carries the version, and so takes the place of `as_of`.
    static func next(_ path: some StringProtocol, _ question: String, _ cursor: String) -> String {
        var next = "\(path)?"
        for pair in question.utf8.dropFirst().split(separator: UInt8(ascii: "&")) where !Self.names(pair, "cursor") && !Self.names(pair, "as_of") {
            next += Substring(pair)
            next += "&"
        }
        return next + "cursor=" + cursor
    }
}

extension HTTPField.Name {
    fileprivate static let linkField = Self("Link")!
}
