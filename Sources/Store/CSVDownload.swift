public import Model
internal import Postgres

extension Store {
    /// The whole of a version as CSV, in key order; in the plain dialect, its canonical bytes.
    public func csv(_ version: ReleasedVersion, dialect: CSVDialect = CSVDialect()) -> CSVStream {
        csv(version, CSVForm(fields: version.schema.publicFields, dialect: dialect), predicate: nil, order: version.keyOrder)
    }

    /// The rows that a question is about as CSV, however many they are.
    ///
    /// - Parameter query: held against the version's schema; its limit and cursor do not count.
    public func csv(_ version: ReleasedVersion, query: RowQuery, dialect: CSVDialect) -> CSVStream {
        let fields = query.fields?.compactMap { version.schema.field($0) } ?? version.schema.publicFields
        let order = query.sort.isEmpty ? version.defaultOrder : RowOrder(query.sort, version.queryable, key: version.schema.primaryKey)
        return csv(version, CSVForm(fields: fields, dialect: dialect), predicate: query.predicate, order: order)
    }

    /// All of it is read in one snapshot. While the version is the current one, only current rows are looked at.
    private func csv(_ version: ReleasedVersion, _ form: CSVForm, predicate: Predicate?, order: RowOrder) -> CSVStream {
        let source = RowSource(number: version.datasetNumber, version: version.number)
        return CSVStream { [self] handoff in
            try await mappingErrors {
                try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                    // A download is one long statement; PostgreSQL counts in milliseconds.
                    try await connection.execute("SET LOCAL statement_timeout = \(raw: String(configuration.downloadTimeout * 1000))")
                    let isCurrent = try await connection.execute("SELECT \(source.guardCondition)").first?.read(Bool?.self, 0) ?? false
                    let relation: SQL = isCurrent ? "\(source.view) WHERE _until IS NULL" : "(\(source.asOf(version.publicNames))) AS state WHERE true"
                    let filter: SQL = predicate.map { " AND (\($0.sql(version.queryable)))" } ?? ""
                    try await form.send(connection.copyOut(form.copy("SELECT \(form.columns) FROM \(relation)\(filter) ORDER BY \(order.sql)")), to: handoff)
                }
            }
        }
    }
}
