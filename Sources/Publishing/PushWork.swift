import Ledger
import Model
import NIOConcurrencyHelpers
import NIOCore
import Store

/// One push in work: its counts, its findings, what it comes to. Confined to the task that works on it.
final class PushWork {
    private let publishing: Publishing
    private let request: PushRequest
    private var record: PushRecord
    private let intake: Intake
    private let staging: Staging
    private var lifecycle: PushLifecycle
    /// Findings kept so far, the first of them for the answer, and counts of those that were made in SQL.
    private var kept = 0
    private var first: [Finding] = []
    private var setCounts: [FindingCount] = []
    private var loaded = 0
    /// The tree over the checked rows, where they may become a version.
    private var tree: RowTree?
    /// SHA-256 of the body, once it was read to its end.
    private(set) var content: String?

    private var id: String { record.push.id }
    private var store: Store { publishing.store }

    init(publishing: Publishing, request: PushRequest, record: PushRecord, intake: Intake, staging: Staging) {
        self.publishing = publishing
        self.request = request
        self.record = record
        self.intake = intake
        self.staging = staging
        lifecycle = PushLifecycle(dryRun: request.dryRun)
    }

    /// Streams the body through the intake into the staging table.
    func read(_ body: some AsyncSequence<ByteBuffer, any Error> & Sendable, _ received: NIOLockedValueBox<Int>) async throws {
        var digest = CanonicalDigest()
        var isWhole = true
        let limit = publishing.configuration.bodyLimit
        loaded = try await staging.load { writer in
            for try await chunk in body {
                digest.update(chunk)
                if digest.bytes > limit { throw Publishing.tooLarge(limit) }
                received.withLockedValue { [bytes = digest.bytes] in $0 = bytes }
                let goesOn = intake.take(chunk)
                if let rows = intake.takeRows() { try await writer.write(rows) }
                try await keepFindings()
                if !goesOn {
                    isWhole = false
                    break
                }
            }
            try Task.checkCancellation()
            intake.finish()
            if let rows = intake.takeRows() { try await writer.write(rows) }
        }
        try await keepFindings()
        record.push.byteCount = digest.bytes
        guard isWhole else { return }
        let content = digest.hexadecimal
        if let declared = request.contentDigest, declared.hexadecimal != content {
            throw Problem(
                .digestMismatch, zh: "请求体的 SHA-256 与 Content-Digest 不符，内容可能在传输中损坏；请重新报送",
                en: "the body's SHA-256 is not the one in Content-Digest; it was damaged on the way, send it again",
                places: [.init("Content-Digest", zh: "与内容不符", en: "does not match the content")])
        }
        self.content = content
        record.contentDigest = content
    }

    /// Checks the whole set, decides, and settles the push in its transaction.
    func check() async throws -> PushReport {
        _ = try lifecycle.handle(.received)
        guard try await store.move(push: id, from: .receiving, to: .checking) else { throw takenOver }
        try await staging.takeTurn()
        try Publishing.check(staging.target)
        if content != nil, !intake.isFatal, loaded > 0 { try await checkSet() }
        try await count()
        let event = try await verdict()
        let actions = try lifecycle.handle(event)
        record.push.state = lifecycle.state
        record.push.updatedAt = .now
        let counts = intake.counts.adding(setCounts)
        guard try await staging.settle(record, from: .checking, counts: counts, keepsRows: !actions.contains(.dropRows), tree: tree) else { throw takenOver }
        return PushReport(record: record, counts: counts, findings: first)
    }

    private func checkSet() async throws {
        let target = staging.target
        let policy = record.push.policy
        if !intake.isInKeyOrder { try await staging.checkRepeats(keep: record.mapping?.repeats?.keep ?? .reject) }
        if target.currentVersion != nil || record.schema.needsPlans { try await staging.analyze() }
        let ended = try await staging.leaveOutEnded(at: .now)
        (endedStanding, endedHeld) = (ended.standing, ended.held)
        try await staging.checkPublicityBegins(at: .now)
        try await staging.checkWithdrawnBefore()
        var allStand = false
        if record.push.mode == .append, target.currentVersion != nil {
            let count = try await staging.rowCount()
            allStand = try await staging.standingRows() == count
        }
        try await staging.checkRows(allStand: allStand)
        try await note(staging.settleChecks(policy: policy, limit: remaining))
        // Sums over a set from which wrong rows are missing would only repeat that they are missing.
        if policy == .quarantine || intake.errorCount + setCounts.count(of: .error) == 0 {
            try await staging.checkSums()
            try await note(staging.settleChecks(policy: policy, limit: remaining))
        }
    }

    /// Of the rows whose publicity has ended: how many stand, and how many any version holds.
    private var endedStanding = 0, endedHeld = 0
    private var hasErrorsWithoutRow = false
    private var remaining: Int { publishing.configuration.findingLimit - kept }

    private func note(_ verdict: SetVerdict) async throws {
        setCounts = setCounts.adding(verdict.counts)
        hasErrorsWithoutRow = hasErrorsWithoutRow || verdict.hasErrorsWithoutRow
        // On the connection that holds the dataset's turn: waiting for another one could be waiting for those who wait for this turn.
        let findings = take(verdict.findings)
        try await staging.keep(findings.new, from: findings.number)
    }

    /// Hands what the intake found to the store before it piles up.
    private func keepFindings() async throws {
        let findings = take(intake.takeFindings())
        if !findings.new.isEmpty { try await store.keep(findings.new, of: id, from: findings.number) }
        let rejected = intake.takeRejected()
        if !rejected.isEmpty { try await store.keep(rejected, of: id) }
    }

    /// Findings that are still to be kept, and the number of the first of them.
    private func take(_ findings: [Finding]) -> (new: [Finding], number: Int) {
        let findings = Array(findings.prefix(remaining))
        if first.count < 20 { first += findings.prefix(20 - first.count) }
        defer { kept += findings.count }
        return (findings, kept + 1)
    }

    private func count() async throws {
        record.push.recordCount = intake.recordCount
        record.push.rowCount = setCounts.isEmpty ? loaded : try await staging.rowCount()
        record.push.rejectedCount = record.push.policy == .quarantine ? try await staging.rejectedCount() : intake.rejectedCount
        record.push.errorCount = intake.errorCount + setCounts.count(of: .error)
        record.push.warningCount = intake.counts.count(of: .warning) + setCounts.count(of: .warning)
        record.push.baseVersion = staging.target.currentVersion
    }

    private func verdict() async throws -> PushLifecycle.Event {
        let push = record.push
        let isBeyondMending = content == nil || intake.isFatal || hasErrorsWithoutRow || (push.rowCount == 0 && push.errorCount > 0)
        if push.errorCount > 0, push.policy == .strict || isBeyondMending {
            record.push.reason = LocalizedText(
                zh: "校验发现 \(push.errorCount) 个错误；请按问题清单修正后重新报送", en: "\(push.errorCount) errors were found; mend what the findings name and send it again")
            return .checkedWithErrors
        }
        let changesRows = try await weigh()
        let target = staging.target
        let change = target.currentSchema.map { SchemaChange(from: $0, to: record.schema) }
        if let current = target.currentSchema, record.schema.saysTheSame(as: current), !changesRows, endedHeld == 0 {
            record.push.version = target.currentVersion
            record.push.reason = LocalizedText(
                zh: "与现行第 \(target.currentVersion ?? 0) 版相同，没有可发布的变化", en: "the same rows as version \(target.currentVersion ?? 0), which stands; there is nothing to release")
            return .checkedUnchanged
        }
        let policy = ReviewPolicy(target.reviewPolicy)
        return policy.needsReview(isFirst: change != SchemaChange.none) ? .checkedForReview : .checkedWithoutReview
    }

    /// Digest of the checked rows, and what a release of them would do.
    ///
    /// - Returns: whether it would change rows that stand, be it in what nobody is told of.
    private func weigh() async throws -> Bool {
        let target = staging.target
        if let canonical = intake.canonical, record.push.rowCount == loaded {
            note(canonical)
        } else {
            var reading = CanonicalReading(record.schema)
            try await staging.canonical { reading.take($0) }
            note(reading.finish())
        }
        let showsAll = record.schema.fields.allSatisfy { $0.visibility == .public && $0.mask == nil }
        if target.currentVersion == nil {
            record.preview = RowCounts(added: record.push.rowCount, changed: 0, removed: 0)
            return true
        } else if record.push.mode == .replace, showsAll, record.push.digest == target.currentDigest {
            record.preview = RowCounts(added: 0, changed: 0, removed: 0)
            return false
        } else {
            let effect = try await staging.preview()
            record.preview = effect.counts
            // In place of the whole they are missing, and counted as such.
            let ended = record.push.mode == .replace ? 0 : endedStanding
            record.preview?.removed += ended
            return !effect.isNone || ended > 0
        }
    }

    private func note(_ form: CanonicalForm) {
        record.push.digest = form.digest
        record.canonicalBytes = form.bytes
        // Only rows that replace all others, or are the first, are a whole version.
        if record.push.mode == .replace || staging.target.currentVersion == nil { tree = form.tree }
    }

    private var takenOver: Problem {
        Problem(.pushFailed, zh: "报送因长时间没有进展而中止，请重新报送", en: "the push was given up after a long pause; send it again", members: [.push: "\"\(id)\""])
    }
}

extension TableSchema {
    /// Whether checks over all rows join or group them, so that the planner had better know how many there are.
    fileprivate var needsPlans: Bool {
        fields.contains { $0.codeList != nil } || !checks.allSatisfy { $0.kind.isAboutOneRow }
    }
}

extension Check.Kind {
    fileprivate var isAboutOneRow: Bool {
        switch self {
        case .required, .range, .pattern, .identifierChecksum, .dateOrder, .conditionalRequired, .sumEquals, .tolerance: true
        case .codeList, .unique, .foreignKey, .hierarchySums, .balance, .monotoneTime: false
        }
    }
}

extension Intake {
    var errorCount: Int { counts.count(of: .error) }
}

extension [FindingCount] {
    func count(of severity: Check.Severity) -> Int { filter { $0.severity == severity }.reduce(0) { $0 + $1.count } }

    /// Both together, by code.
    func adding(_ other: [FindingCount]) -> [FindingCount] {
        var sum = self
        for count in other {
            if let index = sum.firstIndex(where: { $0.code == count.code && $0.severity == count.severity }) {
                sum[index].count += count.count
            } else {
                sum.append(count)
            }
        }
        return sum.sorted { ($0.code.rawValue, $0.severity.rawValue) < ($1.code.rawValue, $1.severity.rawValue) }
    }
}
