internal import Ledger

extension Notary {
    /// A note of the ledger's key that names the key with which statements about deliveries are signed. It has two lines, a checkpoint at least three: one is never
    /// taken for the other.
    ///
    /// - Parameter key: 32 bytes in base64.
    /// - Throws: what signing throws.
    public func certificate(ofStatementKey key: String) throws -> String {
        try signer.sign("daylight-statement-key/1\n\(key)\n").description
    }
}
