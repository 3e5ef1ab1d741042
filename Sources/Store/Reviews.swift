public import Model
import Postgres

extension Store {
    /// Records a decision and moves the push, if it still is in the state and has the content that the reviewer saw.
    ///
    /// - Parameters:
    ///   - state: the state that the decision was made in.
    ///   - next: the state that follows from it.
    ///   - dropsStaging: whether the staged rows are no longer needed.
    ///   - entry: what the ledger says of it.
    /// - Returns: false where the push moved on in between; nothing is recorded then.
    public func createReview(_ review: Review, from state: Push.State, to next: Push.State, dropsStaging: Bool, entry: LedgerEntry) async throws -> Bool {
        try await transaction { connection in
            let moved = try await connection.execute(
                """
                UPDATE daylight.push SET state = \(next.rawValue), updated_at = now(),
                       reason_zh = \(next == .refused ? (review.note ?? "保密审查未通过") : nil),
                       reason_en = \(next == .refused ? (review.note ?? "refused in review") : nil)
                WHERE id = \(review.push) AND state = \(state.rawValue) AND digest = \(review.digest)
                """)
            guard moved.affectedRows == 1 else { return false }
            try await connection.execute(
                """
                INSERT INTO daylight.review (id, push, decision, legal_basis, note, digest, reviewer, reviewed_at)
                VALUES (\(review.id), \(review.push), \(review.decision.rawValue), \(review.legalBasis), \(review.note), \(review.digest),
                        \(review.reviewer), \(review.reviewedAt.instant))
                """)
            try await connection.enter(entry)
            if dropsStaging { try await connection.execute("DROP TABLE IF EXISTS \(RowTable.staging(review.push))") }
            return true
        }
    }

    /// A push's reviews, oldest first.
    public func reviews(of push: String) async throws -> [Review] {
        try await write(
            """
            SELECT id, push, decision, legal_basis, note, digest, reviewer, reviewed_at FROM daylight.review
            WHERE push = \(push) ORDER BY reviewed_at, id
            """
        ).map { row in
            Review(
                id: try row.read("id"), push: try row.read("push"), decision: try row.word("decision"), legalBasis: try row.read("legal_basis"),
                note: try row.read("note"), digest: try row.read("digest"), reviewer: try row.read("reviewer"),
                reviewedAt: try row.timestamp("reviewed_at"))
        }
    }
}
