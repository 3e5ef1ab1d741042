public import Ledger
import Model
import Store

extension Publishing {
    /// What the digest of a withdrawal in the ledger is of.
    ///
    /// - Throws: `Problem` (`routeNotFound`) where there is no such withdrawal of the dataset, or its salt was erased.
    public func opening(ofWithdrawal id: String, of dataset: String) async throws -> LedgerOpening {
        guard let withdrawal = try await store.withdrawal(id.lowercased(), of: dataset), let salt = try await store.ledgerSalt(of: withdrawal.id) else { throw Self.noOpening }
        return try LedgerOpening(withdrawal, salt: salt)
    }

    /// What the digest of a review in the ledger is of.
    ///
    /// - Throws: `Problem` (`routeNotFound`) where the push has no such review.
    public func opening(ofReview id: String, of push: String) async throws -> LedgerOpening {
        guard let review = try await reviews(of: push).first(where: { $0.id == id.lowercased() }), let salt = try await store.ledgerSalt(of: review.id) else {
            throw Self.noOpening
        }
        return try LedgerOpening(review, salt: salt)
    }

    private static var noOpening: Problem {
        Problem(.routeNotFound, zh: "没有这一条，或者其盐值已删除", en: "there is no such entry, or its salt was erased")
    }
}
