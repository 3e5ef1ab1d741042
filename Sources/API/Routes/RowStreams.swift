import Bulk
import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    /// All rows of a question, streamed; the question is read as that of a page is.
    func addRowStreamRoutes(_ routes: Routes, _ reader: RowReader, _ bulk: Bulk) {
        routes.get("/v1/datasets/{id}/rows.csv", .download) { request, context in
            _ = try request.negotiate(["text/csv"])
            let dialect = try QueryParameters(request).dialect(withGuard: true)
            let plan = try await Self.plan(request, context, reader, other: Bulk.parameterNames)
            let rows = try await bulk.csv(plan.read, dialect: dialect)
            var headers = rows.headers(suffix: ".csv", type: "text/csv; charset=utf-8; header=\(plan.query.cursor == nil ? "present" : "absent")")
            return try await rows.csvResponse(&headers, request, context) { reader.cursor(after: $0, in: plan) }
        }

        routes.get("/v1/datasets/{id}/rows.ndjson", .download) { request, context in
            _ = try request.negotiate(["application/x-ndjson"])
            let plan = try await Self.plan(request, context, reader, other: [])
            let rows = try await bulk.ndjson(plan.read)
            let headers = rows.headers(suffix: ".ndjson", type: "application/x-ndjson")
            return try await rows.ndjsonResponse(headers, request, context) { reader.cursor(after: $0, in: plan) }
        }
    }

    private static func plan(_ request: Request, _ context: AppContext, _ reader: RowReader, other: [String]) async throws -> PagePlan {
        let given = try QueryParameters(request).all
        guard !given.contains(where: { $0.name == "limit" }) else {
            throw Problem(
                .unknownParameter, zh: "这里给出全部行，没有 limit", en: "all rows are given here; there is no limit",
                places: [.init("limit", zh: "没有这个参数", en: "no such parameter")])
        }
        let dataset = try context.path("id")
        let parameters = try await reader.resolvingAsOf(given, of: dataset)
        let version = try await reader.version(of: dataset, number: try reader.versionNumber(in: parameters))
        return try reader.plan(version, parameters, other: other)
    }
}

/// An answer that is not whole and cannot say so.
private struct StreamCutOff: Error {}

extension LiveRows {
    func headers(suffix: String, type: String) -> HTTPFields {
        var headers: HTTPFields = [.contentType: type, .cacheControl: "no-cache"]
        headers[.daylightVersion] = String(version)
        headers[.contentDisposition] = Attachment.field(name: title, fallback: dataset, suffix: suffix)
        return headers
    }

    /// CSV; where the time is up before the last row, the cursor stands behind it for a client that looks for it there.
    ///
    /// - Parameter cursor: gives the cursor behind a row, by the order's values of that row.
    func csvResponse(_ headers: inout HTTPFields, _ request: Request, _ context: AppContext, cursor: @escaping @Sendable ([String?]) -> String?) async throws -> Response {
        let takesTrailers = request.takesTrailers
        if takesTrailers { headers[.trailer] = HTTPField.Name.daylightNextCursor.rawName }
        return try await response(headers, context) { rest, writer in
            // What is cut off cannot be taken for the whole; an end in due form could, by whoever does not look for the cursor.
            guard takesTrailers, let cursor = cursor(rest) else { throw StreamCutOff() }
            try await writer.finish([.daylightNextCursor: cursor])
        }
    }

    /// Lines of JSON; where the time is up before the last row, a line says so and where to go on.
    ///
    /// - Parameters:
    ///   - first: lines that stand before the rows.
    ///   - cursor: as for CSV.
    func ndjsonResponse(
        _ headers: HTTPFields, _ request: Request, _ context: AppContext, before first: ByteBuffer = ByteBuffer(),
        cursor: @escaping @Sendable ([String?]) -> String?
    ) async throws -> Response {
        let (path, query, exchange) = (request.uri.path, request.uri.query, context.exchange)
        return try await response(headers, context, before: first) { rest, writer in
            guard let cursor = cursor(rest) else { throw StreamCutOff() }
            let next = RowsRoute.next(path, query.map { "?\($0)" } ?? "", cursor)
            let problem = Problem(
                .streamExpired, zh: "流式输出占用数据库的时间已到；从 links.next 继续", en: "the time that a stream may hold the database is up; go on at links.next",
                members: [.links: try JSON.encode(["next": next])])
            var line = JSONText(capacity: 1024)
            // No field's name begins like this.
            line.raw("{\"$problem\":")
            line.buffer.writeImmutableBuffer(ProblemDocument(problem, exchange).body)
            line.raw("}\n")
            var writer = writer
            try await writer.write(line.buffer)
            try await writer.finish(nil)
        }
    }

    /// The answer, once the first rows are there: what fails before them still gets a problem, what fails later cuts the connection.
    ///
    /// - Parameters:
    ///   - start: bytes that stand before the rows.
    ///   - expired: ends the body where time was up before the last row; gets the order's values of the last row that was sent.
    func response(
        _ headers: HTTPFields, _ context: AppContext, before start: ByteBuffer = ByteBuffer(),
        expired: @escaping @Sendable ([String?], consuming any ResponseBodyWriter) async throws -> Void = { _, _ in throw StreamCutOff() }
    ) async throws -> Response {
        if context.exchange.method == "HEAD" { return .ofUnknownLength(headers) }
        let rows = makeAsyncIterator()
        let first = try await rows.next()
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                if start.readableBytes > 0 { try await writer.write(start) }
                var buffer = first
                while let bytes = buffer {
                    try await writer.write(bytes)
                    buffer = try await rows.next()
                }
                if let rest = rows.rest { try await expired(rest, writer) } else { try await writer.finish(nil) }
            })
    }
}

extension QueryParameters {
    /// - Parameter withGuard: whether `formula_guard` is read, too.
    func dialect(withGuard: Bool) throws -> CSVDialect {
        var dialect = CSVDialect()
        if let word = try value("dialect") {
            guard word == "excel" else { throw Self.invalid("dialect", zh: "应为 excel", en: "must be excel") }
            dialect.excel = true
        }
        if withGuard { dialect.formulaGuard = try boolean("formula_guard") ?? false }
        return dialect
    }
}

extension Request {
    /// Whether the client reads the fields behind a body (RFC 9110 section 10.1.4).
    fileprivate var takesTrailers: Bool {
        headers[values: .te].contains { $0.split(separator: ",").contains { $0.trimmingPrefix(" ").lowercased().hasPrefix("trailers") } }
    }
}

extension HTTPField.Name {
    static let daylightVersion = Self("Daylight-Version")!
    /// Behind a stream that ended before its last row.
    static let daylightNextCursor = Self("Daylight-Next-Cursor")!
}
