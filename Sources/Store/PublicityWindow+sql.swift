import Model
import Postgres

// The window of a profile over the rows of a table, as SQL.
extension PublicityWindow {
    /// The instant from which a row may be public; nil where the profile sets none.
    func begin(_ schema: TableSchema, of alias: String) -> SQL? {
        guard let from, let field = schema.field(from) else { return nil }
        return Self.instant(field, of: alias, after: false)
    }

    /// The instant from which a row is no longer public; NULL where it may stay.
    func end(_ schema: TableSchema, of alias: String) -> SQL {
        guard let field = schema.field(until) else { return "NULL::timestamptz" }
        return Self.instant(field, of: alias, after: true)
    }

    /// Why a row is no longer public at an instant, as a word of `Withdrawal.ReasonCode`; NULL where it is.
    func ended(_ schema: TableSchema, of alias: String, at now: Timestamp) -> SQL {
        let cases = (endsWhen ?? []).compactMap { ending -> SQL? in
            guard let field = schema.field(ending.field) else { return nil }
            return "WHEN \(field.type.spelling(of: "\(raw: alias).\(identifier: field.name)")) = ANY (\(ending.in)) THEN \(ending.reason.rawValue, as: .text) "
        }
        return "CASE \(cases.joined(separator: ""))WHEN \(end(schema, of: alias)) <= \(now.instant, as: .timestamptz) THEN 'expired' END"
    }

    /// A day counts as a whole: it begins and ends at midnight in +08:00.
    private static func instant(_ field: Field, of alias: String, after: Bool) -> SQL {
        let value: SQL = "\(raw: alias).\(identifier: field.name)"
        guard field.type == .date else { return value }
        return "((\(value)\(raw: after ? " + 1" : ""))::timestamp AT TIME ZONE interval '+08:00')"
    }
}

extension RowTable {
    /// The states that say how long rows may be public: of each key the one that stands, or the last that stood, which older versions may still show.
    private func governing(_ columns: SQL) -> SQL {
        let key = Self.columns(schema.primaryKey)
        return """
            SELECT \(columns) FROM \(table) t WHERE t._until IS NULL
            UNION ALL
            SELECT \(columns) FROM (SELECT DISTINCT ON (\(key)) o.* FROM \(table) o
                WHERE o._until IS NOT NULL AND NOT EXISTS (SELECT FROM \(table) c WHERE c._until IS NULL AND \(sameKey("c", "o")))
                ORDER BY \(key), o._since DESC) AS t
            """
    }

    /// Rows whose publicity has ended at an instant: `values`, the key's values as text, and `reason`.
    func endedRows(_ window: PublicityWindow, at now: Timestamp) -> SQL {
        let rows = governing("ARRAY[\(keyTexts(of: "t"))] AS values, \(window.ended(schema, of: "t", at: now)) AS reason")
        return "SELECT values, reason FROM (\(rows)) AS rows WHERE reason IS NOT NULL"
    }

    /// The next instant at which a row's publicity ends; NULL where none does.
    func nextEnd(_ window: PublicityWindow) -> SQL {
        "SELECT min(due) FROM (\(governing("\(window.end(schema, of: "t")) AS due"))) AS rows"
    }

    /// The key's values as PostgreSQL spells them in text.
    func keyTexts(of alias: String) -> SQL {
        schema.primaryKey.map { "\(raw: alias).\(identifier: $0)::text" as SQL }.joined(separator: ", ")
    }
}

extension Connection {
    /// Notes when the next row of a dataset has to leave public view.
    func noteExpiry(of dataset: String, _ rows: RowTable?, _ window: PublicityWindow?) async throws {
        guard let rows, let window else {
            try await execute("UPDATE daylight.dataset SET expires_at = NULL WHERE id = \(dataset) AND expires_at IS NOT NULL")
            return
        }
        try await execute("UPDATE daylight.dataset SET expires_at = (\(rows.nextEnd(window))) WHERE id = \(dataset)")
    }
}
