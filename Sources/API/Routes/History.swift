import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    /// What became of one row through all versions.
    func addHistoryRoutes(_ routes: Routes, _ reader: RowReader) {
        routes.get("/v1/datasets/{id}/rows/{key}/history", .query, cost: { _, query in RowsRoute.cost(query: query) }) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only("limit", "before")
            let limit = try parameters.integer("limit", in: 1...1000) ?? 100
            let before = try parameters.integer("before", in: 1...Int(Int32.max))
            let answer = try await reader.history(
                of: try context.path("id"), key: context.coreContext.parameters["key"] ?? "", before: before, limit: limit)
            let path = request.uri.path, question = request.uri.query.flatMap { $0.isEmpty ? nil : "?\($0)" } ?? ""
            var headers: HTTPFields = [.cacheControl: "public, no-cache"]
            var text = JSONText(capacity: 1024)
            text.raw("{\"data\":")
            answer.writeEvents(into: &text.buffer)
            text.raw(",\"links\":{")
            if let before = answer.before {
                let next = "\(path)?limit=\(limit)&before=\(before)"
                text.raw("\"next\":")
                text.string(next)
                text.raw(",")
                headers[.link] = "<\(next)>; rel=\"next\""
            }
            text.raw("\"self\":")
            text.string(path + question)
            text.raw("},\"meta\":{\"limit\":\(limit),\"withdrawals\":")
            try answer.writeWithdrawals(into: &text.buffer)
            text.raw("}}")
            return .json(text: text.buffer, tagged: request, headers: headers)
        }
    }
}
