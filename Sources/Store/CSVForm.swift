internal import Model
internal import NIOCore
internal import Postgres

/// How rows become the text of a CSV: header, columns, and what is finished while the bytes pass.
struct CSVForm: Sendable {
    let fields: [Field]
    let dialect: CSVDialect
    let finisher: CSVFinisher
    /// Columns that are read for the order alone, behind the fields, and never sent.
    private let unseen: [String]
    /// For each column of the order, where it stands in a record.
    private let orderPlaces: [Int]

    init(fields: [Field]) { self.init(fields: fields, dialect: CSVDialect(), unseen: [], orderPlaces: []) }

    /// The form of a question's rows, which can tell by which values to go on behind its last row.
    init(_ read: PageRead, dialect: CSVDialect) {
        var unseen: [String] = []
        let places = read.order.columns.map { column in
            // A guarded value is not the one that the order goes by.
            if !(dialect.formulaGuard && column.type.isTextual), let place = read.fields.firstIndex(where: { $0.name == column.name }) { return place }
            unseen.append(column.name)
            return read.fields.count + unseen.count - 1
        }
        self.init(fields: read.fields, dialect: dialect, unseen: unseen, orderPlaces: places)
    }

    private init(fields: [Field], dialect: CSVDialect, unseen: [String], orderPlaces: [Int]) {
        self.fields = fields
        self.dialect = dialect
        self.unseen = unseen
        self.orderPlaces = orderPlaces
        finisher = CSVFinisher(
            fields.map { $0.type == .datetime ? .datetime : $0.type == .boolean ? .boolean : .asPrinted }, carriageReturns: dialect.excel,
            cutsBehind: unseen.isEmpty ? nil : fields.count)
    }

    /// The order's values of the last row of a chunk that PostgreSQL printed.
    func orderValues(ofLastIn chunk: ByteBuffer) -> [String?] {
        let values = CSVTail.lastRecord(of: chunk)
        return orderPlaces.map { $0 < values.count ? values[$0] : nil }
    }

    /// The first line: field names, which never need quotes.
    var header: ByteBuffer {
        var header = ByteBuffer()
        if dialect.excel { header.writeString("\u{FEFF}") }
        header.writeString(fields.map(\.name).joined(separator: ","))
        header.writeString(dialect.excel ? "\r\n" : "\n")
        return header
    }

    /// The select list over a relation that shows values as everybody may see them.
    var columns: SQL { (fields.map { column($0, "\(identifier: $0.name)") } + unseen.map { "\(identifier: $0)" }).joined(separator: ", ") }

    /// The select list over a relation that holds values as they are.
    var maskedColumns: SQL {
        fields.map { field in
            let name: SQL = "\(identifier: field.name)"
            return column(field, field.mask.map { $0.expression(over: name) } ?? name)
        }.joined(separator: ", ")
    }

    private func column(_ field: Field, _ value: SQL) -> SQL {
        // PostgreSQL would name the result like the column, and so the order would be that of guarded values.
        dialect.formulaGuard && field.type.isTextual ? "\(Self.guarded(value)) AS _" : value
    }

    /// Text that a spreadsheet does not take for a formula.
    static func guarded(_ value: SQL) -> SQL {
        // The characters that OWASP names for CSV injection; numbers are never touched, they may begin with a minus sign.
        "CASE WHEN left(\(value), 1) IN ('=', '+', '-', '@', E'\\t', E'\\r', '＝', '＋', '－', '＠') THEN '''' || \(value) ELSE \(value) END"
    }

    /// `COPY` of a query that selects this form's columns.
    func copy(_ query: SQL) -> SQL { "COPY (\(query)) TO STDOUT (FORMAT csv)" }

    /// Sends the rows of a `COPY`.
    ///
    /// - Parameter noting: gets each chunk as PostgreSQL printed it, before it is sent.
    func send(_ rows: CopyOut, to handoff: Handoff, noting: (ByteBuffer) -> Void = { _ in }) async throws {
        try await finisher.send(rows, to: handoff, noting: noting)
    }
}

extension CSVFinisher {
    /// Sends the finished rows of a `COPY`.
    func send(_ rows: CopyOut, to handoff: Handoff, noting: (ByteBuffer) -> Void) async throws {
        for try await chunk in rows {
            noting(chunk)
            try await handoff.send(finish(chunk))
        }
    }
}
