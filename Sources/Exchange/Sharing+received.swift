public import Model
internal import Store

/// Rows that came by a grant of another node, about to be read.
public struct OpenReceived: Sendable {
    public let grant: ReceivedGrant
    public let version: Int
    /// Nil where nobody reads them.
    public let bytes: DeliveryBytes?
}

extension Sharing {
    /// What came here from other nodes by grants of the caller's department, newest first.
    public func received(for member: Member, before last: (addedAt: Timestamp, id: String)?, limit: Int) async throws -> [ReceivedGrant] {
        try await store.receivedGrants(of: member.view, datasets: member.key.datasets, before: last, limit: limit)
    }

    /// The rows that came by one of them, for the department that it was given to alone.
    ///
    /// - Parameters:
    ///   - purpose: what the caller says that it is for; kept.
    ///   - isProbe: nothing will be read.
    /// - Throws: `Problem`: `grantNotFound`, `notYourDecision` for anybody but the receiver, `grantEnded`, `purposeMissing`, `versionNotFound` where nothing has come yet.
    public func receivedRows(by id: String, for member: Member, purpose: String?, isProbe: Bool = false, call: String = "-", now: Timestamp = .now) async throws -> OpenReceived {
        let known = try await store.receivedGrant(id)
        guard let grant = known, let department = grant.department, member.key.datasets.isEmpty || member.key.datasets.contains(grant.dataset ?? ""),
            member.isAuthority || member.acts(for: department)
        else { throw Self.noGrant(id) }
        guard member.acts(for: department) else {
            throw Problem(.notYourDecision, zh: "只有获得授权的部门可以读取", en: "only the department that the grant was given to reads by it")
        }
        let end = grant.endedAt ?? grant.until
        if !grant.isFollowed || end.map({ $0 <= now }) ?? true {
            throw Problem(.grantEnded, zh: "授权已于 \(end?.description ?? "-") 终止；请处置已获得的数据", en: "the grant ended at \(end?.description ?? "-"); dispose of what was got by it")
        }
        let purpose = try Self.stated(purpose)
        guard let rows = try await store.receivedRows(grant.id) else { throw Problem(.versionNotFound, zh: "尚未收到数据", en: "nothing has come by the grant yet") }
        if !isProbe {
            var entry = AuditEntry(
                request: call, stage: .begun, operation: "GET /v1/exchange/received/{grant}/data.csv", target: "/v1/exchange/received/\(grant.id)/data.csv", key: member.key.id,
                department: member.key.department ?? department, purpose: purpose)
            entry.version = rows.version
            try await store.add(calls: [entry])
        }
        return OpenReceived(grant: grant, version: rows.version, bytes: isProbe ? nil : DeliveryBytes(rows: rows.csv))
    }
}
