public import Model
internal import Store

extension Notary {
    /// How far the check of what is stored has come, and what it found that stands open.
    ///
    /// - Parameter limit: findings at most, the oldest first.
    public func integrity(limit: Int) async throws -> IntegrityReport {
        try await store.integrityReport(limit: limit)
    }
}
