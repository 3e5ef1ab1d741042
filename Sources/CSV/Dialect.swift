/// How a CSV to be read is written.
public struct Dialect: Sendable, Equatable {
    /// What stands between two fields.
    public enum Delimiter: UInt8, Sendable, CaseIterable {
        case comma = 0x2C
        case semicolon = 0x3B
        case tab = 0x09
    }

    /// The delimiter; nil finds it in the first record: the candidate seen most often outside quotes,
    /// the comma when none is ahead of it.
    public var delimiter: Delimiter?
    /// Whether a quote inside an unquoted field is ordinary text. RFC 4180 says that it is an error.
    public var lenientQuotes: Bool
    /// Whether an empty line is a record of one empty field. Otherwise it is skipped and only counted.
    /// Canonical CSV of a single column needs this: its nulls are empty lines.
    public var keepsBlankLines: Bool

    public init(delimiter: Delimiter? = nil, lenientQuotes: Bool = false, keepsBlankLines: Bool = false) {
        self.delimiter = delimiter
        self.lenientQuotes = lenientQuotes
        self.keepsBlankLines = keepsBlankLines
    }
}

/// What a record may cost, whatever the input says.
public struct Limits: Sendable, Equatable {
    /// Longest record in bytes, without its line end. At most 1 GiB - 1.
    public var maxRecordBytes: Int
    /// Most fields of a record.
    public var maxFields: Int

    public init(maxRecordBytes: Int = 1 << 20, maxFields: Int = 1024) {
        precondition(maxRecordBytes > 0 && maxRecordBytes < 1 << 30)
        precondition(maxFields > 0)
        self.maxRecordBytes = maxRecordBytes
        self.maxFields = maxFields
    }
}

/// How many fields each record must have.
public enum FieldCount: Sendable, Equatable {
    /// Any number.
    case any
    /// As many as the first record (the header) has.
    case asFirstRecord
    /// Exactly this many.
    case exactly(Int)
}

/// What the caller wants after a record.
public enum Flow: Sendable, Equatable {
    /// The next record.
    case next
    /// Nothing more; the reader ignores all further input.
    case stop
}
