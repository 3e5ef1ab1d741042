internal import Model
internal import Postgres

extension Store {
    /// A public read of any length, once the planner's estimate is within the bound.
    ///
    /// - Parameters:
    ///   - version: whose rows are read; names the fields by which the question could be narrowed.
    ///   - advice: what else would make the question cheaper.
    ///   - admit: told the estimate before anything runs; what it throws is thrown.
    /// - Throws: a `Problem` (`queryTooExpensive`) before anything ran, and `PostgresError`.
    func runWithinCost(
        _ sql: SQL, of version: ReleasedVersion, advice: LocalizedText, admit: (_ estimate: Double) async throws -> Void = { _ in }
    ) async throws -> RowSet {
        let bound = configuration.queryCost
        let cost = try Estimate.read(await reader.execute(Estimate.explain(sql))).total
        guard cost <= Double(bound) else { throw Self.tooExpensive(version, cost: cost, bound: bound, advice: advice) }
        try await admit(cost)
        guard cost >= Double(configuration.costlyRead) else { return try await reader.execute(sql) }
        try await costlyReads.enter()
        defer { costlyReads.leave() }
        return try await reader.execute(sql)
    }

    private static func tooExpensive(_ version: ReleasedVersion, cost: Double, bound: Int, advice: LocalizedText) -> Problem {
        let fields = ([version.schema.timeField].compactMap { $0 } + (version.schema.indexes + [version.schema.primaryKey]).compactMap(\.first))
            .reduce(into: [String]()) { names, name in
                if version.queryable[name] != nil, !names.contains(name) { names.append(name) }
            }
            .joined(separator: ", ")
        let estimate = Int(min(cost, 1e15))
        let (zh, en) = fields.isEmpty ? ("", "") : ("（如 \(fields)）", " (such as \(fields))")
        return Problem(
            .queryTooExpensive, zh: "估算代价 \(estimate) 超过上限 \(bound)；请加筛选条件缩小行的范围\(zh)，\(advice.zh)",
            en: "the estimated cost is \(estimate), the bound \(bound); look at fewer rows by a filter\(en), \(advice.text(in: .en))",
            members: [.estimatedCost: String(estimate), .costLimit: String(bound)])
    }
}

extension Connection {
    /// What the planner expects a statement to cost.
    func estimate(of sql: SQL) async throws -> Estimate { try Estimate.read(await execute(Estimate.explain(sql))) }
}

/// The planner's estimate of a statement, in its cost units.
struct Estimate: Decodable {
    /// Until the first row, and until the last.
    let startup: Double
    let total: Double

    enum CodingKeys: String, CodingKey {
        case startup = "Startup Cost"
        case total = "Total Cost"
    }

    /// What `EXPLAIN (FORMAT JSON)` says first.
    private struct Statement: Decodable {
        enum CodingKeys: String, CodingKey { case plan = "Plan" }

        let plan: Estimate
    }

    static func explain(_ sql: SQL) -> SQL { "EXPLAIN (FORMAT JSON) \(sql)" }

    static func read(_ plan: RowSet) throws -> Estimate {
        try JSON.decode([Statement].self, plan.first?.read(String.self, 0) ?? "[]").first?.plan ?? Estimate(startup: 0, total: 0)
    }
}
