internal import Ledger
public import Model
internal import Store
internal import WorkCalendar

extension Sharing {
    /// Takes a decision about a request.
    ///
    /// - Throws: `Problem`: `shareRequestNotFound`, `notYourDecision`, `shareStateConflict`, `supplementAlreadyAsked`, `invalidShareRequest`, `idempotencyKeyReused`.
    public func decide(_ id: String, _ decision: ShareDecision, by member: Member, claim: ShareClaim? = nil, now: Timestamp = .now) async throws -> ShareRequest {
        try decision.check()
        let calendar = try await calendar()
        let changed: Void? = try await store.changeShareRequest(id) { change in
            let parties = member.parties(change.request)
            if parties.isEmpty { throw Self.noRequest(id) }
            guard let party = (decision.decision.sender ?? []).first(where: parties.contains) else { throw Self.notYours(decision.decision) }
            if let claim, let earlier = try await change.claim(claim) {
                // The same key may stand for this request by another decision only.
                _ = try Self.repeated(earlier, claim)
                return
            }
            try await self.take(
                decision, in: change, department: member.department(acting: party, change.request), key: member.key.id, calendar: calendar, now: now)
        }
        if changed == nil { throw Self.noRequest(id) }
        return try await request(id, for: member, now: now)
    }

    /// Takes an event in a transaction: the next state, and all that has to be done with it.
    func take(_ decision: ShareDecision, in change: ShareChange, department: String?, key: String?, calendar: WorkCalendar, now: Timestamp) async throws {
        var request = change.request
        var lifecycle = ShareLifecycle(state: request.state, supplementAsked: request.supplementAsked)
        let actions: [ShareLifecycle.Action]
        do {
            actions = try lifecycle.handle(decision.decision)
        } catch {
            throw Self.conflict(error)
        }
        if decision.decision == .supplement { try await supplement(&request, with: decision, change, now) }
        request.state = lifecycle.state
        request.updatedAt = now
        if let note = decision.note { request.reason = note }
        for action in actions {
            switch action {
            case .start(let clock): request.clock = configuration.clocks.start(clock, at: now, calendar)
            case .stopClock: request.clock = nil
            case .markLate: request.late = true
            case .noteSupplement: request.supplementAsked = true
            case .grant: try await grant(request, decision, change, now)
            case .extendGrant: try await extend(decision, change, now)
            case .endGrant: try await change.endGrant(at: now) { try .ended($0, at: now) }
            }
        }
        try await change.store(request, event: decision.decision.rawValue, department: department, key: key, note: decision.note)
    }

    /// Makes the grant: what was asked for, or less.
    private func grant(_ request: ShareRequest, _ decision: ShareDecision, _ change: ShareChange, _ now: Timestamp) async throws {
        guard let subject = try await change.subject() else { throw Self.noDataset }
        let schema = try await Self.schema(of: subject, store)
        var check = TermsCheck(subject, schema)
        var terms = request.terms
        if let fields = decision.fields {
            check.check(fields: fields)
            for (index, name) in fields.enumerated() where !terms.fields.contains(name) {
                check.add(.init("/fields/\(index)", zh: "申请中没有 \(name.prefix(64))", en: "\(name.prefix(64)) was not asked for"))
            }
            terms.fields = fields
        } else {
            check.check(fields: terms.fields)
        }
        let asked = check.predicate(terms.filter), given = check.predicate(decision.filter)
        if let filter = decision.filter { terms.filter = terms.filter.map { "(\($0)) AND (\(filter))" } ?? filter }
        if let until = decision.until {
            if until > terms.until { check.add(.init("/until", zh: "不得晚于申请的期限", en: "must not be later than was asked for")) }
            terms.until = until
        }
        if let rate = decision.rate { terms.rate = rate }
        check.check(until: terms.until, now: now, years: configuration.longestTerm)
        try check.finish()
        let predicates = [asked, given].compactMap { $0 }
        let grant = Self.grant(request, terms, subject, now)
        try await change.add(grant, subject: subject, predicate: predicates.isEmpty ? nil : .and(predicates), entry: .given(grant))
    }

    private func extend(_ decision: ShareDecision, _ change: ShareChange, _ now: Timestamp) async throws {
        guard let subject = try await change.subject(), let grant = try await change.grant(), let until = decision.until else { throw Self.noDataset }
        var check = TermsCheck(subject, subject.schema ?? TableSchema(fields: [], primaryKey: []))
        check.check(until: until, now: now, years: configuration.longestTerm)
        if until <= grant.terms.until { check.add(.init("/until", zh: "应晚于现有期限 \(grant.terms.until)", en: "must be later than the present end, \(grant.terms.until)")) }
        try check.finish()
        try await change.extend(to: until)
    }

    /// What the receiver supplies replaces what stood there.
    private func supplement(_ request: inout ShareRequest, with decision: ShareDecision, _ change: ShareChange, _ now: Timestamp) async throws {
        guard let subject = try await change.subject() else { throw Self.noDataset }
        var check = TermsCheck(subject, try await Self.schema(of: subject, store))
        if let fields = decision.fields {
            check.check(fields: fields)
            request.terms.fields = fields
        }
        if let filter = decision.filter {
            _ = check.predicate(filter)
            request.terms.filter = filter
        }
        if let until = decision.until {
            check.check(until: until, now: now, years: configuration.longestTerm)
            request.terms.until = until
        }
        if let purpose = decision.purpose {
            check.check(purpose, "/purpose")
            request.terms.purpose = purpose
        }
        if let basis = decision.legalBasis {
            check.check(basis, "/legal_basis")
            request.legalBasis = basis
        }
        if let scenario = decision.scenario {
            check.check(scenario, "/scenario")
            request.scenario = scenario
        }
        try check.finish()
    }

    private static func notYours(_ event: ShareLifecycle.Event) -> Problem {
        let senders = event.sender ?? []
        let zh = senders.map { ["provider": "提供方", "receiver": "申请方", "authority": "数据主管部门"][$0.rawValue] ?? "" }.joined(separator: "或")
        return Problem(
            .notYourDecision, zh: "此决定（\(event.rawValue)）应由\(zh)作出", en: "this decision (\(event.rawValue)) is for the \(senders.map(\.rawValue).joined(separator: " or the "))")
    }

    private static func conflict(_ refusal: ShareLifecycle.Refusal) -> Problem {
        switch refusal {
        case .alreadyAsked:
            Problem(
                .supplementAlreadyAsked, zh: "补正只能告知一次；请作出答复", en: "what is missing can be asked for once only; accept or refuse",
                members: [.state: "\"\(ShareRequest.State.submitted.rawValue)\""])
        case .wrongState(let state):
            Problem(
                .shareStateConflict, zh: "申请处于“\(state.rawValue)”状态，不能进行此操作", en: "the request is in the state '\(state.rawValue)', which does not allow this",
                members: [.state: "\"\(state.rawValue)\""])
        }
    }
}
