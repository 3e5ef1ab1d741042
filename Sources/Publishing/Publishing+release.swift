import Ledger
import Logging
public import Model
import Store

/// What became of a release that was asked for.
public enum ReleaseOutcome: Sendable {
    case released(PushRecord, Version)
    /// It will be released at the push's `releaseAt`.
    case scheduled(PushRecord)
    /// Another release brought the same rows in the meantime: there is no new version.
    case unchanged(PushRecord)
}

extension Publishing {
    /// Releases a push, now or at a time to come. A release is one transaction: all of it is visible at once, or none.
    ///
    /// - Parameters:
    ///   - time: when; nil and times that have passed mean now.
    ///   - key: the key that asks for it.
    /// - Throws: `Problem`: `reviewMissing`, `pushStateConflict`, `releaseOutdated`, `schemaConflict`, `datasetWithdrawn`, `pushNotFound`.
    public func release(_ push: String, at time: Timestamp? = nil, by key: AccessKey, now: Timestamp = .now) async throws -> ReleaseOutcome {
        let later = time.flatMap { $0 > now ? $0 : nil }
        return try await attempt(push, later.map { .later($0) } ?? .now, key: key.id, now: now)
    }

    enum Occasion: Sendable {
        case now
        case later(Timestamp)
        /// Its scheduled time has come.
        case due

        var event: PushLifecycle.Event {
            switch self {
            case .now: .releaseAsked
            case .later: .releaseAskedLater
            case .due: .due
            }
        }
    }

    /// What the transaction came to: an outcome, or a problem that has to be reported although the transaction keeps what it noted.
    private enum Ending: Sendable {
        case outcome(ReleaseOutcome, rows: Int)
        case noted(Problem)
    }

    func attempt(_ id: String, _ occasion: Occasion, key: String?, now: Timestamp) async throws -> ReleaseOutcome {
        let id = id.lowercased()
        let ending = try await store.release(push: id) { releasing in try await self.release(releasing, occasion, key: key, now: now) }
        switch ending {
        case nil: throw Self.noPush(id)
        case .noted(let problem)?: throw problem
        case .outcome(let outcome, let rows)?:
            if rows > 0, case .released(let record, _) = outcome { await analyze(record, rows: rows) }
            return try await outcome.refreshed { try await self.push($0) }
        }
    }

    private func release(_ releasing: Releasing, _ occasion: Occasion, key: String?, now: Timestamp) async throws -> Ending {
        let record = releasing.record
        var lifecycle = PushLifecycle(state: record.push.state, dryRun: record.push.dryRun)
        func take(_ event: PushLifecycle.Event) throws -> [PushLifecycle.Action] {
            do { return try lifecycle.handle(event) } catch { throw Self.conflict(error, record) }
        }
        // A push waits until all of its rows may be public.
        var occasion = occasion
        if try await releasing.hasStagedRows(), let begin = try await releasing.publicFrom(), begin > max(now, occasion.time ?? now) { occasion = .later(begin) }
        _ = try take(occasion.event)
        if case .later(let time) = occasion {
            try await check(releasing)
            try await releasing.schedule(at: time)
            return .outcome(.scheduled(record), rows: 0)
        }
        do {
            try await check(releasing)
        } catch let problem as Problem where occasion.isScheduled {
            // Nobody waits for the answer: the push itself has to say it.
            _ = try take(.outdated)
            try await releasing.end(as: lifecycle.state, reason: problem.detail)
            return .noted(problem)
        }
        guard try await releasing.hasStagedRows() else {
            _ = try take(.broken)
            let problem = Problem(
                .pushStateConflict, zh: "数据库曾意外中断，已检验的数据丢失；请重新报送", en: "the checked rows were lost in a crash of the database; send the push again",
                members: [.push: "\"\(record.push.id)\""])
            try await releasing.end(as: lifecycle.state, reason: problem.detail)
            return .noted(problem)
        }
        let target = releasing.target
        let ended = try await releasing.takeEnded(at: now)
        var gone = RowDeparture()
        for (rows, withdrawal) in Self.withdrawals(of: ended.rows, from: target.dataset, source: target.publicityWindow?.source, now) {
            let departure = try await releasing.remove(rows, withdrawal, by: key, entry: .withdrawal(withdrawal))
            gone.states += departure.states
            gone.standing += departure.standing
        }
        let effect = try await releasing.apply()
        var counts = effect.counts
        counts.removed += gone.standing
        if effect.isNone, gone.standing == 0, target.currentSchema.map({ record.schema.saysTheSame(as: $0) }) ?? false {
            _ = try take(.foundUnchanged)
            if gone.states > 0 { try await releasing.renewRollups() }
            try await releasing.end(
                as: lifecycle.state, version: target.currentVersion,
                reason: LocalizedText(zh: "与现行第 \(target.currentVersion ?? 0) 版相同", en: "the same rows as version \(target.currentVersion ?? 0)"))
            return .outcome(.unchanged(record), rows: 0)
        }
        let (version, head) = try await version(releasing, counts, endedSince: ended.staged, gone: gone.standing, now)
        _ = try take(.released)
        let entry = try LedgerEntry.release(
            version, previousDigest: target.currentDigest, description: try await releasing.description(), rowTree: (version.rowCount, head))
        try await releasing.finish(version, counts: counts, releasedBy: key, entry: entry, renewsRollups: gone.states > 0)
        return .outcome(.released(record, version), rows: effect.written)
    }

    /// Refuses what must not be released, whatever the push's state says.
    private func check(_ releasing: Releasing) async throws {
        let (record, target) = (releasing.record, releasing.target)
        try Self.check(target)
        if target.audience == .departments, target.shareType == .notShared {
            throw Problem(
                .pushStateConflict, zh: "数据资源既不开放也不共享，发布后无人可读；请先更改其开放属性或共享类型",
                en: "the dataset is closed to the public and not shared: nobody could read a release; change its openness or its share type first",
                members: [.push: "\"\(record.push.id)\""])
        }
        if SchemaChange(from: record.schema, to: target.schema) != .none {
            throw Problem(
                .releaseOutdated, zh: "报送之后信息项有变更；请按新的信息项重新报送", en: "the dataset's fields changed after the push; push again with the new ones",
                members: [.push: "\"\(record.push.id)\""])
        }
        let isFirst = target.currentSchema.map { SchemaChange(from: $0, to: record.schema) } != SchemaChange.none
        if ReviewPolicy(target.reviewPolicy).needsReview(isFirst: isFirst), try await !releasing.hasPassingReview() {
            throw Self.conflict(.notReviewed, record)
        }
        let collisions = try await releasing.collidingKeys()
        if collisions > 0 {
            throw Problem(
                .releaseOutdated, zh: "报送之后已有其他发布，\(collisions) 个主键已经存在；请改用 upsert 重新报送",
                en: "another release came first: \(collisions) keys stand already; push again, with upsert", members: [.push: "\"\(record.push.id)\""])
        }
    }

    /// The version that the release makes, and the head of the tree over its rows.
    ///
    /// - Parameters:
    ///   - ended: staged rows whose publicity has ended since they were checked.
    ///   - gone: rows that stood and were withdrawn.
    private func version(
        _ releasing: Releasing, _ counts: RowCounts, endedSince ended: Int, gone: Int, _ now: Timestamp
    ) async throws -> (Version, rowTreeHead: [UInt8]) {
        let (push, target) = (releasing.record.push, releasing.target)
        let rowCount = push.mode == .replace || target.currentVersion == nil ? push.rowCount - ended : target.rowCount + counts.added - gone
        let digest: String, bytes: Int, head: [UInt8]
        if ended == 0, push.mode == .replace || target.currentVersion == nil, let reviewed = push.digest, let size = releasing.record.canonicalBytes,
            let reviewedHead = releasing.record.rowTreeHead
        {
            // The pushed rows are the whole version: what was reviewed is what everybody gets.
            (digest, bytes, head) = (reviewed, size, reviewedHead)
        } else {
            var reading = CanonicalReading(releasing.record.schema)
            try await releasing.canonical { reading.take($0) }
            let form = reading.finish()
            (digest, bytes, head) = (form.digest, form.bytes, form.tree.head)
            try await releasing.keep(form.tree)
        }
        let version = Version(
            dataset: target.dataset, number: releasing.nextVersion, digest: digest, rowCount: rowCount, added: counts.added, changed: counts.changed,
            removed: counts.removed, byteCount: bytes, schema: releasing.record.schema, profile: push.profile, department: target.department, push: push.id,
            releasedAt: now, withdrawal: nil)
        return (version, head)
    }

    /// The planner's figures matter once many rows have changed; without them the release stands all the same.
    private func analyze(_ record: PushRecord, rows: Int) async {
        guard rows >= 1000 else { return }
        do {
            let target = try await target(record.push.dataset)
            try await store.analyzeRows(of: target.number)
        } catch {
            logger.warning("rows not analyzed", metadata: ["dataset": "\(record.push.dataset)", "error": "\(error)"])
        }
    }
}

extension Publishing.Occasion {
    fileprivate var isScheduled: Bool { if case .due = self { true } else { false } }
    fileprivate var time: Timestamp? { if case .later(let time) = self { time } else { nil } }
}

extension ReleaseOutcome {
    /// The same with the push as it is now.
    fileprivate func refreshed(_ read: (String) async throws -> PushRecord) async throws -> ReleaseOutcome {
        switch self {
        case .released(let record, let version): .released(try await read(record.push.id), version)
        case .scheduled(let record): .scheduled(try await read(record.push.id))
        case .unchanged(let record): .unchanged(try await read(record.push.id))
        }
    }
}
