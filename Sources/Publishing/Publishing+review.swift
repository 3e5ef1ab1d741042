import Ledger
public import Model
import Store

extension Publishing {
    /// Records a reviewer's decision on one exact content (保密审查).
    ///
    /// - Parameters:
    ///   - digest: the digest of what the reviewer looked at; it has to be the push's.
    ///   - key: the reviewer's key, another one than the push's.
    /// - Throws: `Problem`: `reviewNotIndependent`, `reviewDigestMismatch`, `invalidReview`, `pushStateConflict`.
    public func review(
        _ push: String, decision: Review.Decision, legalBasis: String, note: String?, digest: String, by key: AccessKey
    ) async throws -> Review {
        let record = try await self.push(push)
        try Self.check(legalBasis: legalBasis, note: note, digest: digest, decision)
        if record.push.key == key.id {
            throw Problem(
                .reviewNotIndependent, zh: "报送所用的密钥不能审查同一报送；请由另一密钥审查", en: "the key that pushed cannot review its own push; use another key",
                members: [.push: "\"\(record.push.id)\""])
        }
        var lifecycle = PushLifecycle(state: record.push.state, dryRun: record.push.dryRun)
        let actions: [PushLifecycle.Action]
        do {
            actions = try lifecycle.handle(Self.event(decision))
        } catch {
            throw Self.conflict(error, record)
        }
        guard let content = record.push.digest, content == digest.lowercased() else {
            throw Problem(
                .reviewDigestMismatch, zh: "所审内容的摘要不是该报送的摘要；请重新查看报送内容后再审",
                en: "the digest is not that of this push; look at the push's content again before deciding", members: [.push: "\"\(record.push.id)\""])
        }
        let review = Review(
            id: newIdentifier(), push: record.push.id, decision: decision, legalBasis: legalBasis, note: note, digest: content, reviewer: key.id, reviewedAt: .now)
        let isRecorded = try await store.createReview(
            review, from: record.push.state, to: lifecycle.state, dropsStaging: actions.contains(.dropRows), entry: try .review(review))
        guard isRecorded else { throw Self.conflict(.wrongState(try await self.push(push).push.state), record) }
        return review
    }

    /// A push's reviews, oldest first.
    public func reviews(of push: String) async throws -> [Review] {
        try await store.reviews(of: push)
    }

    private static func event(_ decision: Review.Decision) -> PushLifecycle.Event {
        switch decision {
        case .pass: .reviewPassed
        case .refuse: .reviewRefused
        case .refer: .reviewReferred
        }
    }

    private static func check(legalBasis: String, note: String?, digest: String, _ decision: Review.Decision) throws {
        var places: [Problem.Place] = []
        if legalBasis.allSatisfy(\.isWhitespace) { places.append(.init("/legal_basis", zh: "请写明法律依据", en: "name the legal basis")) }
        if legalBasis.count > 1000 { places.append(.init("/legal_basis", zh: "不得超过 1000 个字符", en: "at most 1000 characters")) }
        if let note, note.count > 10_000 { places.append(.init("/note", zh: "不得超过 10000 个字符", en: "at most 10000 characters")) }
        if decision != .pass, (note ?? "").allSatisfy(\.isWhitespace) {
            places.append(.init("/note", zh: "不予通过或移送时须说明理由", en: "say why when it does not pass"))
        }
        if digest.utf8.count != 64 || !digest.allSatisfy({ $0.isASCII && $0.isHexDigit }) {
            places.append(.init("/digest", zh: "应为 64 位十六进制 SHA-256", en: "must be a SHA-256 of 64 hexadecimal digits"))
        }
        if !places.isEmpty { throw Problem(.invalidReview, zh: "审查意见不完整", en: "the review is incomplete", places: places) }
    }

    /// What a refused event means to the caller.
    static func conflict(_ refusal: PushLifecycle.Refusal, _ record: PushRecord) -> Problem {
        let members: [Problem.Member: String] = [.push: "\"\(record.push.id)\"", .state: "\"\(record.push.state.rawValue)\""]
        switch refusal {
        case .notReviewed:
            return Problem(
                .reviewMissing, zh: "尚无审查通过这份内容；请先由另一密钥完成保密审查", en: "no review has passed this content; have it reviewed with another key first", members: members)
        case .wrongState(let state):
            return Problem(
                .pushStateConflict, zh: "报送处于“\(state.rawValue)”状态，不能进行此操作", en: "the push is in the state '\(state.rawValue)', which does not allow this",
                members: members.merging([.state: "\"\(state.rawValue)\""]) { $1 })
        }
    }
}
