/// One thing wrong with the input, as a value: what, and where.
///
/// It carries codes and places only; texts for people are made elsewhere. It holds no reference, so that a
/// reader can report one for every record without allocating.
public struct CSVError: Error, Sendable, Equatable {
    /// What is wrong. Raw values are stable names.
    public enum Kind: String, Sendable, CaseIterable {
        /// A quoted field is still open at the end of the input; `line` is where its quote stands.
        case unterminatedQuote = "unterminated_quote"
        /// Something other than a delimiter or a line end follows a closing quote.
        case textAfterQuote = "text_after_quote"
        /// A quote inside a field that does not begin with one (RFC 4180 section 2, rule 5).
        case bareQuote = "bare_quote"
        /// A carriage return alone inside an unquoted field of a file whose lines end in LF or CRLF.
        case bareCarriageReturn = "bare_carriage_return"
        /// The record is longer than the limit; `expected` is the limit in bytes, `actual` the length.
        case recordTooLong = "record_too_long"
        /// The record has more fields than the limit; `expected` is the limit, `actual` the number.
        case tooManyFields = "too_many_fields"
        /// The record contains a byte 0, which no text column can hold.
        case nulByte = "nul_byte"
        /// The record has another number of fields than `expected`; `actual` is its number.
        case fieldCount = "field_count"
        /// The name of the charset is not known.
        case unknownCharset = "unknown_charset"
        /// Bytes that mean nothing in the charset; `offset` is the place, `hex` shows them.
        case invalidSequence = "invalid_sequence"
        /// The input ends in the middle of a character.
        case incompleteSequence = "incomplete_sequence"
        /// The compressed data is damaged, or is not gzip or zlib at all.
        case corruptCompression = "corrupt_compression"
        /// The compressed data ends too early.
        case truncatedCompression = "truncated_compression"
        /// The data unpacks to more than the allowed multiple of its size; `expected` is that multiple.
        case excessiveCompression = "excessive_compression"
    }

    /// What is wrong.
    public let kind: Kind
    /// Physical line, from 1.
    public let line: Int?
    /// Number of the field within its record, from 1.
    public let field: Int?
    /// Bytes before the place: of the compressed input, of the undecoded input, or of the decoded text, by who reports it.
    public let offset: Int?
    /// What was allowed or announced; see the kind.
    public let expected: Int?
    /// What was found; see the kind.
    public let actual: Int?
    private let evidence: UInt64
    private let evidenceCount: UInt8

    /// Makes an error.
    ///
    /// - Parameter evidence: the offending bytes; the first eight are kept.
    public init(
        _ kind: Kind,
        line: Int? = nil,
        field: Int? = nil,
        offset: Int? = nil,
        expected: Int? = nil,
        actual: Int? = nil,
        evidence: UnsafeRawBufferPointer? = nil
    ) {
        self.kind = kind
        self.line = line
        self.field = field
        self.offset = offset
        self.expected = expected
        self.actual = actual
        var packed: UInt64 = 0
        var count: UInt8 = 0
        if let evidence {
            for byte in evidence.prefix(8) {
                packed = packed << 8 | UInt64(byte)
                count += 1
            }
        }
        self.evidence = packed
        evidenceCount = count
    }

    /// The offending bytes in upper-case hexadecimal, two digits each, separated by spaces; empty when there are none.
    public var hex: String {
        let digits: [Character] = Array("0123456789ABCDEF")
        var text = ""
        for index in 0..<Int(evidenceCount) {
            let byte = Int(evidence >> UInt64((Int(evidenceCount) - 1 - index) * 8) & 0xFF)
            if index > 0 { text.append(" ") }
            text.append(digits[byte >> 4])
            text.append(digits[byte & 15])
        }
        return text
    }
}
