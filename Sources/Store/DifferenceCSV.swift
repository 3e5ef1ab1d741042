internal import Model
internal import NIOCore
internal import Postgres

/// How a difference becomes the text of a CSV: one record for each row that differs, old and new values side by side. docs/differences.md lays down the columns.
///
/// The header says all that is needed to make the newer version's canonical CSV from the older one's: the fields in their order, which of them are new, and the key with
/// its order.
struct DifferenceCSV: Sendable {
    private struct Column {
        let name: String
        let type: FieldType
        let value: SQL
    }

    private let columns: [Column]
    private let finisher: CSVFinisher
    private let dialect: CSVDialect
    /// The key as it is, where what is shown of it is guarded.
    private let unseen: [String]
    private let keyPlaces: [Int]

    init(_ read: DifferenceRead, dialect: CSVDialect) {
        let key = read.key.map(\.name)
        let shown = Set(read.fields.map(\.name))
        var columns = [Column(name: "_change", type: .text, value: DifferenceRead.change)]
        var places = [Int](repeating: 0, count: key.count)
        let isGuarded = dialect.formulaGuard && read.key.contains { $0.type.isTextual }
        for field in read.to.schema.publicFields {
            let name: SQL = "\(identifier: field.name)"
            if let place = key.firstIndex(of: field.name) {
                places[place] = columns.count
                let suffix = field.type.isNumber ? ".number" : ""
                columns.append(Column(name: "\(field.name).key\(place + 1)\(suffix)", type: field.type, value: name))
            } else if shown.contains(field.name) {
                // What a changed row kept is left out, so that what changed can be seen.
                let isKept: SQL = "o._match IS NOT NULL AND n._match IS NOT NULL AND o.\(name) IS NOT DISTINCT FROM n.\(name)"
                if !read.isNew(field) {
                    columns.append(Column(name: field.name + ".old", type: field.type, value: "CASE WHEN \(isKept) THEN NULL ELSE o.\(name) END"))
                }
                columns.append(Column(name: field.name + ".new", type: field.type, value: "CASE WHEN \(isKept) THEN NULL ELSE n.\(name) END"))
            }
        }
        self.columns = columns
        self.dialect = dialect
        unseen = isGuarded ? key : []
        keyPlaces = isGuarded ? key.indices.map { columns.count + $0 } : places
        finisher = CSVFinisher(
            columns.map { $0.type == .datetime ? .datetime : $0.type == .boolean ? .boolean : .asPrinted }, carriageReturns: dialect.excel,
            cutsBehind: isGuarded ? columns.count : nil)
    }

    /// The first line; nothing in it needs quotes.
    var header: ByteBuffer {
        var header = ByteBuffer()
        if dialect.excel { header.writeString("\u{FEFF}") }
        header.writeString(columns.map(\.name).joined(separator: ","))
        header.writeString(dialect.excel ? "\r\n" : "\n")
        return header
    }

    /// `COPY` of the rows, in the order of the key.
    func copy(_ read: DifferenceRead) -> SQL {
        let values = columns.map { column -> SQL in
            dialect.formulaGuard && column.type.isTextual ? "\(CSVForm.guarded(column.value)) AS _" : column.value
        }
        let all = (values + unseen.map { "\(identifier: $0)" as SQL }).joined(separator: ", ")
        return "COPY (SELECT \(all) \(read.source) ORDER BY \(read.to.keyOrder.sql)) TO STDOUT (FORMAT csv)"
    }

    func send(_ rows: CopyOut, to handoff: Handoff, _ mark: StreamMark) async throws {
        try await finisher.send(rows, to: handoff) { chunk in mark.set { lastKey(in: chunk) } }
    }

    private func lastKey(in chunk: ByteBuffer) -> [String?] {
        let values = CSVTail.lastRecord(of: chunk)
        return keyPlaces.map { $0 < values.count ? values[$0] : nil }
    }
}
