public import Model
internal import Postgres

/// Rows that differ between two versions of a dataset, by their key and in its order.
///
/// What it costs follows from what came and went between the two, for which there are indexes: a state that stands in one and not in the other has begun or ended between them.
/// All is read through the views that show values as everybody may see them, so a change of a hidden field is none.
public struct DifferenceRead: Sendable {
    /// The version that is compared; nil for the time before the first, when there was no row.
    public let from: ReleasedVersion?
    public let to: ReleasedVersion
    /// The fields that are compared and shown besides the key, in their order.
    public let fields: [Field]
    let predicate: Predicate?
    let limit: Int
    /// The key of the row before, as PostgreSQL prints it.
    let after: [String?]?
    let json: RowJSON
    let keyJSON: RowJSON

    /// - Parameters:
    ///   - from: the older version; nil for none.
    ///   - to: the newer one. Its rows have a key that everybody may see, as those of `from` have.
    ///   - query: a question whose names were held against `to`. A row belongs to it where its old or its new state does.
    ///   - after: the key of the row before.
    public init(from: ReleasedVersion?, to: ReleasedVersion, query: RowQuery, after: [String?]? = nil) {
        self.from = from
        self.to = to
        predicate = query.predicate
        limit = query.limit
        self.after = after
        let named = query.fields.map { names in names.compactMap { to.schema.field($0) } } ?? to.schema.publicFields
        let fields = named.filter { !to.schema.primaryKey.contains($0.name) }
        self.fields = fields
        json = RowJSON(fields)
        keyJSON = RowJSON(to.keyFields)
    }

    var key: [Field] { to.keyFields }

    /// The key's fields, for the cursor.
    public var keyNames: [String] { to.schema.primaryKey }

    /// Fields that the older version does not show: their old values are missing.
    func isNew(_ field: Field) -> Bool { from?.schema.field(field.name)?.visibility != .public }

    /// Whether a field was hidden in the older version. Then rows differ that nobody pushed anew, and all have to be compared.
    private var hasRevealedFields: Bool {
        guard let from else { return false }
        return to.schema.publicFields.contains { field in from.schema.field(field.name).map { $0.visibility != .public } ?? false }
    }

    /// `added`, `removed` or `changed`.
    static let change: SQL = "CASE WHEN o._match IS NULL THEN 'added' WHEN n._match IS NULL THEN 'removed' ELSE 'changed' END"

    /// FROM and WHERE over the rows that differ: `o` is a row's old state and `n` its new one, either of them missing or both different; `_match` says whether
    /// a state meets the condition, and is NULL where there is no state. The key's columns stand without an alias.
    var source: SQL {
        let key: SQL = "\(identifiers: to.schema.primaryKey)"
        let states: SQL
        if let from {
            states = "(\(old(from))) AS o FULL JOIN (\(new)) AS n USING (\(key))"
        } else {
            let nothing = to.schema.publicFields.map { "NULL::\(raw: $0.type.castType) AS \(identifier: $0.name)" as SQL }.joined(separator: ", ")
            states = "(\(new)) AS n LEFT JOIN (SELECT \(nothing), NULL::boolean AS _match WHERE false) AS o USING (\(key))"
        }
        let differs = fields.map { "o.\(identifier: $0.name) IS DISTINCT FROM n.\(identifier: $0.name)" as SQL }
        let sides: [SQL] = ["o._match IS NULL", "n._match IS NULL"]
        return "FROM \(states) WHERE (o._match OR n._match) AND (\((sides + differs).joined(separator: " OR ")))"
    }

    /// Rows as they are written: the key, what became of the row, each field's old and new value.
    ///
    /// - Parameter isLimited: false for all rows.
    func sql(isLimited: Bool) -> SQL {
        let values = fields.flatMap { ["o.\(identifier: $0.name)", "n.\(identifier: $0.name)"] as [SQL] }
        let columns = (key.map { "\(identifier: $0.name)" as SQL } + [Self.change] + values).joined(separator: ", ")
        let bound: SQL = isLimited ? " LIMIT \(raw: String(limit + 1))" : ""
        return "SELECT \(columns) \(source) ORDER BY \(to.keyOrder.sql)\(bound)"
    }

    // MARK: states

    private func old(_ from: ReleasedVersion) -> SQL {
        let older = RowSource(number: to.datasetNumber, version: from.number)
        let columns = to.schema.publicFields.map { field -> SQL in
            isNew(field) ? "NULL::\(raw: field.type.castType) AS \(identifier: field.name)" : "\(identifier: field.name)"
        }.joined(separator: ", ")
        if hasRevealedFields { return matching("SELECT \(columns) FROM (\(older.asOf(to.publicNames))) AS state\(beyond(" WHERE "))") }
        return matching("SELECT \(columns) FROM \(older.view) WHERE \(older.ended(by: to.number))\(beyond(" AND "))")
    }

    private var new: SQL {
        let newer = RowSource(number: to.datasetNumber, version: to.number)
        let columns: SQL = "\(identifiers: to.publicNames)"
        guard let from, !hasRevealedFields else { return matching("SELECT \(columns) FROM (\(newer.asOf(to.publicNames))) AS state\(beyond(" WHERE "))") }
        return matching("SELECT \(columns) FROM \(newer.view) WHERE \(newer.begun(after: from.number))\(beyond(" AND "))")
    }

    /// On both sides, where the indexes on the key serve it.
    private func beyond(_ word: SQL) -> SQL { after.map { "\(word)(\(to.keyOrder.after($0)))" } ?? "" }

    private func matching(_ states: SQL) -> SQL {
        let match = predicate.map { "(\($0.sql(to.queryable))) IS TRUE" as SQL } ?? "true"
        return "SELECT *, \(match) AS _match FROM (\(states)) AS state"
    }
}

extension RowSource {
    /// States of this version that no longer stand in a later one.
    func ended(by later: Int) -> SQL {
        "_until > \(version, as: .int4) AND _until <= \(later, as: .int4) AND _since <= \(version, as: .int4)"
    }

    /// States of this version that did not stand in an earlier one, from 1 on.
    func begun(after earlier: Int) -> SQL {
        // As it stands, so that the index over later states is known to hold them.
        """
        _since > 1 AND _since > \(earlier, as: .int4) AND _since <= \(version, as: .int4) AND (_until IS NULL OR _until > \(version, as: .int4))
        """
    }
}
