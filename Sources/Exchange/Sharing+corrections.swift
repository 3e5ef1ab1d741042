internal import Logging
public import Model
internal import Store
internal import WorkCalendar

/// A correction as one caller may see it.
public struct CorrectionDocument: Sendable, Encodable {
    public let correction: Correction
    /// What happened to it; nil for those who have no part in it.
    public let events: [CorrectionEvent]?

    private enum CodingKeys: String, CodingKey { case events }

    public func encode(to encoder: any Encoder) throws {
        try correction.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(events, forKey: .events)
    }
}

extension Sharing {
    /// One correction as the caller may see it: with the words of whoever doubts for those who have a part in it.
    ///
    /// - Parameter member: nil for a reader.
    /// - Throws: `Problem`: `correctionNotFound`, also where the caller may not know of it.
    public func correction(_ id: String, for member: Member?, now: Timestamp = .now) async throws -> Correction {
        if let member, let correction = try await store.correction(id) {
            if !member.roles(correction).isEmpty { return Self.shown(correction, now) }
            if try await isTold(of: correction, member) { return Self.shown(correction.withoutWords, now) }
        }
        guard let correction = try await store.publishedCorrection(id) else { throw Self.noCorrection(id) }
        return Self.shown(correction, now)
    }

    private func isTold(of correction: Correction, _ member: Member) async throws -> Bool {
        guard let department = member.key.department, member.acts(for: department), member.key.datasets.isEmpty || member.key.datasets.contains(correction.dataset) else {
            return false
        }
        return try await store.wasTold(department, of: correction.id)
    }

    /// The same with what happened to it.
    public func document(ofCorrection id: String, for member: Member?, now: Timestamp = .now) async throws -> CorrectionDocument {
        let correction = try await correction(id, for: member, now: now)
        guard let member, !member.roles(correction).isEmpty else { return CorrectionDocument(correction: correction, events: nil) }
        return CorrectionDocument(correction: correction, events: try await store.correctionEvents(of: id))
    }

    /// An answered correction, for those who have a part in it and can open what the ledger says of it.
    ///
    /// - Throws: `Problem`: `correctionNotFound`, also while there is no answer.
    public func answered(_ id: String, for member: Member) async throws -> Correction {
        guard let correction = try await store.correction(id), !member.roles(correction).isEmpty, correction.answeredAt != nil else { throw Self.noCorrection(id) }
        return correction
    }

    /// Corrections that the caller may know of, newest first.
    ///
    /// - Parameter member: nil for a reader.
    public func corrections(
        _ filter: CorrectionFilter, for member: Member?, before last: (createdAt: Timestamp, id: String)?, limit: Int, now: Timestamp = .now
    ) async throws -> [Correction] {
        // A key that is limited to other datasets sees what everybody sees.
        guard let member, member.key.datasets.isEmpty || filter.dataset.map(member.key.datasets.contains) ?? true else {
            return try await store.publishedCorrections(filter, before: last, limit: limit).map { Self.shown($0, now) }
        }
        var filter = filter
        filter.datasets = member.key.datasets
        return try await store.corrections(filter, for: member.view, before: last, limit: limit).map { correction in
            Self.shown(member.roles(correction).isEmpty ? correction.withoutWords : correction, now)
        }
    }

    /// Corrections of a dataset that is published.
    ///
    /// - Parameter key: of one row, as `/rows/{key}` spells it; nil for all.
    /// - Throws: `Problem`: `datasetNotFound`, `datasetWithdrawn`, `invalidParameter`.
    public func corrections(
        ofDataset dataset: String, key: String?, state: Correction.State?, for member: Member?, before last: (createdAt: Timestamp, id: String)?, limit: Int
    ) async throws -> [Correction] {
        guard Identifiers.isDatasetIdentifier(dataset), let subject = try await store.shareSubject(dataset), subject.state != .draft, subject.audience == .public || member != nil else {
            throw Self.noDataset
        }
        let schema = try await Self.schema(of: subject, store)
        var filter = CorrectionFilter(dataset: dataset, state: state)
        if let key {
            guard let values = RowKey.values(key, fields: schema.primaryKey.compactMap { schema.field($0) }) else {
                throw Problem(
                    .invalidParameter, zh: "参数 key 不是主键的写法", en: "the parameter key is not written as a key",
                    places: [.init("key", zh: "应为主键", en: "must be a row's key")])
            }
            filter.key = RowKey.text(values)
        }
        return try await corrections(filter, for: member, before: last, limit: limit)
    }

    /// Corrections that the caller has to answer, the first due first.
    public func correctionInbox(of member: Member, limit: Int, now: Timestamp = .now) async throws -> [Correction] {
        try await store.correctionInbox(
            department: member.key.department, isDepartment: member.key.scopes.contains(.exchange), isAuthority: member.isAuthority, datasets: member.key.datasets, limit: limit
        ).map { Self.shown($0, now) }
    }

    /// What the caller's department is told about values that it was delivered or doubted, of the last thirty days, the newest first.
    public func notices(for member: Member, limit: Int, now: Timestamp = .now) async throws -> [CorrectionNotice] {
        guard member.key.scopes.contains(.exchange) else { return [] }
        let since = Timestamp(microseconds: now.microseconds - 30 * 86_400_000_000)
        return try await store.correctionNotices(for: member.key.department, datasets: member.key.datasets, since: since, limit: limit)
    }

    /// A correction with what follows from its state and the time.
    static func shown(_ correction: Correction, _ now: Timestamp) -> Correction {
        var correction = correction
        correction.actor =
            switch correction.state {
            case .submitted: .owner
            case .referred: correction.assignee == nil ? .authority : .assignee
            case .escalated: .authority
            case .corrected, .upheld, .withdrawn: nil
            }
        correction.late = correction.late || correction.clock.map { $0.dueAt < now } ?? false
        return correction
    }

    /// Takes the events of corrections whose clock ran out, and computes due times anew that counted days whose holidays were not announced.
    func runDueCorrections(at now: Timestamp) async throws {
        let calendar = try await calendar()
        for id in try await store.dueCorrections(at: now, limit: 200) {
            do {
                _ = try await store.changeCorrection(id) { change in
                    guard let clock = change.correction.clock, clock.dueAt < now else { return }
                    try await self.take(CorrectionDecision(.overdue), in: change, department: nil, key: nil, calendar: calendar, now: now)
                }
            } catch let problem as Problem where problem.code.status < 500 {
                logger.notice("a correction's clock was not taken", metadata: ["correction": "\(id)", "code": "\(problem.code.rawValue)"])
            }
        }
        for id in try await store.provisionalCorrections(limit: 200) {
            guard let clock = try await store.correction(id)?.clock else { continue }
            let anew = configuration.clocks.start(clock.name, at: clock.startedAt, calendar)
            if anew != clock { try await store.moveClock(ofCorrection: id, to: anew) }
        }
    }
}
