import Model
import Postgres

/// The tables and the view that hold one dataset's rows, as SQL made from its schema.
///
/// - `data.d<number>`: every state of every row, with the versions in which it stands.
/// - `published.d<number>`: what everybody may see of it, masked.
/// - `staging.p<push>`: the checked rows of one push.
///
/// All of them belong to the writer's role; the reader's is granted the view alone.
struct RowTable: Sendable {
    let number: Int
    let schema: TableSchema
    /// The schema that the row table has now, where it differs: fields that are not in it yet have no column.
    var released: TableSchema?

    var table: SQL { "data.\(identifier: "d\(number)")" }
    var view: SQL { "published.\(identifier: "d\(number)")" }
    var keyIndex: String { "d\(number)_key" }

    /// A push's staging table. The identifier is a UUID, so that no other table can be meant.
    static func staging(_ push: String) -> SQL { "staging.\(identifier: stagingName(push))" }

    static func stagingName(_ push: String) -> String { "p" + push.filter { $0 != "-" } }

    /// The schema's columns, quoted and separated by commas.
    ///
    /// - Parameter alias: the table that they belong to, nil for none.
    static func columns(_ fields: [String], of alias: String? = nil) -> SQL {
        let prefix: SQL = alias.map { SQL(raw: $0 + ".") } ?? ""
        return fields.map { "\(prefix)\(identifier: $0)" as SQL }.joined(separator: ", ")
    }

    var fieldNames: [String] { schema.fields.map(\.name) }

    /// Whether two aliases name the same row: all key fields are equal.
    func sameKey(_ a: String, _ b: String) -> SQL {
        schema.primaryKey.map { "\(raw: a).\(identifier: $0) = \(raw: b).\(identifier: $0)" as SQL }.joined(separator: " AND ")
    }

    /// Whether a staged row differs from a current one outside the key; NULLs are equal to each other.
    func differs(_ staged: String, _ current: String) -> SQL {
        let rest = schema.fields.filter { !schema.primaryKey.contains($0.name) }
        if rest.isEmpty { return "false" }
        return rest.map { "\(raw: staged).\(identifier: $0.name) IS DISTINCT FROM \(standing($0, of: current))" as SQL }.joined(separator: " OR ")
    }

    /// Whether everybody sees that a staged row differs from a current one outside the key: a change of a hidden field alone is no change, neither is one that a mask hides.
    ///
    /// A field that the version before hid is left out: which of its values changed would tell something of what they were.
    func differsInPublic(_ staged: String, _ current: String) -> SQL {
        let shown = schema.publicFields.filter { field in
            !schema.primaryKey.contains(field.name) && (released?.field(field.name)?.visibility ?? .public) == .public
        }
        if shown.isEmpty { return "false" }
        return shown.map { field -> SQL in
            let new: SQL = "\(raw: staged).\(identifier: field.name)", old = standing(field, of: current)
            guard let mask = field.mask else { return "\(new) IS DISTINCT FROM \(old)" }
            return "(\(mask.expression(over: new))) IS DISTINCT FROM (\(mask.expression(over: old)))"
        }.joined(separator: " OR ")
    }

    /// A field of a row that stands; NULL where the row table does not have it yet.
    func standing(_ field: Field, of current: String) -> SQL {
        if let released, released.field(field.name) == nil { return "NULL::\(raw: field.type.castType)" }
        return "\(raw: current).\(identifier: field.name)"
    }
}

extension RowTable {
    /// Makes the table without its indexes: rows are loaded first, which is much faster.
    var create: SQL {
        let columns = schema.fields.map { column($0) }.joined(separator: ", ")
        return "CREATE TABLE \(table) (_since integer NOT NULL, _until integer, \(columns))"
    }

    /// The indexes: one row per key among the current ones, the history of a key, what began and ended with a version, and what the schema declares.
    var createIndexes: [SQL] {
        let key = Self.columns(schema.primaryKey)
        var statements: [SQL] = [
            "CREATE UNIQUE INDEX IF NOT EXISTS \(identifier: keyIndex) ON \(table) (\(key)) WHERE _until IS NULL",
            "CREATE INDEX IF NOT EXISTS \(identifier: "d\(number)_history") ON \(table) (\(key)) WHERE _until IS NOT NULL",
            "CREATE INDEX IF NOT EXISTS \(identifier: "d\(number)_begun") ON \(table) (_since) WHERE _since > 1",
            "CREATE INDEX IF NOT EXISTS \(identifier: "d\(number)_ended") ON \(table) (_until) WHERE _until IS NOT NULL",
        ]
        for fields in schema.indexes where !fields.isEmpty && fields != schema.primaryKey {
            statements.append(
                "CREATE INDEX IF NOT EXISTS \(identifier: indexName(fields)) ON \(table) (\(Self.columns(fields))) WHERE _until IS NULL")
        }
        return statements
    }

    /// What has to be added to a table made for `old`.
    func additions(since old: TableSchema) -> [SQL] {
        schema.fields.filter { old.field($0.name) == nil }.map { "ALTER TABLE \(table) ADD COLUMN \(column($0))" }
    }

    /// What has to be added to a table that has some columns.
    func additions(beside columns: Set<String>) -> [SQL] {
        schema.fields.filter { !columns.contains($0.name) }.map { "ALTER TABLE \(table) ADD COLUMN \(column($0))" }
    }

    /// A table for rows that come from another node, for as long as the transaction lasts; `_line` is there because staging tables have it.
    var createArrived: SQL {
        let columns = schema.fields.map { column($0) }.joined(separator: ", ")
        return "CREATE TEMP TABLE arrived (_line bigint NOT NULL DEFAULT 0, \(columns)) ON COMMIT DROP"
    }

    /// The staging table: unlogged, because it can be sent again; `_line` is where the record starts in the file.
    ///
    /// - Parameter keepsRecords: whether the record's text is kept beside its values, for rows that later checks refuse.
    func createStaging(_ push: String, keepsRecords: Bool) -> SQL {
        let columns = schema.fields.map { column($0) }.joined(separator: ", ")
        let record: SQL = keepsRecords ? ", _record text" : ""
        return "CREATE UNLOGGED TABLE \(Self.staging(push)) (_line bigint NOT NULL, \(columns)\(record))"
    }

    /// Makes the view anew and lets the reader read it.
    var createView: [SQL] {
        let columns = schema.publicFields.map { Self.shown($0) }.joined(separator: ", ")
        return [
            "DROP VIEW IF EXISTS \(view)",
            "CREATE VIEW \(view) AS SELECT \(columns), _since, _until FROM \(table)",
            "GRANT SELECT ON \(view) TO daylight_reader",
        ]
    }

    /// A field's column as everybody may see it, under its own name.
    private static func shown(_ field: Field) -> SQL {
        guard let mask = field.mask else { return "\(identifier: field.name)" }
        return "\(mask.expression(over: "\(identifier: field.name)")) AS \(identifier: field.name)"
    }

    private func column(_ field: Field) -> SQL {
        let isKey = schema.primaryKey.contains(field.name)
        let constraint: SQL = !isKey ? "" : field.type.isTextual ? " NOT NULL DEFAULT ''" : " NOT NULL"
        return "\(identifier: field.name) \(raw: field.type.columnType)\(constraint)"
    }

    /// Index names come from the fields, so that a second schema with the same index finds it.
    private func indexName(_ fields: [String]) -> String { "d\(number)_\(Self.hash(fields.joined(separator: ",")))" }

    /// FNV-1a in hexadecimal digits.
    static func hash(_ text: String) -> String {
        String(text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }, radix: 16)
    }
}

extension FieldType {
    /// The type of a row table's column.
    var columnType: String {
        switch self {
        case .text, .code, .period, .geoPoint: "text COLLATE \"C\""
        case .integer: "bigint"
        case .decimal(let precision, let scale): "numeric(\(precision),\(scale))"
        case .boolean: "boolean"
        case .date: "date"
        case .datetime: "timestamptz"
        case .json: "jsonb"
        }
    }

    /// The type's name in a cast.
    var castType: String { isTextual ? "text" : columnType }
}

extension Mask {
    /// The mask in SQL; the same as `Mask.apply`, and tests hold the two against each other.
    ///
    /// - Parameter value: an expression of type text.
    func expression(over value: SQL) -> SQL {
        switch self {
        case .name:
            let kept: SQL = "CASE WHEN length(\(value)) > 3 THEN 2 WHEN length(\(value)) > 1 THEN 1 ELSE 0 END"
            return "left(\(value), \(kept)) || repeat('*', length(\(value)) - \(kept))"
        case .lastFour:
            return "CASE WHEN length(\(value)) > 4 THEN repeat('*', length(\(value)) - 4) || right(\(value), 4) ELSE repeat('*', length(\(value))) END"
        case .phone:
            return """
                CASE WHEN length(\(value)) > 7 THEN left(\(value), 3) || repeat('*', length(\(value)) - 7) || right(\(value), 4) \
                ELSE repeat('*', length(\(value))) END
                """
        case .divisionOnly:
            return "left(\(value), 6) || repeat('*', length(\(value)) - 6)"
        }
    }
}
