import CSV
import Model
import NIOCore
import Profiles
import Store

/// Turns a push's body into checked rows in PostgreSQL's COPY text format, chunk by chunk, in memory that does not grow with the body.
///
/// ```swift
/// let intake = try Intake(settings)
/// for try await chunk in body {
///     guard intake.take(chunk) else { break }
///     if let rows = intake.takeRows() { try await writer.write(rows) }
/// }
/// intake.finish()
/// ```
/// Confined to one task.
final class Intake {
    struct Settings: Sendable {
        var schema: TableSchema
        var mapping: Mapping?
        /// The charset by its IANA name as the request says it; it wins over the mapping's.
        var charset: String?
        /// Whether the body is gzip.
        var isCompressed = false
        /// Whether each row ends with the text of its record (column `_record`), and bad records are given out.
        var keepsRecords = false
        /// Findings that are given out at most; all are counted.
        var findingLimit = 10_000
    }

    /// Records read without the header, rows given out, records left out.
    private(set) var recordCount = 0
    private(set) var rowCount = 0
    private(set) var rejectedCount = 0
    /// How often each code was found.
    var counts: [FindingCount] { tally.map { FindingCount(code: $0.key.code, severity: $0.key.severity, count: $0.value) } }
    /// Whether every row's key was greater than that of the row before, in the order of PostgreSQL's "C" collation: then no key repeats.
    private(set) var isInKeyOrder = false
    /// SHA-256 (64 hexadecimal digits) and length in bytes of the rows' canonical CSV, where it could be made in the stream; known after `finish()`.
    private(set) var canonical: (digest: String, bytes: Int)?

    private struct Tallied: Hashable {
        var code: FindingCode
        var severity: Check.Severity
    }

    private let settings: Settings
    private var decoder: CharsetDecoder
    private var inflater = Inflater()
    private var reader: RecordReader
    private var columns: [Int?] = []
    private let checks: [ValueCheck]
    private var row = Row()
    private var output = ByteBuffer()
    private var findings: [Finding] = []
    private var rejected: [RejectedRecord] = []
    private var tally: [Tallied: Int] = [:]
    private var given = 0
    private var isStopped = false
    /// Whether something was found that no leaving out of records could mend; nothing was read after it.
    var isFatal: Bool { isStopped }

    /// - Throws: `Problem` where the charset is not known.
    init(_ settings: Settings) throws {
        self.settings = settings
        let charset = settings.charset ?? settings.mapping?.charset ?? "UTF-8"
        do {
            decoder = try CharsetDecoder(charset: charset)
        } catch {
            throw Problem(.unsupportedCharset, zh: "不支持字符集 \(charset)", en: "the charset \(charset) is not supported")
        }
        let delimiter = settings.mapping?.delimiter?.utf8.first.flatMap { Dialect.Delimiter(rawValue: $0) }
        reader = RecordReader(dialect: Dialect(delimiter: delimiter), fieldCount: .asFirstRecord)
        checks = settings.schema.fields.map { ValueCheck($0, defaultOffset: 480) }
    }

    /// Takes the next bytes of the body as they came.
    ///
    /// - Returns: false where nothing sensible can follow: wrong charset, broken compression, a header without the required fields.
    func take(_ chunk: ByteBuffer) -> Bool {
        chunk.withUnsafeReadableBytes { bytes in
            if settings.isCompressed { inflate(bytes) } else { decode(bytes, final: false) }
        }
        return !isStopped
    }

    /// Ends the body.
    func finish() {
        if isStopped { return }
        if settings.isCompressed {
            do { try inflater.finish() } catch { return stop(Finding(.corruptCompression, line: nil)) }
        }
        decode(UnsafeRawBufferPointer(start: nil, count: 0), final: true)
        if isStopped { return }
        reader.finish { handle($0) }
        if reader.recordCount == 0 { stop(Finding(.emptyFile, line: 1)) }
    }

    /// The rows made since the last call; nil where there are none.
    func takeRows() -> ByteBuffer? {
        if output.readableBytes == 0 { return nil }
        defer { output = ByteBuffer() }
        return output
    }

    /// The findings made since the last call.
    func takeFindings() -> [Finding] {
        defer { findings = [] }
        return findings
    }

    /// The records left out since the last call, the header first of all.
    func takeRejected() -> [RejectedRecord] {
        defer { rejected = [] }
        return rejected
    }

    private func inflate(_ bytes: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            do throws(CSVError) {
                try inflater.inflate(bytes, buffer: buffer) { piece in decode(piece, final: false) }
            } catch {
                stop(Finding(.corruptCompression, line: nil))
            }
        }
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, final: Bool) {
        if isStopped { return }
        do throws(CSVError) {
            try decoder.decode(bytes, final: final) { text in
                if reader.feed(text, { handle($0) }) == .stop { isStopped = true }
            }
        } catch {
            let offset = String(error.offset ?? 0)
            stop(Finding(.invalidCharset, line: error.line, field: nil, value: nil, offset, error.hex, decoder.charset))
        }
    }

    private func stop(_ finding: Finding) {
        isStopped = true
        note(finding)
    }

    private func note(_ finding: Finding) {
        tally[Tallied(code: finding.code, severity: finding.severity), default: 0] += 1
        if given < settings.findingLimit {
            given += 1
            findings.append(finding)
        }
    }

    private func handle(_ record: borrowing Record) -> Flow {
        if columns.isEmpty { return readHeader(record) }
        recordCount += 1
        if let fault = record.fault {
            switch fault.kind {
            case .fieldCount: note(Finding(.raggedRow, line: record.line, field: nil, value: nil, String(fault.actual ?? 0), String(fault.expected ?? 0)))
            case .unterminatedQuote: note(Finding(.unterminatedQuote, line: record.line))
            case .textAfterQuote: note(Finding(.textAfterQuote, line: record.line))
            case .nulByte: note(Finding(.nulByte, line: record.line))
            case .recordTooLong: note(Finding(.recordTooLong, line: record.line, field: nil, value: nil, String(fault.expected ?? 0)))
            case .tooManyFields: note(Finding(.tooManyFields, line: record.line, field: nil, value: nil, String(fault.expected ?? 0)))
            default: note(Finding(.bareQuote, line: record.line))
            }
            return reject(record)
        }
        var isGood = true
        row.bytes.removeAll(keepingCapacity: true)
        row.text(String(record.line))
        for (index, field) in settings.schema.fields.enumerated() {
            row.bytes.append(UInt8(ascii: "\t"))
            let start = row.bytes.count
            let value = columns[index].map { record[$0] } ?? UnsafeRawBufferPointer(start: nil, count: 0)
            if let code = checks[index].check(value, into: &row) {
                isGood = false
                let text = String(decoding: value, as: UTF8.self)
                let isPublic = field.visibility == .public && field.mask == nil
                var finding = Finding(code, line: record.line, field: field.name, value: isPublic ? text : nil)
                finding.message = code.message(checks[index].arguments(for: code))
                note(finding)
            } else if row.bytes.count == start, !(field.type.isTextual && settings.schema.primaryKey.contains(field.name)) {
                row.text("\\N")
            }
        }
        guard isGood else { return reject(record) }
        if settings.keepsRecords {
            row.bytes.append(UInt8(ascii: "\t"))
            row.append(record.raw)
        }
        row.bytes.append(UInt8(ascii: "\n"))
        output.writeBytes(row.bytes)
        rowCount += 1
        return .next
    }

    private func reject(_ record: borrowing Record) -> Flow {
        rejectedCount += 1
        if settings.keepsRecords { rejected.append(RejectedRecord(line: record.line, text: String(decoding: record.raw, as: UTF8.self))) }
        return .next
    }

    private func readHeader(_ record: borrowing Record) -> Flow {
        if settings.keepsRecords { rejected.append(RejectedRecord(line: 0, text: String(decoding: record.raw, as: UTF8.self))) }
        var names: [String] = []
        for index in 0..<record.count { names.append(record.string(index)) }
        columns = settings.schema.fields.map { field in
            names.firstIndex { $0 == field.name || $0 == field.title.zh || field.aliases.contains($0) }
        }
        var isGood = true
        for name in names where !settings.schema.fields.contains(where: { $0.name == name || $0.title.zh == name || $0.aliases.contains(name) }) {
            if settings.mapping?.unlisted == .ignore { continue }
            note(Finding(.unknownColumn, line: record.line, field: name, value: nil, name))
            isGood = false
        }
        for (field, column) in zip(settings.schema.fields, columns) where column == nil && (field.required || settings.schema.primaryKey.contains(field.name)) {
            note(Finding(.missingColumn, line: record.line, field: field.name, value: nil, field.name))
            isGood = false
        }
        if !isGood { isStopped = true }
        return isGood ? .next : .stop
    }
}

/// One row as COPY text: tabs, newlines, carriage returns and backslashes are escaped.
private struct Row: ByteAppending {
    var bytes: [UInt8] = []

    mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        for byte in more {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte == UInt8(ascii: "\t") ? UInt8(ascii: "t") : byte == UInt8(ascii: "\n") ? UInt8(ascii: "n") : byte == UInt8(ascii: "\r") ? UInt8(ascii: "r") : byte)
            default: bytes.append(byte)
            }
        }
    }
}
