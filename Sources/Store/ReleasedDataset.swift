public import Model
internal import Postgres

/// What reading needs to know of one dataset, as of one moment. Immutable, shared by all requests.
public final class ReleasedDataset: Sendable {
    public let id: String
    /// Names the dataset's tables.
    public let number: Int
    public let title: LocalizedText
    /// The newest version; nil before the first release and once the dataset is withdrawn.
    public let current: ReleasedVersion?
    /// Why it was withdrawn, where it was.
    public let withdrawal: Tombstone?
    /// The next instant at which rows of it have to leave public view; nil where none have to.
    public let expiresAt: Timestamp?

    init(id: String, number: Int, title: LocalizedText, current: ReleasedVersion?, withdrawal: Tombstone?, expiresAt: Timestamp? = nil) {
        self.id = id
        self.number = number
        self.title = title
        self.current = current
        self.withdrawal = withdrawal
        self.expiresAt = expiresAt
    }

    /// Whether rows should have left public view by now.
    var isDue: Bool { expiresAt.map { $0 <= .now } ?? false }
}

/// Why something can no longer be seen.
public struct Tombstone: Sendable, Hashable {
    public let reason: LocalizedText
    public let reasonCode: Withdrawal.ReasonCode?
    public let legalBasis: String?
    public let withdrawnAt: Timestamp

    /// The problem to answer with.
    ///
    /// - Parameters:
    ///   - code: what was withdrawn.
    ///   - zh: its name in Chinese, before 已撤回.
    ///   - en: its name in English, before "was withdrawn".
    public func problem(_ code: ProblemCode, zh: String, en: String) -> Problem {
        var members: [Problem.Member: String] = [.withdrawnAt: "\"\(withdrawnAt)\""]
        members[.reason] = try? JSON.encode(reason)
        if let reasonCode { members[.reasonCode] = "\"\(reasonCode.rawValue)\"" }
        if let legalBasis { members[.legalBasis] = try? JSON.encode(legalBasis) }
        return Problem(code, zh: "\(zh)已撤回：\(reason.zh)", en: "\(en) was withdrawn: \(reason.text(in: .en))", members: members)
    }
}

/// One version of a dataset, ready to be read.
public final class ReleasedVersion: Sendable {
    public let dataset: String
    let datasetNumber: Int
    public let number: Int
    /// SHA-256 of the canonical CSV, 64 hexadecimal digits.
    public let digest: String
    /// Rows when it was released.
    public let rowCount: Int
    /// Bytes of the canonical CSV.
    public let byteCount: Int
    /// The shape of its rows; hidden fields included, which nothing outside may name.
    public let schema: TableSchema
    public let releasedAt: Timestamp
    /// Why the version as a whole is gone, or why its bytes are: rows of it were withdrawn.
    public let withdrawal: Tombstone?
    /// Whether the whole version was withdrawn, not rows of it.
    public let isWithdrawn: Bool

    /// Whether its rows are public for a time only, and may leave at any moment: then nobody may keep answers about it unasked.
    public let hasWindow: Bool

    /// What every validator of this version begins with. A withdrawal of rows changes what a version gives, and so this.
    public let validator: String
    /// The order without a `sort`: the natural order where an index gives it, else the primary key.
    let defaultOrder: RowOrder
    let keyOrder: RowOrder
    let keyFields: [Field]
    /// Finds one row by its key, if it still is what it was in the version; parameters are the key's values and the version.
    let rowQuery: PreparedQuery
    let json: RowJSON
    let publicNames: [String]
    /// The names as a select list.
    let selection: SQL
    /// What questions may name.
    public let queryable: QueryableFields
    /// The roll-ups that answer for this version, the smallest first.
    public let rollups: [RollupShape]
    /// Rows beside which corrections stand, by their keys as `RowKey` spells them; nearly always none.
    public let corrections: [String: CorrectionCount]

    init(
        dataset: String, datasetNumber: Int, number: Int, digest: String, rowCount: Int, byteCount: Int, schema: TableSchema, releasedAt: Timestamp,
        withdrawal: Tombstone?, isWithdrawn: Bool, hasWindow: Bool = false, rollups relations: [String] = [], corrections: [String: CorrectionCount] = [:]
    ) {
        self.dataset = dataset
        self.datasetNumber = datasetNumber
        self.number = number
        self.digest = digest
        self.rowCount = rowCount
        self.byteCount = byteCount
        self.schema = schema
        self.releasedAt = releasedAt
        self.withdrawal = withdrawal
        self.isWithdrawn = isWithdrawn
        self.hasWindow = hasWindow
        self.corrections = corrections
        validator = "v\(number)-\(digest.prefix(12))" + (withdrawal.map { "w\($0.withdrawnAt.microseconds)" } ?? "") + "-"
        let fields = schema.publicFields
        let names = fields.map(\.name)
        publicNames = names
        selection = "\(identifiers: names)"
        let queryable = QueryableFields(schema)
        self.queryable = queryable
        json = RowJSON(fields)
        keyOrder = RowOrder(key: queryable, schema.primaryKey)
        keyFields = schema.primaryKey.compactMap { schema.field($0) }
        let natural = schema.naturalOrder.filter { name in fields.contains { $0.name == name && $0.type.isOrdered } }
        let isIndexed = !natural.isEmpty && schema.indexes.contains { $0.starts(with: natural) || natural.starts(with: $0) }
        defaultOrder = isIndexed ? RowOrder(natural.map { RowQuery.SortField($0) }, queryable, key: schema.primaryKey) : keyOrder

        let tables = relations.isEmpty ? [] : RowTable(number: datasetNumber, schema: schema).rollups
        rollups = relations.compactMap { relation in tables.first { $0.relation == relation }?.shape }

        let source = RowSource(number: datasetNumber, version: number)
        let key = schema.primaryKey.enumerated().map { "\(identifier: $1) = $\(raw: String($0 + 1))" as SQL }.joined(separator: " AND ")
        // A row that stands now and stood then is the version's: it has not changed since.
        let stood = "_since <= $\(schema.primaryKey.count + 1)"
        rowQuery = PreparedQuery(("SELECT \(selection) FROM \(source.view) WHERE _until IS NULL AND \(key) AND \(raw: stood)" as SQL).text)
    }

    /// Whether rows can be addressed by key: a hidden or masked key field would have to be told to be used.
    public var hasPublicKey: Bool { !keyFields.isEmpty && keyFields.allSatisfy { $0.visibility == .public && $0.mask == nil } }

    /// Names and types of the key's fields, in key order.
    public var key: [Field] { keyFields }
}
