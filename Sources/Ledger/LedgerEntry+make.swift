public import Model

// What each room enters, from what it has at hand. None of these fails for what the model can hold.
extension LedgerEntry {
    init(_ leaf: Leaf, dataset: String? = nil, version: Int? = nil, salt: Salt? = nil) throws {
        self.init(kind: leaf.kind, dataset: dataset, version: version, bytes: try leaf.entry(), salt: salt)
    }

    /// The release of a version.
    ///
    /// - Parameters:
    ///   - previousDigest: the digest of the version before.
    ///   - description: the dataset's, as it stands at the release, with its revision.
    ///   - rowTree: the tree over its rows; nil where there is none.
    ///   - late: whether it is entered long after the release.
    public static func release(
        _ version: Version, previousDigest: String?, description: (revision: Int, value: DatasetDescription), rowTree: (size: Int, head: [UInt8])? = nil, late: Bool = false
    ) throws -> LedgerEntry {
        let leaf = try Leaf.Release(version, previousDigest: previousDigest, description: description, rowTree: rowTree, late: late)
        return try LedgerEntry(.release(leaf), dataset: version.dataset, version: version.number)
    }

    /// A release as another node's ledger has it.
    public static func release(_ leaf: Leaf.Release) throws -> LedgerEntry { try LedgerEntry(.release(leaf), dataset: leaf.dataset, version: leaf.version) }

    public static func withdrawal(_ withdrawal: Withdrawal) throws -> LedgerEntry {
        let salt = Commitment.salt()
        return try LedgerEntry(
            .withdrawal(.init(withdrawal, salt: salt)), dataset: withdrawal.dataset, version: withdrawal.version, salt: Salt(subject: withdrawal.id, bytes: salt, content: try CanonicalJSON(withdrawal).bytes))
    }

    /// Names neither dataset nor push.
    public static func review(_ review: Review) throws -> LedgerEntry {
        let salt = Commitment.salt()
        return try LedgerEntry(.review(.init(review, salt: salt)), salt: Salt(subject: review.id, bytes: salt, content: try CanonicalJSON(review).bytes))
    }

    /// - Parameter json: the profile's file as it was loaded.
    public static func profile(id: String, version: Int, json: [UInt8]) throws -> LedgerEntry {
        try LedgerEntry(.profile(.init(id: id, version: version, json: json)))
    }

    /// A grant as it was given.
    public static func given(_ grant: ShareGrant) throws -> LedgerEntry {
        let salt = Commitment.salt()
        return try LedgerEntry(.grant(.init(.given, grant, at: grant.grantedAt, salt: salt)), salt: Salt(subject: grant.id, bytes: salt, content: try CanonicalJSON(grant).bytes))
    }

    /// A grant as it ended.
    public static func ended(_ grant: ShareGrant, at time: Timestamp) throws -> LedgerEntry {
        let salt = Commitment.salt()
        return try LedgerEntry(.grant(.init(.ended, grant, at: time, salt: salt)), salt: Salt(subject: grant.request, bytes: salt, content: try CanonicalJSON(grant).bytes))
    }

    /// A receipt.
    ///
    /// - Parameters:
    ///   - statement: the receipt's, where it is at hand as it was signed.
    ///   - publicKey: the key that signed, in base64.
    public static func receipt(_ receipt: Receipt, statement: CanonicalJSON? = nil, publicKey: String) throws -> LedgerEntry {
        let salt = Commitment.salt()
        return try LedgerEntry(.receipt(.init(receipt, statement: statement, publicKey: publicKey, salt: salt)), salt: Salt(subject: receipt.statement.delivery, bytes: salt))
    }

    /// An edit of a published description.
    ///
    /// - Parameter revision: the one that it makes.
    public static func description(
        of dataset: String, revision: Int, from old: DatasetDescription, to new: DatasetDescription, at time: Timestamp
    ) throws -> LedgerEntry {
        try LedgerEntry(.description(.init(dataset: dataset, revision: revision, from: old, to: new, editedAt: time)), dataset: dataset)
    }
}
