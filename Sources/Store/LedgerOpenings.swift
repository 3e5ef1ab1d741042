public import Model
internal import Postgres

extension Store {
    /// The salt of a digest in the ledger; nil where there is none any more.
    ///
    /// - Parameter subject: the identifier of what the digest is of.
    public func ledgerSalt(of subject: String) async throws -> [UInt8]? {
        guard subject.isUUID else { return nil }
        return try await write("SELECT salt FROM daylight.ledger_salt WHERE subject = \(subject)::uuid").first.map { try $0.read(Bytea.self, "salt").bytes }
    }

    /// One withdrawal of a dataset.
    public func withdrawal(_ id: String, of dataset: String) async throws -> Withdrawal? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.withdrawalColumns) FROM daylight.withdrawal WHERE dataset = \(dataset) AND id = \(id)").first.map(Self.withdrawal)
    }
}
