internal import Ledger
public import Model
internal import Store
internal import WorkCalendar

extension Sharing {
    /// Doubts a value, as a department or as anybody who reads it. Departments that were delivered the value are told.
    ///
    /// - Parameter member: nil for a reader.
    /// - Returns: the correction, and whether it is a new one: the same doubt that still waits is not taken twice.
    /// - Throws: `Problem`: `invalidCorrection`, `tooManyCorrections`, `datasetNotFound`, `datasetWithdrawn`, `versionNotFound`, `versionWithdrawn`, `rowNotFound`, `rowWithdrawn`.
    public func doubt(_ draft: CorrectionDraft, by member: Member?, now: Timestamp = .now) async throws -> (correction: Correction, isNew: Bool) {
        let member = member.flatMap { $0.key.datasets.isEmpty || $0.key.datasets.contains(draft.dataset) ? $0 : nil }
        let reporter = member.flatMap { $0.key.scopes.contains(.exchange) ? $0.key.department : nil }
        let seen = try await seen(draft, by: reporter)
        var places: [Problem.Place] = []
        draft.check(&places)
        var proposed = draft.proposed
        if let text = draft.proposed {
            proposed = seen.field.type == .json ? text : seen.field.type.literal(text)
            if proposed == nil { places.append(.init("/proposed", zh: "不是 \(seen.field.type) 类型的值", en: "is no value of type \(seen.field.type)")) }
        }
        if !places.isEmpty { throw Self.wrong(places) }
        var correction = Correction(
            id: newIdentifier(), dataset: draft.dataset, version: draft.version, key: RowKey.text(seen.key), field: draft.field, owner: seen.subject.department,
            origin: reporter == nil ? .reader : .department, audience: seen.audience, createdAt: now, updatedAt: now)
        (correction.reporter, correction.doubt, correction.proposed) = (reporter, draft.doubt, proposed)
        if draft.evidence?.text != nil || draft.evidence?.links?.isEmpty == false { correction.evidence = draft.evidence }
        let calendar = try await calendar()
        for case .start(let clock) in CorrectionLifecycle.beginning { correction.clock = configuration.clocks.start(clock, at: now, calendar) }
        let told = try await store.holders(of: seen.cell).filter { $0.department != reporter }
        let earlier = try await store.addCorrection(
            correction, values: seen.key, key: reporter == nil ? nil : member?.key.id, limits: configuration.corrections,
            told: told.map { (department: $0.department, grant: Optional($0.grant)) })
        return (try await self.correction((earlier ?? correction).id, for: member, now: now), earlier == nil)
    }

    /// What a doubt is about, as whoever doubts sees it.
    private struct Seen {
        var subject: ShareSubject
        var cell: DoubtedCell
        var field: Field
        var key: [String]
        var audience: Audience
    }

    private func seen(_ draft: CorrectionDraft, by reporter: String?) async throws -> Seen {
        guard let subject = try await store.shareSubject(draft.dataset), subject.state != .draft, subject.audience == .public || reporter != nil else { throw Self.noDataset }
        // Its owner answers where it is at home.
        if let home = subject.home { throw Problem.mirrored(at: home) }
        let newest = try await Self.schema(of: subject, store)
        let schema = try await released(draft.version, of: subject).schema
        let keyFields = schema.primaryKey.compactMap { schema.field($0) }
        let isOpen = subject.audience == .public && !keyFields.isEmpty && keyFields.allSatisfy { $0.visibility == .public && $0.mask == nil }
        func isPublic(_ field: Field) -> Bool { isOpen && field.visibility == .public && newest.field(field.name)?.visibility ?? .public == .public }
        guard isOpen || reporter != nil, let key = RowKey.values(draft.key, fields: keyFields) else {
            let shape = isOpen ? keyFields.map { "\($0.name) (\($0.type))" }.joined(separator: ",") : ""
            throw Self.wrong([.init("/key", zh: "不是主键的写法\(isOpen ? "：\(shape)" : "")", en: "is not written as a key\(isOpen ? ": \(shape)" : "")")])
        }
        if let field = schema.field(draft.field), field.visibility != .private {
            let cell = DoubtedCell(subject, schema, key: key, field: field.name)
            let isGranted = if let reporter { try await store.isGranted(cell, in: draft.version, to: reporter) } else { false }
            let isSeen = if isPublic(field) { try await store.isPublic(cell, in: draft.version) } else { false }
            if isSeen || isGranted {
                // Whoever was granted the value without its mask may say it: then it is not everybody's.
                let audience: Audience = isSeen && (field.mask == nil || !isGranted) ? .public : .departments
                return Seen(subject: subject, cell: cell, field: field, key: key, audience: audience)
            }
            if isPublic(field) || reporter != nil { throw try await noRow(draft, key, isOpen: isOpen) }
        }
        // What is hidden is not told from what is not there.
        let names = isOpen ? schema.fields.filter(isPublic).map(\.name).joined(separator: ", ") : ""
        throw Self.wrong([.init("/field", zh: "没有信息项 \(draft.field.prefix(64))；有：\(names)", en: "no field \(draft.field.prefix(64)); there are: \(names)")])
    }

    private func noRow(_ draft: CorrectionDraft, _ key: [String], isOpen: Bool) async throws -> Problem {
        if isOpen, let tombstone = try await store.withdrawnRow(dataset: draft.dataset, key: RowKey.text(key), in: draft.version) {
            return tombstone.problem(.rowWithdrawn, zh: "该行", en: "the row")
        }
        return Problem(.rowNotFound, zh: "第 \(draft.version) 版没有这一行", en: "version \(draft.version) has no such row")
    }

    /// A version that everybody may read.
    private func released(_ number: Int, of subject: ShareSubject) async throws -> Version {
        guard (1...Int(Int32.max)).contains(number), let version = try await store.version(number, of: subject.dataset, audience: subject.audience) else {
            throw Problem(.versionNotFound, zh: "没有第 \(number) 版", en: "there is no version \(number)")
        }
        if let id = version.withdrawal, let (subject, tombstone) = try await store.tombstone(id, audience: subject.audience), subject == .version {
            throw tombstone.problem(.versionWithdrawn, zh: "第 \(number) 版", en: "version \(number)")
        }
        return version
    }

    private static func wrong(_ places: [Problem.Place]) -> Problem { Problem(.invalidCorrection, zh: "校核有误", en: "the correction has mistakes", places: places) }

    /// Takes a decision about a correction.
    ///
    /// - Throws: `Problem`: `correctionNotFound`, `notYourDecision`, `correctionStateConflict`, `invalidCorrection`, `departmentNotFound`, `idempotencyKeyReused`.
    public func decide(correction id: String, _ decision: CorrectionDecision, by member: Member, claim: ShareClaim? = nil, now: Timestamp = .now) async throws -> Correction {
        try decision.check()
        let calendar = try await calendar()
        if let department = decision.department, try await store.department(department) == nil {
            throw Problem(.departmentNotFound, zh: "没有这个部门：\(department.prefix(32))", en: "there is no department \(department.prefix(32))")
        }
        // What a version changed, and who has the value, is looked up before the correction is locked: what is released stays as it is.
        var holders: [(department: String, grant: String?)] = []
        if let found = try await store.correction(id), !member.parties(found).isEmpty, !found.state.isClosed {
            if decision.decision == .correct { try await checkMended(found, by: decision.version ?? 0) }
            if decision.decision != .refer { holders = try await self.holders(of: found) }
        }
        let told = holders
        let changed: Void? = try await store.changeCorrection(id) { change in
            let correction = change.correction
            guard !member.roles(correction).isEmpty else { throw Self.noCorrection(id) }
            if let claim, let earlier = try await change.claim(claim) {
                _ = try Self.repeated(earlier, claim)
                return
            }
            let parties = member.parties(correction)
            if correction.state.isClosed { throw Self.conflict(.wrongState(correction.state)) }
            guard let party = (decision.decision.senders ?? []).first(where: parties.contains) else {
                throw Problem(
                    .notYourDecision, zh: "此决定（\(decision.decision.rawValue)）应由另一方作出", en: "this decision (\(decision.decision.rawValue)) is another party's")
            }
            if decision.decision == .refer, decision.department.map({ $0 == (correction.state == .referred ? correction.assignee : correction.owner) }) ?? (party == .authority) {
                throw Self.wrong([.init("/department", zh: "已由其办理", en: "has it already")])
            }
            try await self.take(
                decision, in: change, department: member.department(acting: party, correction), key: member.key.id, calendar: calendar, told: told, now: now)
        }
        if changed == nil { throw Self.noCorrection(id) }
        return try await correction(id, for: member, now: now)
    }

    /// Holds a version against what it is said to have mended.
    private func checkMended(_ correction: Correction, by number: Int) async throws {
        guard let subject = try await store.shareSubject(correction.dataset), let doubted = try await store.version(correction.version, of: correction.dataset, audience: subject.audience) else { return }
        func refused(_ zh: String, _ en: String) -> Problem { Self.wrong([.init("/version", zh: zh, en: en)]) }
        guard number > correction.version, number <= Int(Int32.max), let version = try await store.version(number, of: correction.dataset, audience: subject.audience) else {
            throw refused("应为第 \(correction.version) 版之后的已发布版本", "must be a released version after \(correction.version)")
        }
        if let id = version.withdrawal, let (subject, _) = try await store.tombstone(id, audience: subject.audience), subject == .version { throw refused("该版本已撤回", "was withdrawn") }
        let schema = doubted.schema
        guard let key = RowKey.values(correction.key, fields: schema.primaryKey.compactMap { schema.field($0) }) else { return }
        let cell = DoubtedCell(subject, schema, key: key, field: correction.field)
        guard try await store.changed(cell, in: number, since: correction.version) else {
            throw refused("该版本没有改变此值", "did not change this value")
        }
    }

    /// Takes an event in a transaction: the next state, and all that has to be done with it.
    ///
    /// - Parameter told: departments that have the value, and are told; the one that doubts always is.
    func take(
        _ decision: CorrectionDecision, in change: CorrectionChange, department: String?, key: String?, calendar: WorkCalendar,
        told: [(department: String, grant: String?)] = [], now: Timestamp
    ) async throws {
        var correction = change.correction
        var lifecycle = CorrectionLifecycle(state: correction.state, referrals: correction.referrals)
        let actions: [CorrectionLifecycle.Action]
        do {
            actions = try lifecycle.handle(decision.decision)
        } catch {
            throw Self.conflict(error)
        }
        (correction.state, correction.referrals) = (lifecycle.state, lifecycle.referrals)
        correction.updatedAt = now
        var isAnswered = false
        for action in actions {
            switch action {
            case .start(let clock): correction.clock = configuration.clocks.start(clock, at: now, calendar)
            case .stopClock: correction.clock = nil
            case .markLate: correction.late = true
            case .assign: correction.assignee = decision.department
            case .enterAnswer: isAnswered = true
            }
        }
        var entry: LedgerEntry?
        if isAnswered {
            correction.answer = decision.note
            correction.mendedVersion = decision.version
            correction.answeredAt = now
            var answered = correction
            answered.revision += 1
            answered.salt = nil
            entry = try .answered(answered)
        }
        var known: Set<String> = department.map { [$0] } ?? []
        let reporter: [(department: String, grant: String?)] = correction.reporter.map { [($0, nil)] } ?? []
        try await change.store(
            correction, event: decision.decision.rawValue, department: department, key: key, note: decision.note,
            told: (reporter + told).filter { known.insert($0.department).inserted }, entry: entry)
    }

    /// Departments that were told of a correction, and those that were delivered the value since.
    private func holders(of correction: Correction) async throws -> [(department: String, grant: String?)] {
        let told = try await store.told(of: correction.id)
        guard let subject = try await store.shareSubject(correction.dataset), let schema = try await store.version(correction.version, of: correction.dataset, audience: subject.audience)?.schema,
            let key = RowKey.values(correction.key, fields: schema.primaryKey.compactMap({ schema.field($0) }))
        else { return told }
        return told + (try await store.holders(of: DoubtedCell(subject, schema, key: key, field: correction.field))).map { (department: $0.department, grant: Optional($0.grant)) }
    }

    private static func conflict(_ refusal: CorrectionLifecycle.Refusal) -> Problem {
        switch refusal {
        case .referredTooOften:
            Problem(.correctionStateConflict, zh: "已转办 \(CorrectionLifecycle.longestWay) 次，请作出答复", en: "it was referred \(CorrectionLifecycle.longestWay) times; answer it")
        case .wrongState(let state):
            Problem(
                .correctionStateConflict, zh: "校核处于“\(state.rawValue)”状态，不能进行此操作", en: "the correction is in the state '\(state.rawValue)', which does not allow this",
                members: [.state: "\"\(state.rawValue)\""])
        }
    }

    static func noCorrection(_ id: String) -> Problem { Problem(.correctionNotFound, zh: "没有编号为 \(id.prefix(64)) 的校核", en: "there is no correction \(id.prefix(64))") }
}

extension Member {
    /// As what it may decide about a correction now.
    func parties(_ correction: Correction) -> Set<Correction.Party> {
        var parties = roles(correction)
        if correction.state != .referred { parties.remove(.assignee) }
        if correction.state != .escalated, correction.state != .referred || correction.assignee != nil { parties.remove(.authority) }
        return parties
    }

    /// As what it has a part in a correction.
    func roles(_ correction: Correction) -> Set<Correction.Party> {
        guard key.datasets.isEmpty || key.datasets.contains(correction.dataset) else { return [] }
        var roles: Set<Correction.Party> = isAuthority ? [.authority] : []
        if acts(for: correction.owner) { roles.insert(.owner) }
        if let assignee = correction.assignee, acts(for: assignee) { roles.insert(.assignee) }
        if let reporter = correction.reporter, acts(for: reporter) { roles.insert(.reporter) }
        return roles
    }

    func department(acting party: Correction.Party, _ correction: Correction) -> String? {
        switch party {
        case .owner: correction.owner
        case .assignee: correction.assignee
        case .reporter: correction.reporter
        case .authority: key.department
        }
    }
}
