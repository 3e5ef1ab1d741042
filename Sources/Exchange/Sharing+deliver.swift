public import Model
public import NIOCore
internal import Store

/// A delivery that is about to be sent.
public struct OpenDelivery: Sendable {
    /// Nil where there is nothing new to deliver.
    public let delivery: Delivery?
    public let dataset: String
    public let title: LocalizedText
    public let fromVersion: Int
    public let toVersion: Int
    /// Nil where nobody reads it.
    public let bytes: DeliveryBytes?
    /// What is left of the grant's rate.
    public let allowances: [ShareAllowance]
}

/// The bytes of a delivery, made while they are read. They end in due form only where all were handed over and that was noted.
public struct DeliveryBytes: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    let rows: RowStream

    public func makeAsyncIterator() -> Iterator { Iterator(rows: rows.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        let rows: RowStream.Iterator

        public func next() async throws -> ByteBuffer? { try await rows.next() }
    }
}

/// A page of granted rows.
public struct GrantedRows: Sendable {
    public let version: Int
    let page: GrantedPage
    /// What is left of the grant's rate.
    public let allowances: [ShareAllowance]

    /// The key's values of the last row, where more rows follow.
    public var next: [String]? { page.next }

    public var count: Int { page.count }

    /// Appends the rows as a JSON array.
    public func writeJSON(into buffer: inout ByteBuffer) { page.writeJSON(into: &buffer) }
}

extension Sharing {
    /// A grant, for those who have a part in it.
    ///
    /// - Throws: `Problem`: `grantNotFound`, also where the caller may not know of it.
    public func grant(_ id: String, for member: Member) async throws -> ShareGrant {
        guard let grant = try await store.shareGrant(id), !member.parties(grant).isEmpty else { throw Self.noGrant(id) }
        return grant
    }

    static func noGrant(_ id: String) -> Problem { Problem(.grantNotFound, zh: "没有编号为 \(id.prefix(64)) 的授权", en: "there is no grant \(id.prefix(64))") }

    /// Grants in which the caller has a part, newest first.
    public func grants(for member: Member, before last: (grantedAt: Timestamp, id: String)?, limit: Int) async throws -> [ShareGrant] {
        try await store.shareGrants(department: member.view, datasets: member.key.datasets, before: last, limit: limit)
    }

    /// The grant as its receiver reads by it.
    ///
    /// - Throws: `Problem`: `grantNotFound`, `notYourDecision` for anybody but the receiver, `grantEnded`, `datasetWithdrawn`.
    func serve(_ id: String, to member: Member, now: Timestamp) async throws -> ServedGrant {
        guard let served = try await store.servedGrant(id), !member.parties(served.grant).isEmpty else { throw Self.noGrant(id) }
        guard member.parties(served.grant).contains(.receiver) else {
            throw Self.notTheReceiver
        }
        if served.datasetState == .withdrawn { throw try await withdrawn(served) }
        let end = served.grant.endedAt ?? served.grant.terms.until
        if served.grant.endedAt != nil || end <= now {
            throw Problem(.grantEnded, zh: "授权已于 \(end) 终止；请处置已获得的数据", en: "the grant ended at \(end); dispose of what was got by it")
        }
        if let due = served.expiresAt, due <= now {
            throw Problem(.overloaded, zh: "有的行公开期限已满，正在移出，请稍后重试", en: "rows whose time has ended are being taken out; try again in a moment", retryAfter: 1)
        }
        return served
    }

    /// Refuses what was read while the grant ended: its view may have given nothing by then, and nothing is not what stands.
    func confirm(_ served: ServedGrant, to member: Member) async throws { _ = try await serve(served.grant.id, to: member, now: .now) }

    private func withdrawn(_ served: ServedGrant) async throws -> Problem {
        try await store.tombstone(ofDataset: served.grant.dataset, audience: served.audience)?.problem(.datasetWithdrawn, zh: "数据资源", en: "the dataset") ?? Self.noDataset
    }

    /// Refuses a version that the grant does not reach, or that was withdrawn.
    func check(version number: Int, _ served: ServedGrant) async throws {
        guard (served.grant.fromVersion...max(served.grant.fromVersion, served.currentVersion)).contains(number),
            let version = try await store.version(number, of: served.grant.dataset, audience: served.audience)
        else {
            throw Problem(
                .versionNotFound, zh: "授权可读第 \(served.grant.fromVersion) 版至第 \(served.currentVersion) 版",
                en: "the grant reaches from version \(served.grant.fromVersion) to version \(served.currentVersion)")
        }
        if let id = version.withdrawal, let (subject, tombstone) = try await store.tombstone(id, audience: served.audience), subject == .version {
            throw tombstone.problem(.versionWithdrawn, zh: "第 \(number) 版", en: "version \(number)")
        }
    }

    /// Rows of a version by a grant, a page at a time, in the order of their keys.
    ///
    /// - Parameters:
    ///   - purpose: what the caller says that it is for; kept.
    ///   - version: nil for the newest.
    ///   - after: the key's values of the row before the page.
    public func rows(
        by id: String, for member: Member, purpose: String?, version: Int?, after: [String]?, limit: Int, call: String = "-", now: Timestamp = .now
    ) async throws -> GrantedRows {
        let served = try await serve(id, to: member, now: now)
        let purpose = try Self.stated(purpose)
        let number = version ?? served.currentVersion
        try await check(version: number, served)
        let pass = try await enter(served, member, purpose)
        let page = try await store.grantedPage(served, by: pass, version: number, after: after, limit: limit)
        try await confirm(served, to: member)
        try await charge(rows: page.count, served.grant, by: pass)
        try await note("rows", served, member, purpose, call: call, version: number, page: page, after: after)
        try await delivered(served.grant.request, now)
        return GrantedRows(version: number, page: page, allowances: pass.allowances)
    }

    /// All rows of a version by a grant.
    ///
    /// - Parameter isProbe: nothing will be read: no delivery begins.
    public func state(by id: String, for member: Member, purpose: String?, version: Int?, isProbe: Bool = false, call: String = "-", now: Timestamp = .now) async throws -> OpenDelivery {
        let served = try await serve(id, to: member, now: now)
        let purpose = try Self.stated(purpose)
        let number = version ?? served.currentVersion
        try await check(version: number, served)
        return try await open(served, member, purpose, from: 0, to: number, asChanges: false, isProbe: isProbe, call: call, now: now)
    }

    /// What changed since the version that the receiver signed for last, up to the newest one: nothing twice, nothing missed. Without a receipt, everything.
    ///
    /// - Parameter since: another version to begin with; 0 for everything.
    public func changes(by id: String, for member: Member, purpose: String?, since: Int?, isProbe: Bool = false, call: String = "-", now: Timestamp = .now) async throws -> OpenDelivery {
        let served = try await serve(id, to: member, now: now)
        let purpose = try Self.stated(purpose)
        let start: Int
        if let since { start = since } else { start = try await store.receiptedVersion(of: id) ?? 0 }
        try await check(version: served.currentVersion, served)
        guard start == 0 || (served.grant.fromVersion...served.currentVersion).contains(start) else {
            throw Problem(
                .invalidParameter, zh: "参数 since 应为 0，或 \(served.grant.fromVersion) 至 \(served.currentVersion)",
                en: "the parameter since must be 0, or from \(served.grant.fromVersion) to \(served.currentVersion)",
                places: [.init("since", zh: "没有这一版", en: "no such version")])
        }
        return try await open(served, member, purpose, from: start, to: served.currentVersion, asChanges: true, isProbe: isProbe, call: call, now: now)
    }

    private func open(
        _ served: ServedGrant, _ member: Member, _ purpose: String, from: Int, to: Int, asChanges: Bool, isProbe: Bool, call: String, now: Timestamp
    ) async throws -> OpenDelivery {
        // Whoever is up to date gets an empty answer, and has nothing to sign for.
        let isEmpty = asChanges && from == to
        let delivery = Delivery(id: newIdentifier(), grant: served.grant.id, fromVersion: from, toVersion: to, startedAt: now)
        func opened(_ delivery: Delivery?, _ bytes: DeliveryBytes?, _ allowances: [ShareAllowance] = []) -> OpenDelivery {
            OpenDelivery(delivery: delivery, dataset: served.grant.dataset, title: served.title, fromVersion: from, toVersion: to, bytes: bytes, allowances: allowances)
        }
        if isProbe { return opened(nil, nil) }
        let pass = try await enter(served, member, purpose)
        if !isEmpty {
            try await store.addDelivery(delivery)
            if let signed = member.signed { try await store.addDeliveryCall(delivery.id, key: signed.key.id, base: signed.base, signature: signed.signature) }
        }
        try await note(
            asChanges ? "changes" : "data", served, member, purpose, call: call, from: from, version: to, delivery: isEmpty ? nil : delivery.id)
        let known = from == 0 ? now : try await store.releaseTime(of: served.grant.dataset, version: from) ?? now
        let bytes = store.granted(served, by: pass, delivery, asChanges: asChanges, known: known) { count in
            guard !isEmpty else { return }
            try await confirm(served, to: member)
            try await store.finishDelivery(delivery.id, count)
            try await charge(rows: count.rows, served.grant, by: pass)
            try await delivered(served.grant.request, .now)
        }
        return opened(isEmpty ? nil : delivery, DeliveryBytes(rows: bytes), pass.allowances)
    }

    /// Writes down that granted data is about to be given: before its first byte leaves.
    func note(
        _ path: String, _ served: ServedGrant, _ member: Member, _ purpose: String, call: String, from: Int? = nil, version: Int, delivery: String? = nil, page: GrantedPage? = nil,
        after: [String]? = nil
    ) async throws {
        var entry = AuditEntry(
            request: call, stage: .begun, operation: "GET /v1/exchange/grants/{grant}/\(path == "data" ? "data.csv" : path)", target: "/v1/exchange/grants/\(served.grant.id)",
            key: member.key.id, department: member.key.department ?? served.grant.receiver, grant: served.grant.id, purpose: purpose)
        (entry.path, entry.fromVersion, entry.version, entry.delivery) = (path, from, version, delivery)
        if let page { (entry.rowCount, entry.after, entry.last) = (page.count, after, page.last ?? after ?? []) }
        try await store.add(calls: [entry])
    }

    /// The first delivery stops the clock of the delivery.
    func delivered(_ request: String, _ now: Timestamp) async throws {
        guard try await store.shareRequest(request)?.state == .granted else { return }
        let calendar = try await calendar()
        _ = try await store.changeShareRequest(request) { change in
            guard change.request.state == .granted else { return }
            try await self.take(ShareDecision(.delivered), in: change, department: nil, key: nil, calendar: calendar, now: now)
        }
    }

    static func stated(_ purpose: String?) throws -> String {
        guard let purpose, !purpose.allSatisfy(\.isWhitespace), purpose.unicodeScalars.count <= 500 else { throw noPurpose }
        return purpose
    }

    static let noPurpose = Problem(
        .purposeMissing, zh: "请在 Daylight-Purpose 头中写明用途（UTF-8，百分号编码，最多 500 个字符）",
        en: "state the purpose in the field Daylight-Purpose: UTF-8, percent-encoded, at most 500 characters",
        places: [.init("Daylight-Purpose", zh: "请写明用途", en: "must say what the data is for")])

    static let notTheReceiver = Problem(.notYourDecision, zh: "只有获得授权的部门可以读取", en: "only the department that the grant was given to reads by it")
}
