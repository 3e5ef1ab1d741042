import CSV
import Ledger
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
/// Bytes pass an inflater, a charset decoder, the CSV reader and, once the header was understood, a ``RowMaker``. Confined to one task.
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

    private let isCompressed: Bool
    private let charset: String
    private var inflater = Inflater()
    private var decoder: CharsetDecoder
    private var reader: RecordReader
    private var records: RecordIntake
    /// Whether something was found that no leaving out of records could mend; nothing was read after it.
    private(set) var isFatal = false
    /// What the rows' canonical CSV comes to, where it could be made in the stream; known after `finish()`.
    private(set) var canonical: CanonicalForm?

    /// Records read without the header, rows given out, records left out.
    var recordCount: Int { records.recordCount }
    var rowCount: Int { records.rowCount }
    var rejectedCount: Int { records.rejectedCount }
    /// How often each code was found.
    var counts: [FindingCount] { records.log.counts }
    /// Whether every row's key was greater than that of the row before, in the order of PostgreSQL's "C" collation: then no key repeats.
    var isInKeyOrder: Bool { records.isInKeyOrder }

    /// - Throws: `Problem` where the charset is not known.
    init(_ settings: Settings) throws {
        let charset = settings.charset ?? settings.mapping?.charset ?? "UTF-8"
        do {
            decoder = try CharsetDecoder(charset: charset)
        } catch {
            throw Problem(.unsupportedCharset, zh: "不支持字符集 \(charset)", en: "the charset \(charset) is not supported")
        }
        self.charset = decoder.charset
        isCompressed = settings.isCompressed
        let delimiter = settings.mapping?.delimiter?.utf8.first.flatMap { Dialect.Delimiter(rawValue: $0) }
        reader = RecordReader(dialect: Dialect(delimiter: delimiter), fieldCount: .asFirstRecord)
        records = RecordIntake(settings)
    }

    /// Takes the next bytes of the body as they came.
    ///
    /// - Returns: false where nothing sensible can follow: wrong charset, broken compression, a header that does not fit.
    func take(_ chunk: ByteBuffer) -> Bool {
        chunk.withUnsafeReadableBytes { bytes in
            if isCompressed { inflate(bytes) } else { decode(bytes, final: false) }
        }
        return !isFatal
    }

    /// Ends the body.
    func finish() {
        if isFatal { return }
        if isCompressed {
            do { try inflater.finish() } catch { return stop(Finding(.corruptCompression, line: nil)) }
        }
        decode(.nothing, final: true)
        if isFatal { return }
        Self.finish(&reader, &records)
        if !records.hasHeader { stop(Finding(.emptyFile, line: 1)) }
        isFatal = isFatal || records.isStopped
        if !isFatal { canonical = records.finish() }
    }

    /// The rows made since the last call; nil where there are none.
    func takeRows() -> ByteBuffer? { records.takeRows() }

    /// The findings made since the last call.
    func takeFindings() -> [Finding] { records.log.take() }

    /// The records left out since the last call, the header first of all.
    func takeRejected() -> [RejectedRecord] { records.takeRejected() }

    private func inflate(_ bytes: UnsafeRawBufferPointer) {
        if isFatal { return }
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            do throws(CSVError) {
                try inflater.inflate(bytes, buffer: buffer) { piece in decode(piece, final: false) }
            } catch {
                stop(Finding(.corruptCompression, line: nil))
            }
        }
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, final: Bool) {
        if isFatal { return }
        do throws(CSVError) {
            try Self.decode(bytes, final: final, &decoder, &reader, &records)
            if records.isStopped { isFatal = true }
        } catch {
            // What stands behind a header that does not fit is not looked at.
            if records.isStopped { return isFatal = true }
            stop(Finding(.invalidCharset, line: error.line, field: nil, value: nil, String(error.offset ?? 0), error.hex, charset))
        }
    }

    private func stop(_ finding: Finding) {
        if !isFatal { records.log.note(finding) }
        isFatal = true
    }

    // The parts are passed on, so that the loop over records reaches none of them through this object.

    private static func decode(
        _ bytes: UnsafeRawBufferPointer, final: Bool, _ decoder: inout CharsetDecoder, _ reader: inout RecordReader, _ records: inout RecordIntake
    ) throws(CSVError) {
        try decoder.decode(bytes, final: final) { text in feed(text, &reader, &records) }
    }

    private static func feed(_ text: UnsafeRawBufferPointer, _ reader: inout RecordReader, _ records: inout RecordIntake) {
        reader.feed(text) { record in records.take(record) }
    }

    private static func finish(_ reader: inout RecordReader, _ records: inout RecordIntake) {
        reader.finish { record in records.take(record) }
    }
}
