internal import Model
public import NIOCore
internal import Postgres

/// What a difference comes to: how many rows, how many in each field, and by how much in each field that holds numbers.
public struct DifferenceSummary: Sendable {
    let rows: RowSet
    let read: DifferenceRead

    /// Appends `{"added":…,"changed":…,"fields":[{"field":…,"changed":…,"old":…,"new":…,"change":…}],"removed":…}`. Sums are exact.
    public func writeJSON(into buffer: inout ByteBuffer) {
        func put(_ name: StaticString, _ column: Int) {
            buffer.writeStaticString(name)
            if let value = rows.bytes(0, column) { buffer.writeBytes(value) } else { buffer.writeStaticString("null") }
        }
        put("{\"added\":", 0)
        put(",\"changed\":", 2)
        buffer.writeStaticString(",\"fields\":[")
        var column = 3
        for (place, field) in read.fields.enumerated() {
            buffer.writeString("\(place > 0 ? "," : "")\(field.type.isNumber ? "{\"change\":" : "{")")
            if field.type.isNumber {
                put("", column + 3)
                buffer.writeStaticString(",")
            }
            put("\"changed\":", column)
            buffer.writeString(",\"field\":\"\(field.name)\"")
            if field.type.isNumber {
                put(",\"new\":", column + 2)
                put(",\"old\":", column + 1)
                column += 3
            }
            column += 1
            buffer.writeStaticString("}")
        }
        put("],\"removed\":", 1)
        buffer.writeStaticString("}")
    }
}

extension DifferenceRead {
    /// Counts of rows added, removed, changed; then for each field how many rows changed in it, and for numbers the sums of old and new values and their difference.
    ///
    /// Where there is a condition, only states that meet it are added up: so the difference of the sums is by how much the sum over all rows that meet the condition has changed.
    var summary: SQL {
        let isChange: SQL = "o._match IS NOT NULL AND n._match IS NOT NULL"
        var columns: [SQL] = [
            "count(*) FILTER (WHERE o._match IS NULL)", "count(*) FILTER (WHERE n._match IS NULL)", "count(*) FILTER (WHERE \(isChange))",
        ]
        for field in fields {
            let name: SQL = "\(identifier: field.name)"
            columns.append("count(*) FILTER (WHERE \(isChange) AND o.\(name) IS DISTINCT FROM n.\(name))")
            guard field.type.isNumber else { continue }
            let old: SQL = "coalesce(sum(o.\(name)) FILTER (WHERE o._match), 0)", new: SQL = "coalesce(sum(n.\(name)) FILTER (WHERE n._match), 0)"
            columns += [old, new, "\(new) - \(old)"]
        }
        return "SELECT \(columns.joined(separator: ", ")) \(source)"
    }
}

extension FieldType {
    /// Whether values are quantities that can be added up.
    var isNumber: Bool {
        switch self {
        case .integer, .decimal: true
        case .text, .code, .boolean, .date, .datetime, .period, .geoPoint, .json: false
        }
    }
}
