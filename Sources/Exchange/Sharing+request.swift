internal import Ledger
public import Model
internal import Store

extension Sharing {
    /// Asks for another department's data. What is shared without conditions is granted in the same transaction.
    ///
    /// - Parameters:
    ///   - claim: the Idempotency-Key that the request came with: a repeat gets the request that the first one made.
    /// - Throws: `Problem`: `invalidShareRequest`, `notShared`, `datasetNotFound`, `datasetWithdrawn`, `departmentNotFound`, `forbidden`, `idempotencyKeyReused`.
    public func submit(_ draft: ShareDraft, by member: Member, claim: ShareClaim? = nil, now: Timestamp = .now) async throws -> ShareRequest {
        guard let receiver = draft.receiver ?? member.key.department else {
            throw Problem(
                .invalidShareRequest, zh: "密钥不属于任何部门，请写明 receiver", en: "the key has no department: name the receiver",
                places: [.init("/receiver", zh: "请写明", en: "must not be empty")])
        }
        guard member.acts(for: receiver) else {
            throw Problem(.forbidden, zh: "密钥 \(member.key.prefix) 不能代表该部门申请", en: "the key \(member.key.prefix) cannot ask on behalf of this department")
        }
        let (subject, schema) = try await shared(draft.dataset, member)
        guard let (state, actions) = ShareLifecycle.begin(subject.shareType) else { throw Self.notShared(subject) }
        var check = TermsCheck(subject, schema)
        if receiver == subject.department { check.add(.init("/receiver", zh: "是数据提供方自身", en: "is the provider itself")) }
        check.check(fields: draft.fields)
        let predicate = check.predicate(draft.filter)
        for (text, place) in [(draft.purpose, "/purpose"), (draft.legalBasis, "/legal_basis"), (draft.scenario, "/scenario")] { check.check(text, place) }
        ShareText.check(draft.note, "/note", &check.collected, required: false)
        check.check(until: draft.until, now: now, years: configuration.longestTerm)
        try check.finish()

        var request = ShareRequest(
            id: newIdentifier(), dataset: subject.dataset, provider: subject.department, receiver: receiver, state: state,
            terms: ShareTerms(fields: draft.fields, filter: draft.filter, purpose: draft.purpose, until: draft.until), legalBasis: draft.legalBasis,
            scenario: draft.scenario, method: draft.method, createdAt: now, updatedAt: now)
        let calendar = try await calendar()
        for case .start(let clock) in actions { request.clock = configuration.clocks.start(clock, at: now, calendar) }
        let earlier = try await store.addShareRequest(request, claim: claim, key: member.key.id, note: draft.note) { change in
            guard actions.contains(.grant) else { return }
            let grant = Self.grant(request, request.terms, subject, now)
            try await change.add(grant, subject: subject, predicate: predicate, entry: .given(grant))
        }
        return try await self.request(earlier.map { try Self.repeated($0, claim) } ?? request.id, for: member)
    }

    /// The dataset as far as it can be asked for.
    func shared(_ dataset: String, _ member: Member) async throws -> (ShareSubject, TableSchema) {
        let allowed = member.key.datasets.isEmpty || member.key.datasets.contains(dataset)
        guard allowed, let subject = try await store.shareSubject(dataset), subject.state != .draft else { throw Self.noDataset }
        // It is asked for where it is at home: there its provider answers.
        if let home = subject.home { throw Problem.mirrored(at: home) }
        return (subject, try await Self.schema(of: subject, store))
    }

    /// What the newest version looks like.
    static func schema(of subject: ShareSubject, _ store: Store) async throws -> TableSchema {
        if subject.state == .withdrawn {
            throw try await store.tombstone(ofDataset: subject.dataset, audience: subject.audience)?.problem(.datasetWithdrawn, zh: "数据资源", en: "the dataset") ?? noDataset
        }
        guard subject.state == .published, let schema = subject.schema else { throw noDataset }
        return schema
    }

    static let noDataset = Problem(.datasetNotFound, zh: "没有这个数据资源", en: "there is no such dataset")

    private static func notShared(_ subject: ShareSubject) -> Problem {
        var members: [Problem.Member: String] = [:]
        members[.legalBasis] = try? subject.legalBasis.map { try JSON.encode($0) }
        let basis = subject.legalBasis ?? ""
        return Problem(
            .notShared, zh: "该数据资源不予共享\(basis.isEmpty ? "" : "，依据：\(basis)")\(subject.reason.map { "；理由：\($0)" } ?? "")",
            en: "the dataset is not shared\(basis.isEmpty ? "" : "; basis: \(basis)")\(subject.reason.map { "; reason: \($0)" } ?? "")", members: members)
    }

    /// The grant that answers a request.
    static func grant(_ request: ShareRequest, _ terms: ShareTerms, _ subject: ShareSubject, _ now: Timestamp) -> ShareGrant {
        ShareGrant(
            id: newIdentifier(), request: request.id, dataset: request.dataset, provider: request.provider, receiver: request.receiver, terms: terms,
            method: request.method, fromVersion: subject.currentVersion ?? 0, grantedAt: now)
    }

    /// The request that an Idempotency-Key stands for.
    static func repeated(_ earlier: (request: String, fingerprint: String), _ claim: ShareClaim?) throws -> String {
        guard earlier.fingerprint == claim?.fingerprint else {
            throw Problem(
                .idempotencyKeyReused, zh: "该 Idempotency-Key 已用于另一个请求；请换一个", en: "this Idempotency-Key stands for another request; use a new one",
                places: [.init("Idempotency-Key", zh: "已被使用", en: "is taken")])
        }
        return earlier.request
    }

    /// One request, for those who have a part in it.
    ///
    /// - Throws: `Problem`: `shareRequestNotFound`, also where the caller may not know of it.
    public func request(_ id: String, for member: Member, now: Timestamp = .now) async throws -> ShareRequest {
        guard let request = try await store.shareRequest(id), !member.parties(request).isEmpty else { throw Self.noRequest(id) }
        return Self.shown(request, now)
    }

    static func noRequest(_ id: String) -> Problem {
        Problem(.shareRequestNotFound, zh: "没有编号为 \(id.prefix(64)) 的共享申请", en: "there is no share request \(id.prefix(64))")
    }

    /// A request's history, for those who have a part in it.
    public func events(of request: ShareRequest) async throws -> [ShareEvent] { try await store.shareEvents(of: request.id) }

    /// Requests in which the caller has a part, newest first.
    public func requests(
        _ filter: ShareFilter, for member: Member, before last: (createdAt: Timestamp, id: String)?, limit: Int, now: Timestamp = .now
    ) async throws -> [ShareRequest] {
        var filter = filter
        filter.department = member.view
        filter.datasets = member.key.datasets
        return try await store.shareRequests(filter, before: last, limit: limit).map { Self.shown($0, now) }
    }

    /// Requests on which the caller has to act, the first due first; then those by which something was delivered to it a day ago or more that it has not signed for.
    public func inbox(of member: Member, limit: Int, now: Timestamp = .now) async throws -> [ShareRequest] {
        func states(of party: ShareRequest.Party) -> [ShareRequest.State] { ShareRequest.State.allCases.filter { $0.actor == party } }
        let takesPart = member.key.scopes.contains(.exchange)
        let due = try await store.shareInbox(
            department: member.key.department, datasets: member.key.datasets, provider: takesPart ? states(of: .provider) : [], receiver: takesPart ? states(of: .receiver) : [],
            authority: member.isAuthority ? states(of: .authority) : [], limit: limit)
        let yesterday = Timestamp(microseconds: now.microseconds - 86_400_000_000)
        let owing = takesPart
            ? try await store.requestsMissingReceipts(of: member.key.department, datasets: member.key.datasets, before: yesterday, limit: limit) : []
        let missing = Dictionary(owing.map { ($0.id, $0.receiptsMissing) }) { first, _ in first }
        let all = due.map { request in
            var request = request
            request.receiptsMissing = missing[request.id] ?? nil
            return request
        } + owing.filter { request in !due.contains { $0.id == request.id } }
        return all.prefix(limit).map { Self.shown($0, now) }
    }

    /// A request with what follows from its state and the time.
    static func shown(_ request: ShareRequest, _ now: Timestamp) -> ShareRequest {
        var request = request
        request.actor = request.state.actor
        // The clock is past its end from that instant on, whether the escalation has been written down or not.
        request.late = request.late || request.clock.map { $0.dueAt < now } ?? false
        return request
    }
}
