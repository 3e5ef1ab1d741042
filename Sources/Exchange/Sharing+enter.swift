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
    /// Opens a pass for one read: PostgreSQL looks at the grant, the key and the purpose, and spends a call of the grant's rate.
    ///
    /// - Throws: `Problem`: `tooManyRequests`, `purposeMissing`, `notYourDecision`, and what ``serve(_:to:now:)`` throws of a grant that ended meanwhile.
    func enter(_ served: ServedGrant, _ member: Member, _ purpose: String) async throws -> GrantPass {
        switch try await store.enter(served.grant, key: member.key.id, purpose: purpose) {
        case .success(let pass): return pass
        case .failure(.rate(let unit, let wait)):
            let rate = served.grant.terms.rate, quota = rate?.quota(unit) ?? 0, seconds = rate?.seconds ?? 0
            throw Problem(
                .tooManyRequests, zh: "超过授权的限额：每 \(seconds) 秒 \(quota) \(unit == .calls ? "次" : "行")；请在 \(wait) 秒后重试",
                en: "over the rate of the grant: \(quota) \(unit.rawValue) in \(seconds) s; retry in \(wait) s", members: [.violatedPolicies: "[\"grant-\(unit.rawValue)\"]"],
                retryAfter: wait)
        case .failure(.purpose): throw Self.noPurpose
        case .failure(.key): throw Self.notTheReceiver
        case .failure(.ended):
            try await confirm(served, to: member)
            throw Problem(.overloaded, zh: "授权正在变更，请稍后重试", en: "the grant is being changed; try again in a moment", retryAfter: 1)
        }
    }

    /// Charges rows that were given.
    func charge(rows: Int, _ grant: ShareGrant, by pass: GrantPass) async throws {
        guard rows > 0, grant.terms.rate?.rows != nil else { return }
        try await store.charge(rows: rows, by: pass)
    }
}
