import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addAggregateRoutes(_ routes: Routes, _ reader: RowReader) {
        let gate = routes.gate
        routes.get("/v1/datasets/{id}/aggregate", .query) { request, context in
            _ = try request.negotiate(["application/json"])
            let given = try QueryParameters(request).all
            let dataset = try context.path("id")
            return try await Self.retrying { fresh in
                let parameters = try await reader.resolvingAsOf(given, of: dataset)
                let number = parameters.first { $0.name == "version" }.flatMap { Int($0.value) }.flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
                let version = try await reader.version(of: dataset, number: number, fresh: fresh)
                let plan = try reader.aggregatePlan(version, parameters)
                // What names a version stays as it is, but for withdrawals; an instant is bound to its version only once releases on their way have come through.
                let isLasting = plan.isLasting && !given.contains { $0.name == Timestamp.asOfName }
                func headers(_ tag: String) -> HTTPFields {
                    [
                        .contentType: "application/json", .eTag: "\"\(tag)\"", .cacheControl: isLasting ? "public, max-age=3600" : "no-cache",
                        .daylightVersion: String(plan.versionNumber),
                    ]
                }
                if request.isNotModified(EntityTag(plan.entityTag)) { return .notModified(EntityTag(plan.entityTag), headers: headers(plan.entityTag)) }
                let answer = try await reader.answer(plan) { estimate, isFromRollup in
                    try await gate.charge(context.exchange, estimate: estimate, atLeast: isFromRollup ? 1 : Costs.aggregate)
                }
                guard let answer else { return nil }
                return Response(status: .ok, headers: headers(answer.plan.entityTag), body: .init(byteBuffer: Self.body(answer, request)))
            }
        }
    }

    private static func body(_ answer: AggregateAnswer, _ request: Request) -> ByteBuffer {
        var text = JSONText(capacity: 1024)
        text.raw("{\"data\":")
        answer.writeGroups(into: &text.buffer)
        text.raw(",\"links\":{\"self\":")
        text.string(request.uri.path + (request.uri.query.flatMap { $0.isEmpty ? nil : "?\($0)" } ?? ""))
        text.raw("},\"meta\":")
        answer.writeMeta(into: &text.buffer)
        text.raw("}")
        return text.buffer
    }
}
