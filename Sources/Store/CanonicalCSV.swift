public import Model
internal import Postgres

extension Store {
    /// The canonical CSV of a push's checked rows: what a review is about, and what the version will be.
    ///
    /// Header and public fields in schema order, masked; rows in key order; LF; datetimes RFC 3339 in +08:00; `true` and `false`.
    /// - Parameters:
    ///   - push: the push, whose staging table holds the rows.
    ///   - schema: the shape that they were checked against.
    public func canonicalCSV(stagedBy push: String, schema: TableSchema) -> CSVStream {
        let form = CSVForm(fields: schema.publicFields)
        let copy = form.copy("SELECT \(form.maskedColumns) FROM \(RowTable.staging(push)) ORDER BY \(RowTable.columns(schema.primaryKey))")
        return CSVStream { handoff in
            try await transaction(TransactionOptions(readOnly: true)) { connection in
                try await connection.execute("SET LOCAL statement_timeout = \(raw: timeout)")
                try await form.send(connection.copyOut(copy), to: handoff)
            }
        }
    }

    /// The canonical CSV of rows as they stand in the row table, for a version that its transaction has not committed yet or that a reader asks for.
    ///
    /// - Parameters:
    ///   - number: the dataset's number.
    ///   - version: the version whose rows are meant.
    ///   - schema: the version's schema.
    public func canonicalCSV(dataset number: Int, version: Int, schema: TableSchema) -> CSVStream {
        csv(dataset: number, version: version, form: CSVForm(fields: schema.publicFields), predicate: nil, order: RowOrder(key: schema))
    }

    /// Rows of a version as CSV, streamed without end to their number.
    ///
    /// All of it is read in one snapshot. While the version is the current one, only current rows are looked at.
    func csv(dataset number: Int, version: Int, form: CSVForm, predicate: SQL?, order: RowOrder) -> CSVStream {
        let source = RowSource(number: number, version: version)
        return CSVStream { handoff in
            try await mappingErrors {
                try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                    try await connection.execute("SET LOCAL statement_timeout = \(raw: timeout)")
                    let current = try await connection.execute("SELECT current_version FROM published.release WHERE dataset_number = \(number)")
                    let isCurrent = try current.first.map { try $0.read(Int?.self, 0) == version } ?? false
                    let relation: SQL = isCurrent ? "\(source.view) WHERE _until IS NULL" : "(\(source.asOf(form.fields.map(\.name)))) AS state WHERE true"
                    let filter: SQL = predicate.map { " AND (\($0))" } ?? ""
                    try await form.send(connection.copyOut(form.copy("SELECT \(form.columns) FROM \(relation)\(filter) ORDER BY \(order.sql)")), to: handoff)
                }
            }
        }
    }

    /// Downloads are long statements; milliseconds, as PostgreSQL counts without a unit.
    private var timeout: String { String(configuration.downloadTimeout * 1000) }
}
