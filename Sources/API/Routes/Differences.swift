import Bulk
import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    /// What differs between two versions: pages, and what it comes to.
    func addDifferenceRoutes(_ routes: Routes, _ reader: RowReader) {
        let gate = routes.gate
        routes.get("/v1/datasets/{id}/diff", .query, cost: { _, query in max(Costs.aggregate, RowsRoute.cost(query: query)) }) { request, context in
            _ = try request.negotiate(["application/json"])
            let plan = try await reader.differencePlan(of: try context.path("id"), try QueryParameters(request).all)
            let headers = DifferenceRoute.headers(plan)
            if request.isNotModified(EntityTag(plan.entityTag)) { return .notModified(EntityTag(plan.entityTag), headers: headers) }
            let answer = try await reader.answer(plan) { try await gate.charge(context.exchange, estimate: $0) }
            return DifferenceRoute.response(answer, plan, headers, request)
        }

        routes.get("/v1/datasets/{id}/diff/summary", .query, cost: { _, _ in Costs.aggregate }) { request, context in
            _ = try request.negotiate(["application/json"])
            let plan = try await reader.differencePlan(of: try context.path("id"), try QueryParameters(request).all, refusing: ["limit", "cursor"])
            let tag = EntityTag(plan.entityTag + "-sum"), headers = DifferenceRoute.headers(plan, tag)
            if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
            let total = try await reader.total(plan) { try await gate.charge(context.exchange, estimate: $0) }
            var text = JSONText(capacity: 1024)
            text.raw("{\"data\":")
            total.write(into: &text.buffer)
            text.raw(",\"links\":{\"self\":")
            text.string(request.target)
            text.raw("},\"meta\":{\"from\":\(plan.fromNumber),\"to\":\(plan.toNumber)}}")
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: text.buffer))
        }
    }

    /// A whole difference, streamed.
    func addDifferenceStreamRoutes(_ routes: Routes, _ reader: RowReader, _ bulk: Bulk) {
        routes.get("/v1/datasets/{id}/diff.csv", .download) { request, context in
            _ = try request.negotiate(["text/csv"])
            let parameters = try QueryParameters(request)
            let dialect = try parameters.dialect(withGuard: true)
            let plan = try await reader.differencePlan(of: try context.path("id"), parameters.all, refusing: ["limit"], other: Bulk.parameterNames)
            let rows = try await bulk.csv(plan.read, dialect: dialect)
            var headers = rows.headers(suffix: DifferenceRoute.suffix(plan, "csv"), type: "text/csv; charset=utf-8; header=\(plan.query.cursor == nil ? "present" : "absent")")
            return try await rows.csvResponse(&headers, request, context) { reader.cursor(after: $0, in: plan) }
        }

        routes.get("/v1/datasets/{id}/diff.ndjson", .download) { request, context in
            _ = try request.negotiate(["application/x-ndjson"])
            let plan = try await reader.differencePlan(of: try context.path("id"), try QueryParameters(request).all, refusing: ["limit"])
            let rows = try await bulk.ndjson(plan.read)
            let headers = rows.headers(suffix: DifferenceRoute.suffix(plan, "ndjson"), type: "application/x-ndjson")
            let first = plan.query.cursor == nil ? DifferenceRoute.lines(plan.fieldChanges) : ByteBuffer()
            return try await rows.ndjsonResponse(headers, request, context, before: first) { reader.cursor(after: $0, in: plan) }
        }
    }
}

/// How differences are written.
enum DifferenceRoute {
    static func headers(_ plan: DifferencePlan, _ tag: EntityTag? = nil) -> HTTPFields {
        var headers: HTTPFields = [.contentType: "application/json", .eTag: (tag ?? EntityTag(plan.entityTag)).field]
        // Two versions that are named always differ by the same rows, but for withdrawals.
        headers[.cacheControl] = plan.isLasting ? "public, max-age=3600" : "no-cache"
        headers[.daylightVersion] = String(plan.toNumber)
        return headers
    }

    static func suffix(_ plan: DifferencePlan, _ form: String) -> String { "-\(plan.fromNumber)-\(plan.toNumber).\(form)" }

    static func response(_ answer: DifferenceAnswer, _ plan: DifferencePlan, _ headers: HTTPFields, _ request: Request) -> Response {
        var headers = headers
        var text = JSONText(capacity: 1024)
        // What changed in the fields comes first: it says how to read the rows.
        text.raw("{\"meta\":{\"from\":\(plan.fromNumber),\"to\":\(plan.toNumber),\"limit\":\(plan.query.limit),\"fields\":[")
        for (index, change) in plan.fieldChanges.enumerated() {
            if index > 0 { text.raw(",") }
            write(change, into: &text)
        }
        text.raw("]},\"data\":")
        answer.writeRows(into: &text.buffer)
        text.raw(",\"links\":{")
        let question = request.uri.query.flatMap { $0.isEmpty ? nil : "?\($0)" } ?? ""
        if let cursor = answer.next {
            let next = RowsRoute.next(request.uri.path, question, cursor)
            text.raw("\"next\":")
            text.string(next)
            text.raw(",")
            headers[.link] = "<\(next)>; rel=\"next\""
        }
        text.raw("\"self\":")
        text.string(request.target)
        text.raw("}}")
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: text.buffer))
    }

    static func lines(_ changes: [FieldChange]) -> ByteBuffer {
        var text = JSONText(capacity: 256)
        for change in changes {
            write(change, into: &text)
            text.raw("\n")
        }
        return text.buffer
    }

    private static func write(_ change: FieldChange, into text: inout JSONText) {
        text.raw("{\"change\":\"\(change.kind.rawValue)\",\"field\":\"\(change.field)\"")
        if let old = change.old { text.raw(",\"old\":\(old)") }
        text.raw(",\"new\":\(change.new)}")
    }
}

extension Request {
    /// Path and query as they came.
    fileprivate var target: String { uri.path + (uri.query.flatMap { $0.isEmpty ? nil : "?\($0)" } ?? "") }
}
