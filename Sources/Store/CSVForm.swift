internal import Model
internal import NIOCore
internal import Postgres

/// How rows become the text of a CSV: header, columns, and what is finished while the bytes pass.
struct CSVForm: Sendable {
    let fields: [Field]
    let dialect: CSVDialect
    let finisher: CSVFinisher

    init(fields: [Field], dialect: CSVDialect = CSVDialect()) {
        self.fields = fields
        self.dialect = dialect
        finisher = CSVFinisher(
            fields.map { $0.type == .datetime ? .datetime : $0.type == .boolean ? .boolean : .asPrinted }, carriageReturns: dialect.excel)
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
    var columns: SQL { fields.map { column($0, "\(identifier: $0.name)") }.joined(separator: ", ") }

    /// The select list over a relation that holds values as they are.
    var maskedColumns: SQL {
        fields.map { field in
            let name: SQL = "\(identifier: field.name)"
            return column(field, field.mask.map { $0.expression(over: name) } ?? name)
        }.joined(separator: ", ")
    }

    private func column(_ field: Field, _ value: SQL) -> SQL {
        guard dialect.formulaGuard, field.type.isTextual else { return value }
        // The characters that OWASP names for CSV injection; numbers are never touched, they may begin with a minus sign.
        return "CASE WHEN left(\(value), 1) IN ('=', '+', '-', '@', E'\\t', E'\\r', '＝', '＋', '－', '＠') THEN '''' || \(value) ELSE \(value) END"
    }

    /// `COPY` of a query that selects this form's columns.
    func copy(_ query: SQL) -> SQL { "COPY (\(query)) TO STDOUT (FORMAT csv)" }

    /// Sends header and rows of a `COPY`; the header only once the first rows are there, so that a failure comes before the first byte.
    func send(_ rows: CopyOut, to handoff: Handoff) async throws {
        var header: ByteBuffer? = self.header
        for try await chunk in rows {
            var finished = finisher.finish(chunk)
            if var first = header {
                first.writeBuffer(&finished)
                finished = first
                header = nil
            }
            try await handoff.send(finished)
        }
        if let header { try await handoff.send(header) }
    }
}
