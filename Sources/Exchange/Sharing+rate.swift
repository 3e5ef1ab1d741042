internal import Model
internal import Store

extension ShareRate {
    /// Longest time that a rate may count over: 31 days.
    static let longest = 2_678_400
    static let most = 1_000_000_000

    /// What is wrong with it.
    func check(_ places: inout [Problem.Place]) {
        if calls == nil, rows == nil { places.append(.init("/rate", zh: "请写明 calls 或 rows", en: "must have calls or rows")) }
        for (name, value, most) in [("calls", calls, Self.most), ("rows", rows, Self.most), ("seconds", seconds, Self.longest)] {
            if let value, !(1...most).contains(value) { places.append(.init("/rate/\(name)", zh: "应为 1 到 \(most)", en: "must be from 1 to \(most)")) }
        }
    }
}

extension Sharing {
    /// Spends a call of what the grant's terms allow, and looks whether rows are left.
    ///
    /// - Returns: what is left of each.
    /// - Throws: `Problem` (`tooManyRequests`).
    func spend(_ grant: ShareGrant) async throws -> [ShareAllowance] {
        guard let rate = grant.terms.rate else { return [] }
        var left: [ShareAllowance] = []
        // Rows first: a call that is refused for them is not counted.
        for unit in [ShareRate.Unit.rows, .calls] {
            guard let quota = rate.quota(unit) else { continue }
            let (allowance, wait) = try await store.spend(unit, grant: grant.id, quota: quota, seconds: rate.seconds)
            if let wait {
                throw Problem(
                    .tooManyRequests, zh: "超过授权的限额：每 \(rate.seconds) 秒 \(quota) \(unit == .calls ? "次" : "行")；请在 \(wait) 秒后重试",
                    en: "over the rate of the grant: \(quota) \(unit.rawValue) in \(rate.seconds) s; retry in \(wait) s", members: [.violatedPolicies: "[\"grant-\(unit.rawValue)\"]"],
                    retryAfter: wait)
            }
            left.append(allowance)
        }
        return left.reversed()
    }

    /// Charges rows that were given.
    func charge(rows: Int, _ grant: ShareGrant) async throws {
        guard rows > 0, let rate = grant.terms.rate, let quota = rate.rows else { return }
        try await store.charge(rows: rows, grant: grant.id, quota: quota, seconds: rate.seconds)
    }
}
