import Ledger
public import Model
import Store

extension Publishing {
    /// Takes something out of public view and leaves a tombstone with the reason.
    ///
    /// Rows leave all versions, and what is left becomes the next version; versions that held them no longer give out their bytes.
    ///
    /// - Parameters:
    ///   - version: for `version`, which one.
    ///   - keys: for `rows`, in the spelling of `/rows/{key}`.
    ///   - code: why, as a word; it decides whether a later push may bring rows back.
    /// - Throws: `Problem`: `invalidWithdrawal` with every wrong place, `versionNotFound`, `datasetWithdrawn`, `datasetNotReleased`, `datasetMirrored`.
    public func withdraw(
        _ subject: Withdrawal.Subject, of dataset: String, version: Int? = nil, keys: [String] = [], reason: LocalizedText, code: Withdrawal.ReasonCode = .other,
        legalBasis: String? = nil, by key: AccessKey, now: Timestamp = .now
    ) async throws -> Withdrawal {
        try Self.check(subject, version: version, keys: keys, reason: reason)
        let withdrawal = try await store.withdraw(from: dataset) { withdrawing in
            let target = withdrawing.target
            if let home = target.home { throw Problem.mirrored(at: home) }
            if target.state == .withdrawn { throw Problem(.datasetWithdrawn, zh: "数据资源已撤回", en: "the dataset is withdrawn already") }
            guard target.currentVersion != nil || subject == .dataset else {
                throw Problem(.datasetNotReleased, zh: "数据资源尚未发布，没有可撤回的内容", en: "nothing of the dataset is released yet")
            }
            var withdrawal = Withdrawal(
                id: newIdentifier(), dataset: target.dataset, subject: subject, version: subject == .version ? version : nil, keys: [], reason: reason,
                reasonCode: code, legalBasis: legalBasis, withdrawnAt: now)
            switch subject {
            case .dataset:
                try await withdrawing.record(withdrawal, by: key.id, entry: .withdrawal(withdrawal))
                try await withdrawing.withdrawDataset(withdrawal)
            case .version:
                let number = version ?? 0
                switch try await withdrawing.isWithdrawn(version: number) {
                case nil: throw Problem(.versionNotFound, zh: "没有第 \(number) 版", en: "there is no version \(number)")
                case true: throw Problem(.invalidWithdrawal, zh: "第 \(number) 版已撤回", en: "version \(number) is withdrawn already")
                case false: break
                }
                try await withdrawing.record(withdrawal, by: key.id, entry: .withdrawal(withdrawal))
                try await withdrawing.withdrawVersion(number, withdrawal)
            case .rows:
                let rows = try Self.rows(keys, code, in: target.currentSchema ?? target.schema)
                let unknown = try await withdrawing.unknown(rows).map { Problem.Place("/keys/\($0)", zh: "没有这一行", en: "there is no such row") }
                if !unknown.isEmpty { throw Problem(.invalidWithdrawal, zh: "有的行不存在", en: "some rows do not exist", places: unknown) }
                withdrawal.keys = rows.map(\.key)
                try await Self.withdraw([(rows, withdrawal)], withdrawing, by: key.id, now)
            }
            return withdrawal
        }
        guard let withdrawal else { throw Self.noDataset }
        return withdrawal
    }

    /// A dataset's withdrawals, newest first.
    public func withdrawals(of target: PushTarget, before last: (withdrawnAt: Timestamp, id: String)?, limit: Int) async throws -> [Withdrawal] {
        try await store.withdrawals(of: target.dataset, audience: target.audience, before: last, limit: limit)
    }

    /// Withdraws rows, and makes what is left the next version.
    ///
    /// - Parameters:
    ///   - parts: rows and the withdrawal that takes them; all of them make one version.
    ///   - key: who does it; nil where their time has come.
    static func withdraw(_ parts: [(rows: [LeavingRow], withdrawal: Withdrawal)], _ withdrawing: Withdrawing, by key: String?, _ now: Timestamp) async throws {
        var removed = 0
        for (rows, withdrawal) in parts {
            try await withdrawing.record(withdrawal, by: key, entry: .withdrawal(withdrawal))
            removed += try await withdrawing.remove(rows, withdrawal).standing
        }
        let target = withdrawing.target
        try await withdrawing.renewRollups(version: (target.currentVersion ?? 0) + (removed > 0 ? 1 : 0))
        // Rows that only older versions held change nothing of what stands now.
        guard removed > 0, let schema = target.currentSchema else { return }
        var reading = CanonicalReading(schema)
        try await withdrawing.canonical { reading.take($0) }
        let form = reading.finish()
        let version = Version(
            dataset: target.dataset, number: (target.currentVersion ?? 0) + 1, digest: form.digest, rowCount: target.rowCount - removed, added: 0,
            changed: 0, removed: removed, byteCount: form.bytes, schema: schema, profile: target.currentProfile, department: target.department, push: nil,
            releasedAt: now, withdrawal: nil)
        let entry = try LedgerEntry.release(version, previousDigest: target.currentDigest, description: try await withdrawing.description(), rowTree: (form.tree.size, form.tree.head))
        try await withdrawing.publish(version, releasedBy: key, entry: entry, tree: (parts[0].withdrawal.id, form.tree))
    }

    /// Withdrawals of rows that go by themselves, one for each reason and at most 10,000 rows.
    ///
    /// - Parameter source: the rule that says so.
    static func withdrawals(of rows: [LeavingRow], from dataset: String, source: String?, _ now: Timestamp) -> [(rows: [LeavingRow], withdrawal: Withdrawal)] {
        Withdrawal.ReasonCode.allCases.flatMap { code in
            let rows = rows.filter { $0.reason == code }
            return stride(from: 0, to: rows.count, by: rowLimit).map { start in
                let part = Array(rows[start..<min(start + rowLimit, rows.count)])
                let withdrawal = Withdrawal(
                    id: newIdentifier(), dataset: dataset, subject: .rows, version: nil, keys: part.map(\.key), reason: code.text, reasonCode: code,
                    legalBasis: source, withdrawnAt: now)
                return (part, withdrawal)
            }
        }
    }

    /// Rows of one withdrawal.
    private static let rowLimit = 10_000

    private static func check(_ subject: Withdrawal.Subject, version: Int?, keys: [String], reason: LocalizedText) throws {
        var places: [Problem.Place] = []
        if reason.zh.allSatisfy(\.isWhitespace) { places.append(.init("/reason/zh", zh: "请说明撤回理由", en: "say why")) }
        if reason.zh.count > 10_000 || (reason.en ?? "").count > 10_000 { places.append(.init("/reason", zh: "不得超过 10000 个字符", en: "at most 10000 characters")) }
        if (subject == .version) != (version != nil) {
            places.append(.init("/version", zh: "撤回版本时须给出版本号，其他情况不得给出", en: "is needed for a version and for nothing else"))
        }
        if (subject == .rows) != !keys.isEmpty {
            places.append(.init("/keys", zh: "撤回行时须给出主键，其他情况不得给出", en: "are needed for rows and for nothing else"))
        }
        if keys.count > rowLimit { places.append(.init("/keys", zh: "一次最多 \(rowLimit) 行", en: "at most \(rowLimit) rows at once")) }
        if !places.isEmpty { throw Problem(.invalidWithdrawal, zh: "撤回请求不完整", en: "the withdrawal is incomplete", places: places) }
    }

    /// Reads keys in the spelling of `/rows/{key}`.
    private static func rows(_ keys: [String], _ code: Withdrawal.ReasonCode, in schema: TableSchema) throws -> [LeavingRow] {
        let fields = schema.primaryKey.compactMap { schema.field($0) }
        var rows: [LeavingRow] = []
        var places: [Problem.Place] = []
        var seen: Set<LeavingRow> = []
        for (index, key) in keys.enumerated() {
            guard let values = RowKey.values(key, fields: fields) else {
                let names = schema.primaryKey.joined(separator: ",")
                places.append(.init("/keys/\(index)", zh: "应为 \(names) 的值，逐个百分号编码，以逗号连接", en: "must be the values of \(names), each percent-encoded, joined by commas"))
                continue
            }
            let row = LeavingRow(values: values, key: RowKey.text(values), reason: code)
            if seen.insert(row).inserted { rows.append(row) }
        }
        if !places.isEmpty { throw Problem(.invalidWithdrawal, zh: "主键无效", en: "invalid keys", places: places) }
        return rows
    }
}
