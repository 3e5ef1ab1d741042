internal import CXlsxWriter
internal import Glibc
internal import Model

/// An Excel workbook of one sheet (ECMA-376), written row by row in constant memory; made on one thread.
///
/// Text is written as text, so that nothing becomes a formula, and dates and times as they are spelled in CSV, so that no clock shifts them. A number of more than
/// fifteen digits, which Excel would round, is text as well.
final class Workbook {
    /// Rows of a sheet, the header among them.
    static let rowLimit = Int(LXW_ROW_MAX)
    /// Characters of a cell.
    static let cellLimit = 32_767
    /// Digits that Excel keeps of a number.
    private static let digitLimit = 15

    private enum Kind {
        case text
        case boolean
        case number(UnsafeMutablePointer<lxw_format>?)
    }

    private let book: UnsafeMutablePointer<lxw_workbook>
    private let sheet: UnsafeMutablePointer<lxw_worksheet>
    private let fields: [Field]
    private let kinds: [Kind]
    private var row: UInt32 = 0
    private var cell: [CChar] = []
    private var isClosed = false

    /// - Parameters:
    ///   - path: where it is written; what is there is overwritten.
    ///   - directory: where the library keeps what it has not put together yet.
    ///   - created: the time that the file says it was made at, so that one version always has the same bytes.
    /// - Throws: `SnapshotError.unwritable`.
    init(path: String, directory: String, fields: [Field], created: Timestamp) throws {
        let book: UnsafeMutablePointer<lxw_workbook>? = directory.withCString { directory in
            var options = lxw_workbook_options()
            options.constant_memory = 1
            options.use_zip64 = 1
            options.tmpdir = UnsafeMutablePointer(mutating: directory)
            return workbook_new_opt(path, &options)
        }
        guard let book, let sheet = workbook_add_worksheet(book, "data") else { throw SnapshotError.unwritable(errno: errno) }
        self.book = book
        self.sheet = sheet
        self.fields = fields
        var properties = lxw_doc_properties()
        properties.created = time_t(created.microseconds / 1_000_000)
        workbook_set_properties(book, &properties)
        kinds = fields.map { field in
            switch field.type {
            // A masked number is no number any more.
            case .integer where field.mask == nil: return .number(Self.format(book, "0"))
            case .decimal(_, let scale) where field.mask == nil: return .number(Self.format(book, scale == 0 ? "0" : "0." + String(repeating: "0", count: scale)))
            case .boolean: return .boolean
            default: return .text
            }
        }
        for (column, field) in fields.enumerated() { worksheet_write_string(sheet, 0, UInt16(column), field.name, nil) }
    }

    private static func format(_ book: UnsafeMutablePointer<lxw_workbook>, _ text: String) -> UnsafeMutablePointer<lxw_format>? {
        let format = workbook_add_format(book)
        format_set_num_format(format, text)
        return format
    }

    deinit {
        if !isClosed { workbook_close(book) }
    }

    /// Has text that looks like an escape, such as `_x0041_`, read as it stands (ECMA-376-1 section 22.9.2.19).
    private func escapeLookalikes() {
        func isHexadecimal(_ byte: CChar) -> Bool { byte > 0 && Character(Unicode.Scalar(UInt8(byte))).isHexDigit }
        let low = CChar(bitPattern: UInt8(ascii: "_")), x = CChar(bitPattern: UInt8(ascii: "x"))
        var place = 0
        while place + 6 < cell.count {
            if cell[place] == low, cell[place + 1] == x, cell[place + 6] == low, cell[place + 2..<place + 6].allSatisfy(isHexadecimal) {
                cell.insert(contentsOf: "_x005F".utf8.map { CChar(bitPattern: $0) }, at: place)
                place += 6
            }
            place += 1
        }
    }

    /// Goes to the next row.
    func nextRow() { row += 1 }

    /// Writes a value of the canonical CSV; an empty one leaves the cell empty.
    ///
    /// - Throws: a `Problem` for text that is longer than a cell, `SnapshotError.unwritable`.
    func write(_ bytes: UnsafeRawBufferPointer, column: Int) throws {
        guard !bytes.isEmpty else { return }
        cell.removeAll(keepingCapacity: true)
        for byte in bytes { cell.append(CChar(bitPattern: byte)) }
        cell.append(0)
        let place = UInt16(column)
        let status: lxw_error
        switch kinds[column] {
        case .boolean: status = worksheet_write_boolean(sheet, row, place, bytes[0] == UInt8(ascii: "t") ? 1 : 0, nil)
        case .number(let format) where Self.significantDigits(bytes) <= Self.digitLimit: status = worksheet_write_number(sheet, row, place, strtod(cell, nil), format)
        default:
            escapeLookalikes()
            status = worksheet_write_string(sheet, row, place, cell, nil)
        }
        switch status {
        case LXW_NO_ERROR: return
        case LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED:
            let name = fields[column].name
            throw Problem(
                .formatUnsuitable, zh: "第 \(row) 行的 \(name) 超过 Excel 单元格的 \(Self.cellLimit) 个字符；请下载 CSV",
                en: "\(name) of row \(row) has more than the \(Self.cellLimit) characters of an Excel cell; take the CSV")
        default: throw SnapshotError.unwritable(errno: errno)
        }
    }

    /// Digits between the first and the last that is not 0.
    private static func significantDigits(_ bytes: UnsafeRawBufferPointer) -> Int {
        var (count, zeros) = (0, 0)
        for byte in bytes where (0x30...0x39).contains(byte) {
            if byte == 0x30 {
                if count > 0 { zeros += 1 }
            } else {
                count += zeros + 1
                zeros = 0
            }
        }
        return count
    }

    /// Puts the file together.
    func close() throws {
        isClosed = true
        guard workbook_close(book) == LXW_NO_ERROR else { throw SnapshotError.unwritable(errno: errno) }
    }
}
