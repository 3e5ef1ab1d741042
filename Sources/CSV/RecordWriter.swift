/// How a CSV is written.
public struct WriterOptions: Sendable, Equatable {
    /// Whether the output begins with a UTF-8 byte order mark.
    public var byteOrderMark: Bool
    /// Whether lines end in CRLF; otherwise LF.
    public var crlf: Bool
    /// For each column whether its values are text that gets a `'` in front where a spreadsheet would take it for a
    /// formula. Columns of numbers and dates must not be guarded: a minus sign belongs to them. Empty: none is.
    public var guardedColumns: [Bool]

    public init(byteOrderMark: Bool = false, crlf: Bool = false, guardedColumns: [Bool] = []) {
        self.byteOrderMark = byteOrderMark
        self.crlf = crlf
        self.guardedColumns = guardedColumns
    }

    /// The canonical form, which digests are made of: UTF-8, no mark, LF.
    public static let canonical = WriterOptions()
    /// What spreadsheets read without questions: a byte order mark and CRLF.
    public static let excel = WriterOptions(byteOrderMark: true, crlf: true)
}

/// Writes records field by field; with canonical options exactly as PostgreSQL's `COPY … (FORMAT csv)` does.
///
/// Take what has been written from ``sink`` at any time and empty it with ``ByteSink/removeAll()``.
public struct RecordWriter: ~Copyable, Sendable {
    /// What has been written.
    public var sink: ByteSink
    private let columns: Int
    private let options: WriterOptions
    private var column = 0

    /// Makes a writer; with a byte order mark it is written at once.
    ///
    /// - Parameters:
    ///   - columns: number of fields of each record, at least 1.
    ///   - options: the form of the output.
    ///   - capacity: bytes to reserve.
    public init(columns: Int, options: WriterOptions = .canonical, capacity: Int = 64 * 1024) {
        precondition(columns > 0)
        self.columns = columns
        self.options = options
        sink = ByteSink(capacity: capacity)
        if options.byteOrderMark { sink.append(contentsOf: [0xEF, 0xBB, 0xBF]) }
    }

    /// Writes the next field; after the last of a record the line end follows.
    ///
    /// - Parameter bytes: the content, UTF-8. Empty means the empty string, not null.
    public mutating func field(_ bytes: UnsafeRawBufferPointer) {
        separate()
        let guarded = column < options.guardedColumns.count && options.guardedColumns[column]
        sink.append(field: bytes, alone: columns == 1, guarded: guarded)
        advance()
    }

    /// Writes the next field from a string.
    public mutating func field(_ text: String) {
        var text = text
        text.withUTF8 { field(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a null: nothing between the commas.
    public mutating func null() {
        separate()
        advance()
    }

    /// Writes the header: the names, never guarded.
    public mutating func header(_ names: [String]) {
        precondition(names.count == columns && column == 0)
        for name in names {
            separate()
            var name = name
            name.withUTF8 { sink.append(field: UnsafeRawBufferPointer($0), alone: columns == 1) }
            advance()
        }
    }

    @inline(__always)
    private mutating func separate() {
        if column > 0 { sink.append(Byte.comma) }
    }

    @inline(__always)
    private mutating func advance() {
        column += 1
        guard column == columns else { return }
        column = 0
        if options.crlf { sink.append(Byte.carriageReturn) }
        sink.append(Byte.lineFeed)
    }
}
