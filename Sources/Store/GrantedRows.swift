public import Model
public import NIOCore
import Postgres

/// A page of granted rows, as it came.
public struct GrantedPage: Sendable {
    let rows: RowSet
    let json: RowJSON
    let limit: Int
    let keyColumns: [Int]

    public var count: Int { min(rows.count, limit) }

    /// The key's values of the last row, where more rows follow.
    public var next: [String]? {
        guard rows.count > limit, limit > 0 else { return nil }
        return keyColumns.map { column in rows.bytes(limit - 1, column).map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }

    /// The key's values of the last row; nil where there is none.
    public var last: [String]? {
        guard count > 0 else { return nil }
        return keyColumns.map { column in rows.bytes(count - 1, column).map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }

    /// Appends the rows as a JSON array.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "["))
        for row in 0..<count {
            if row > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
            json.write(rows, row, into: &buffer)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }
}

extension ServedGrant {
    private var columns: SQL { RowTable.columns(schema.fields.map(\.name)) }
    private var keyColumns: SQL { RowTable.columns(schema.primaryKey) }

    private func stands(in version: Int) -> SQL { "_since <= \(version, as: .int4) AND (_until IS NULL OR _until > \(version, as: .int4))" }

    /// A page of the rows that stand in a version, in the order of their keys.
    fileprivate func page(version: Int, after: [String]?, limit: Int) -> SQL {
        let rest: SQL = after.map { "AND (\(key.after($0.map { $0 })))" } ?? ""
        return "SELECT \(columns) FROM \(GrantView.rows(number)) WHERE \(stands(in: version)) \(rest) ORDER BY \(key.sql) LIMIT \(raw: String(limit + 1))"
    }

    /// All rows that stand in a version, in the order of their keys.
    fileprivate func state(version: Int) -> SQL {
        "SELECT \(columns) FROM \(GrantView.rows(number)) WHERE \(stands(in: version)) ORDER BY \(key.sql)"
    }

    /// What changed from one version to a later one, as the receiver sees it, in the order of the keys: a row that left the grant's rows was removed for it, and
    /// one whose change it cannot see did not change. Of removed rows only the key is told. Rows that were withdrawn are among the removed ones, also where they
    /// were erased since.
    ///
    /// - Parameter known: when the older version was released: a row withdrawn after that was in it.
    fileprivate func changes(from old: Int, to new: Int, known: Timestamp) -> SQL {
        let names = schema.fields.map(\.name), key = schema.primaryKey
        let same = key.map { "o.\(identifier: $0) = n.\(identifier: $0)" as SQL }.joined(separator: " AND ")
        let rest = names.filter { !key.contains($0) }
        let differs: SQL = rest.isEmpty ? "false" : rest.map { "o.\(identifier: $0) IS DISTINCT FROM n.\(identifier: $0)" as SQL }.joined(separator: " OR ")
        let shown = names.map { name -> SQL in
            key.contains(name) ? "coalesce(n.\(identifier: name), o.\(identifier: name)) AS \(identifier: name)" : "n.\(identifier: name)"
        }.joined(separator: ", ")
        func missing(_ value: (_ place: Int, _ type: String) -> SQL) -> SQL {
            names.map { name -> SQL in
                let type = schema.field(name)?.type.castType ?? "text", absent: SQL = "NULL::\(raw: type)"
                return "\(key.firstIndex(of: name).map { value($0, type) } ?? absent) AS \(identifier: name)"
            }.joined(separator: ", ")
        }
        let withdrawn = missing { place, _ in "w.\(identifier: key[place])" }, erased = missing { place, type in "w._key[\(raw: String(place + 1))]::\(raw: type)" }
        let (a, b): (SQL, SQL) = ("\(old, as: .int4)", "\(new, as: .int4)")
        return """
            SELECT CASE WHEN n._since IS NULL THEN 'removed' WHEN o._known IS NULL THEN 'added' ELSE 'changed' END AS _change, \(shown)
            FROM (
                SELECT true AS _known, \(columns) FROM \(GrantView.rows(number)) WHERE _since <= \(a) AND _until > \(a) AND _until <= \(b)
                UNION ALL
                SELECT DISTINCT false, \(withdrawn) FROM \(GrantView.gone(number)) AS w
                WHERE w._since <= \(a) AND (w._until IS NULL OR w._until > \(a)) AND w._gone_at > \(known.instant) AND w.\(identifier: key[0]) IS NOT NULL
                UNION ALL
                SELECT DISTINCT false, \(erased) FROM granted.erased AS w
                WHERE w._grant = \(number, as: .int4) AND w._since <= \(a) AND (w._until IS NULL OR w._until > \(a)) AND w._gone_at > \(known.instant)
            ) AS o
            FULL JOIN (
                SELECT _since, \(columns) FROM \(GrantView.rows(number)) WHERE _since > \(a) AND \(stands(in: new))
            ) AS n ON \(same)
            WHERE n._since IS NULL OR o._known IS NULL OR NOT o._known OR \(differs)
            ORDER BY \(key.map { "coalesce(n.\(identifier: $0), o.\(identifier: $0))" as SQL }.joined(separator: ", "))
            """
    }
}

extension Store {
    /// Rows that stand in a version and that a grant gives, in the order of their keys.
    ///
    /// - Parameters:
    ///   - pass: what it is read by.
    ///   - after: the key's values of the row before the page.
    public func grantedPage(_ served: ServedGrant, by pass: GrantPass, version: Int, after: [String]?, limit: Int) async throws -> GrantedPage {
        let names = served.schema.fields.map(\.name)
        let rows = try await mappingErrors {
            try await exchange.transaction { connection in
                try await connection.execute(pass.use)
                return try await connection.execute(served.page(version: version, after: after, limit: limit))
            }
        }
        return GrantedPage(rows: rows, json: RowJSON(served.schema.fields), limit: limit, keyColumns: served.schema.primaryKey.compactMap { names.firstIndex(of: $0) })
    }

    /// The bytes of a delivery: the rows of a version as CSV, or what changed since an older one, with the change in the first column.
    ///
    /// - Parameters:
    ///   - pass: what it is read by, once.
    ///   - delivery: from version 0 it is the whole state.
    ///   - known: when the older version was released.
    ///   - finished: called when the last byte was handed over, with what was sent; the stream ends in due form only when it returns.
    public func granted(
        _ served: ServedGrant, by pass: GrantPass, _ delivery: Delivery, asChanges: Bool, known: Timestamp, finished: @escaping @Sendable (DeliveryCount) async throws -> Void
    ) -> RowStream {
        let form = CSVForm(fields: served.schema.fields)
        let marks: [CSVFinisher.Column] = served.schema.fields.map { $0.type == .datetime ? .datetime : $0.type == .boolean ? .boolean : .asPrinted }
        let finisher = asChanges ? CSVFinisher([.asPrinted] + marks) : form.finisher
        let sql = asChanges ? served.changes(from: delivery.fromVersion, to: delivery.toVersion, known: known) : served.state(version: delivery.toVersion)
        return RowStream { [self] handoff in
            var count = DeliveryCount()
            // Rows that have to leave are not given for longer than others who read them may; the receiver asks again.
            let clock = served.expiresAt.map { due in
                Task {
                    try await Task.sleep(for: Duration.microseconds(max(0, due.microseconds - Timestamp.now.microseconds)) + Duration.seconds(configuration.expiryGrace))
                    handoff.expire()
                }
            }
            defer { clock?.cancel() }
            do {
                try await mappingErrors {
                    try await deliveries.transaction(TransactionOptions(isolation: .repeatableRead)) { connection in
                        try await connection.execute(pass.use)
                        try await connection.execute("SET LOCAL statement_timeout = \(raw: String(configuration.downloadTimeout * 1000))")
                        var header: ByteBuffer? = asChanges ? ByteBuffer(string: "_change,") : ByteBuffer()
                        header?.writeImmutableBuffer(form.header)
                        for try await chunk in connection.copyOut("COPY (\(sql)) TO STDOUT (FORMAT csv)") {
                            var bytes = header ?? ByteBuffer()
                            header = nil
                            count.addRecords(chunk)
                            bytes.writeImmutableBuffer(finisher.finish(chunk))
                            count.addBytes(bytes)
                            try await handoff.send(bytes)
                        }
                        if let header {
                            count.addBytes(header)
                            try await handoff.send(header)
                        }
                    }
                }
            } catch is StreamExpired {
                throw Problem(.overloaded, zh: "有的行公开期限已满，正在移出，请重新获取", en: "rows whose time has ended are being taken out; ask for it again", retryAfter: 5)
            }
            try await finished(count)
            return nil
        }
    }
}
