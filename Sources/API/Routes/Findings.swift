import Catalogue
import CSV
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

extension API {
    func addFindingRoutes(_ routes: Routes, _ publishing: Publishing, _ seal: CursorSeal) {
        routes.get("/v1/pushes/{push}/findings", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor", "severity", "code")
            let push = try await Self.push(context, publishing).push.id
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let last = try query.value("cursor").map { try seal.open(Int.self, $0, for: "findings of \(push)") }
            var page = try await publishing.findings(
                of: push, after: last ?? 0, severity: try query.word("severity", as: Check.Severity.self), code: try query.word("code", as: FindingCode.self),
                limit: limit + 1)
            var next: String?
            if page.count > limit {
                page.removeLast(page.count - limit)
                next = try page.last.map { try seal.seal($0.number, for: "findings of \(push)") }
            }
            let meta = FindingMeta(try await publishing.findingCounts(of: push), limit: publishing.configuration.findingLimit)
            return try .page(page.map(\.finding), meta: meta, PageLinks(request, next: next))
        }

        routes.get("/v1/pushes/{push}/findings.csv", .read) { request, context in
            try QueryParameters(request).only()
            let push = try await Self.push(context, publishing).push.id
            return .csv(name: "findings-\(push).csv") { writer in
                try await writer.write(ByteBuffer(string: "code,severity,line,field,value,message_zh,message_en\n"))
                var last = 0
                while true {
                    let page = try await publishing.findings(of: push, after: last, limit: 1000)
                    guard let number = page.last?.number else { return }
                    last = number
                    try await writer.write(ByteBuffer(string: page.map { $0.finding.record }.joined()))
                }
            }
        }

        routes.get("/v1/pushes/{push}/rejected.csv", .read) { request, context in
            try QueryParameters(request).only()
            let push = try await Self.push(context, publishing).push.id
            return .csv(name: "rejected-\(push).csv") { writer in
                var last = -1
                while true {
                    let page = try await publishing.rejectedRecords(of: push, after: last, limit: 500)
                    guard let line = page.last?.line else { return }
                    last = line
                    try await writer.write(ByteBuffer(string: page.map { $0.text + "\n" }.joined()))
                }
            }
        }
    }
}

/// How many findings there are, all told and by code.
private struct FindingMeta: Encodable, Sendable {
    var total: Int
    var kept: Int
    var byCode: [String: Int]

    init(_ counts: [FindingCount], limit: Int) {
        total = counts.reduce(0) { $0 + $1.count }
        kept = min(total, limit)
        byCode = [:]
        for count in counts { byCode[count.code.rawValue, default: 0] += count.count }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(total, forKey: .total)
        try container.encode(kept, forKey: .kept)
        try container.encode(byCode, forKey: .byCode)
    }

    private enum CodingKeys: String, CodingKey { case total, kept, byCode }
}

extension Finding {
    /// A line of CSV (RFC 4180).
    fileprivate var record: String {
        let values = [code.rawValue, severity.rawValue, line.map(String.init) ?? "", field ?? "", value ?? "", message.zh, message.en ?? ""]
        return values.map(Self.quoted).joined(separator: ",") + "\n"
    }

    private static func quoted(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return value }
        return "\"" + value.replacing("\"", with: "\"\"") + "\""
    }
}

extension Response {
    /// A CSV that is written as it is read, for the caller alone.
    fileprivate static func csv(name: String, _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void) -> Response {
        var headers = API.unshared
        headers[.contentType] = "text/csv; charset=utf-8; header=present"
        headers[.contentDisposition] = "attachment; filename=\"\(name)\""
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                try await write(&writer)
                try await writer.finish(nil)
            })
    }
}
