internal import Model
internal import Postgres

extension Store {
    /// The canonical bytes of a version: all of it as CSV, in key order.
    ///
    /// All of it is read in one snapshot. While the version is the current one, only current rows are looked at.
    public func csv(_ version: ReleasedVersion) -> RowStream {
        let form = CSVForm(fields: version.schema.publicFields)
        let source = RowSource(number: version.datasetNumber, version: version.number)
        return RowStream(opening: form.header) { [self] handoff in
            try await mappingErrors {
                try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                    // A download is one long statement; PostgreSQL counts in milliseconds.
                    try await connection.execute("SET LOCAL statement_timeout = \(raw: String(configuration.downloadTimeout * 1000))")
                    let isCurrent = try await connection.execute("SELECT \(source.guardCondition)").first?.read(Bool?.self, 0) ?? false
                    let relation: SQL = isCurrent ? "\(source.view) WHERE _until IS NULL" : "(\(source.asOf(version.publicNames))) AS state"
                    try await form.send(connection.copyOut(form.copy("SELECT \(form.columns) FROM \(relation) ORDER BY \(version.keyOrder.sql)")), to: handoff)
                }
            }
            return nil
        }
    }
}
