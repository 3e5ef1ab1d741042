import Exchange
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

/// Over which time figures are.
private struct StatisticsMeta: Encodable {
    var from: Timestamp
    var to: Timestamp
}

extension API {
    /// How departments share: figures over some time, and the monthly report.
    func addStatisticsRoutes(_ routes: Routes, _ sharing: Sharing) {
        routes.get("/v1/exchange/statistics", .query) { request, context in
            let query = try QueryParameters(request)
            try query.only("from", "to", "department")
            let member = try context.member()
            let to = try query.timestamp("to") ?? .now
            // Thirty days, where nothing else is said.
            let from = try query.timestamp("from") ?? Timestamp(microseconds: to.microseconds - 30 * 86_400_000_000)
            let figures = try await sharing.statistics(from: from, to: to, department: try query.value("department"), for: member)
            return try .page(figures, meta: StatisticsMeta(from: from, to: to), PageLinks(request, next: nil))
        }

        routes.get("/v1/exchange/report", .query) { request, context in
            let query = try QueryParameters(request)
            try query.only("month")
            let (from, to) = try query.month()
            let figures = try await sharing.statistics(from: from, to: to, department: nil, for: try context.member())
            return try .page(figures, meta: StatisticsMeta(from: from, to: to), PageLinks(request, next: nil))
        }

        routes.get("/v1/exchange/report.csv", .query) { request, context in
            _ = try request.negotiate(["text/csv"])
            let query = try QueryParameters(request)
            try query.only("month")
            let (from, to) = try query.month()
            let figures = try await sharing.statistics(from: from, to: to, department: nil, for: try context.member())
            var headers = Self.unshared
            headers[.contentType] = "text/csv; charset=utf-8; header=present"
            headers[.contentDisposition] = "attachment; filename=\"exchange-\(from.description.prefix(7)).csv\""
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: StatisticsCSV.text(figures))))
        }
    }
}

/// The monthly report as CSV (RFC 4180): a line for each department.
private enum StatisticsCSV {
    static let header = [
        "department", "name", "requests", "granted", "refused", "withdrawn", "open", "late", "median_working_days", "p90_working_days", "deliveries", "deliveries_finished",
        "delivered_rows", "delivered_bytes", "receipts", "receipts_missing", "oldest_missing_days", "corrections", "corrected", "upheld", "corrections_withdrawn", "corrections_open",
        "corrections_late", "correction_median_working_days", "correction_p90_working_days",
    ]

    static func text(_ figures: [ShareStatistics]) -> String {
        func number(_ value: (some CustomStringConvertible)?) -> String { value?.description ?? "" }
        let lines = figures.map { figure -> [String] in
            let (asked, sent, doubted) = (figure.requests, figure.deliveries, figure.corrections)
            let counts = [asked.received, asked.granted, asked.refused, asked.withdrawn, asked.open, asked.late].map(\.description)
            let deliveries = [sent.begun, sent.finished, sent.rows, sent.bytes, sent.receipts, sent.receiptsMissing].map(\.description)
            let corrections = [doubted.received, doubted.corrected, doubted.upheld, doubted.withdrawn, doubted.open, doubted.late].map(\.description)
            return [figure.department, quoted(figure.name.zh)] + counts + [number(asked.medianWorkingDays), number(asked.p90WorkingDays)] + deliveries + [number(sent.oldestMissingDays)]
                + corrections + [number(doubted.medianWorkingDays), number(doubted.p90WorkingDays)]
        }
        return ([header] + lines).map { $0.joined(separator: ",") + "\n" }.joined()
    }

    private static func quoted(_ text: String) -> String {
        text.contains { $0 == "," || $0 == "\"" || $0.isNewline } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}

extension QueryParameters {
    /// A parameter that is an instant.
    func timestamp(_ name: String) throws -> Timestamp? {
        guard let text = try value(name) else { return nil }
        guard let time = Timestamp(text) else {
            throw Self.invalid(name, zh: "应为 RFC 3339 时间，如 2026-03-01T08:00:00%2B08:00", en: "must be an RFC 3339 time such as 2026-03-01T08:00:00%2B08:00")
        }
        return time
    }

    /// The month that is asked for, from its first instant up to the next one's, at +08:00; the last whole one where none is.
    fileprivate func month() throws -> (from: Timestamp, to: Timestamp) {
        var text = try value("month")
        if text == nil, let start = Timestamp("\(Timestamp.now.description.prefix(7))-01T00:00:00+08:00") {
            text = String(Timestamp(microseconds: start.microseconds - 1).description.prefix(7))
        }
        let parts = (text ?? "").split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 4, parts[1].utf8.count == 2, let year = Int(parts[0]), let month = Int(parts[1]), (2000...2999).contains(year), (1...12).contains(month)
        else { throw Self.invalid("month", zh: "应为 YYYY-MM，如 2026-03", en: "must be YYYY-MM, such as 2026-03") }
        func first(_ year: Int, _ month: Int) -> Timestamp? {
            Timestamp("\(year)-\(month < 10 ? "0" : "")\(month)-01T00:00:00+08:00")
        }
        guard let from = first(year, month), let to = first(month == 12 ? year + 1 : year, month % 12 + 1) else {
            throw Self.invalid("month", zh: "应为 YYYY-MM，如 2026-03", en: "must be YYYY-MM, such as 2026-03")
        }
        return (from, to)
    }
}
