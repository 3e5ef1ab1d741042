import Model
import Postgres

extension Staging {
    /// F215: values that the code list does not hold, or did not hold at the row's time.
    func checkCodes(_ field: Field, list: String, severity: Check.Severity?, when condition: Check.Condition?) async throws {
        let value: SQL = "s.\(identifier: field.name)"
        try await collect(
            .notInCodeList, severity, field: field.name, value: shown(field.name), ["\(list, as: .text)"],
            """
            FROM \(table) s WHERE \(isPresent(field)) AND \(applies(condition)) AND NOT EXISTS (
                SELECT FROM daylight.code c WHERE c.list = \(list) AND c.code = \(value)::text AND \(isValid("c", at: "s")))
            """)
    }

    /// Whether a code was valid at some moment of the time that the row is about. Codes of a list change from year to year, and a row about 2014 may
    /// carry one that was abolished since; rows without a time may carry any code that the list ever held.
    private func isValid(_ code: String, at alias: String) -> SQL {
        guard let name = rows.schema.timeField, let field = rows.schema.field(name) else { return "true" }
        let time: SQL = "\(raw: alias).\(identifier: name)"
        let first: SQL
        let last: SQL
        switch field.type {
        case .date: (first, last) = (time, time)
        case .datetime: (first, last) = ("\(time)::date", "\(time)::date")
        case .integer:
            (first, last) = ("make_date(greatest(least(\(time), 9999), 1)::integer, 1, 1)", "make_date(greatest(least(\(time), 9999), 1)::integer, 12, 31)")
        case .period:
            // YYYY, YYYY-MM or YYYY-Qn, whose spelling was checked in the stream.
            first = """
                make_date(left(\(time), 4)::integer, CASE WHEN substr(\(time), 6, 1) = 'Q' THEN substr(\(time), 7, 1)::integer * 3 - 2 \
                WHEN length(\(time)) = 7 THEN substr(\(time), 6, 2)::integer ELSE 1 END, 1)
                """
            last = """
                (\(first) + CASE WHEN substr(\(time), 6, 1) = 'Q' THEN interval '3 months' WHEN length(\(time)) = 7 THEN interval '1 month' \
                ELSE interval '1 year' END - interval '1 day')::date
                """
        default: return "true"
        }
        let missing: SQL = field.type == .period ? "coalesce(\(time), '') = ''" : "\(time) IS NULL"
        return "CASE WHEN \(missing) THEN true ELSE \(raw: code).valid_from <= \(last) AND coalesce(\(raw: code).valid_to, 'infinity') >= \(first) END"
    }

    /// F403: values that the current rows of another dataset, or of this one with the push applied, do not hold.
    func checkForeignKey(_ check: Check) async throws {
        guard let dataset = check.dataset, let names = check.fields ?? check.field.map({ [$0] }) else { return }
        let fields = names.compactMap { rows.schema.field($0) }
        let references = check.references ?? names
        guard fields.count == names.count, references.count == fields.count else { return }
        let present = fields.map { isPresent($0) }.joined(separator: " AND ")
        let other = try await PushTarget.read(connection, dataset)
        var exists: [SQL] = []
        if dataset == target.dataset {
            exists.append("SELECT FROM \(table) r WHERE \(Self.matches(fields, references, in: rows.schema))")
            if mode != .replace, hasCurrent, references.allSatisfy({ target.currentSchema?.field($0) != nil }) {
                exists.append("SELECT FROM \(current) r WHERE r._until IS NULL AND \(Self.matches(fields, references, in: rows.schema))")
            }
        } else if let other, other.currentVersion != nil, references.allSatisfy({ other.schema.field($0) != nil }) {
            let table = RowTable(number: other.number, schema: other.schema).table
            exists.append("SELECT FROM \(table) r WHERE r._until IS NULL AND \(Self.matches(fields, references, in: other.schema))")
        }
        let missing: SQL = exists.isEmpty ? "true" : exists.map { "NOT EXISTS (\($0))" as SQL }.joined(separator: " AND ")
        try await collect(
            .foreignKey, check.severity, field: names.joined(separator: ","), value: joined(names), ["\(dataset, as: .text)"],
            "FROM \(table) s WHERE \(present) AND \(applies(check.when)) AND \(missing)")
    }

    /// Types may differ between datasets; then the spellings are compared.
    private static func matches(_ fields: [Field], _ references: [String], in schema: TableSchema) -> SQL {
        zip(fields, references).map { field, reference in
            let cast: SQL = schema.field(reference)?.type.columnType == field.type.columnType ? "" : "::text"
            return "r.\(identifier: reference)\(cast) = s.\(identifier: field.name)\(cast)"
        }.joined(separator: " AND ")
    }

    /// F407: the same values in two rows; missing values are never the same.
    func checkUnique(_ check: Check) async throws {
        guard let names = check.fields ?? check.field.map({ [$0] }) else { return }
        let fields = names.compactMap { rows.schema.field($0) }
        guard !fields.isEmpty, fields.count == names.count else { return }
        let columns = RowTable.columns(names)
        let present = fields.map { isPresent($0) }.joined(separator: " AND ")
        let label = names.joined(separator: ",")
        try await collect(
            .notUnique, check.severity, field: label, value: joined(names), ["\(label, as: .text)", "s._first_line::text"],
            """
            FROM (SELECT s.ctid, s.*, row_number() OVER same AS _place, first_value(s._line) OVER same AS _first_line FROM \(table) s
                  WHERE \(present) AND \(applies(check.when)) WINDOW same AS (PARTITION BY \(columns) ORDER BY s.ctid)) AS s
            WHERE s._place > 1
            """)
        guard mode != .replace, let standing = target.currentSchema, (names + [check.when?.field].compactMap(\.self)).allSatisfy({ standing.field($0) != nil })
        else { return }
        let same = names.map { "c.\(identifier: $0) = s.\(identifier: $0)" as SQL }.joined(separator: " AND ")
        try await collect(
            .notUnique, check.severity, field: label, value: joined(names), ["\(label, as: .text)", "'—'"],
            """
            FROM \(table) s WHERE \(present) AND \(applies(check.when)) AND EXISTS (
                SELECT FROM \(current) c WHERE c._until IS NULL AND \(same) AND \(applies(check.when, to: "c"))
                AND NOT EXISTS (SELECT FROM \(table) o WHERE \(rows.sameKey("o", "c"))))
            """)
    }

    /// F406: a time earlier than that of the row before, within its group.
    func checkMonotone(_ check: Check) async throws {
        guard let name = check.field ?? rows.schema.timeField, rows.schema.field(name) != nil else { return }
        let groups = (check.groupBy ?? []).filter { rows.schema.field($0) != nil }
        let partition: SQL = groups.isEmpty ? "" : "PARTITION BY \(RowTable.columns(groups)) "
        let time: SQL = "s.\(identifier: name)"
        try await collect(
            .notMonotone, check.severity, field: name, value: shown(name), ["s._earlier_line::text"],
            """
            FROM (SELECT s.ctid, s.*, lag(\(time)) OVER before AS _earlier, lag(s._line) OVER before AS _earlier_line FROM \(table) s
                  WHERE \(time) IS NOT NULL AND \(applies(check.when)) WINDOW before AS (\(partition)ORDER BY s.ctid)) AS s
            WHERE \(time) < s._earlier
            """)
    }

    /// F402: keys that stand already, where rows can only be added.
    func checkAppended() async throws {
        try await collect(
            .keyExists, .error, field: rows.schema.primaryKey.count == 1 ? rows.schema.primaryKey[0] : nil, [keyText("s")],
            "FROM \(table) s WHERE EXISTS (SELECT FROM \(current) c WHERE c._until IS NULL AND \(rows.sameKey("s", "c")))")
    }

    /// F210: values that an index could not hold: a B-tree entry has to fit a third of a page (PostgreSQL manual, 67.4).
    func checkIndexWidth() async throws {
        for names in [rows.schema.primaryKey] + rows.schema.indexes {
            let open = names.compactMap { rows.schema.field($0) }.filter { $0.type.isTextual && ($0.maxLength ?? .max) > 200 && $0.values == nil }
            if open.isEmpty { continue }
            let width = open.map { "octet_length(coalesce(s.\(identifier: $0.name), ''))" as SQL }.joined(separator: " + ")
            try await collect(
                .tooLong, .error, field: open.map(\.name).joined(separator: ","), ["'800'"], "FROM \(table) s WHERE \(width) > \(Int32(Self.indexWidth))")
        }
    }

    private static let indexWidth = 2400

    private func joined(_ names: [String]) -> SQL {
        if names.count == 1 { return shown(names[0]) }
        return "concat_ws(',', \(names.map { "coalesce(\(shown($0)), '…')" as SQL }.joined(separator: ", ")))"
    }
}
