/// Where a field stands: in the bytes of the record, or in the scratch memory when it had doubled quotes.
@usableFromInline
struct FieldSpan {
    @usableFromInline let start: UInt32
    @usableFromInline let endAndFlags: UInt32

    @usableFromInline static let quotedFlag: UInt32 = 1 << 31
    @usableFromInline static let unescapedFlag: UInt32 = 1 << 30
    @usableFromInline static let endMask: UInt32 = (1 << 30) - 1

    @inline(__always)
    init(_ start: Int, _ end: Int, flags: UInt32 = 0) {
        self.start = UInt32(truncatingIfNeeded: start)
        endAndFlags = (UInt32(truncatingIfNeeded: end) & Self.endMask) | flags
    }

    @inlinable var end: Int { Int(endAndFlags & Self.endMask) }
    @inlinable var isQuoted: Bool { endAndFlags & Self.quotedFlag != 0 }
    @inlinable var isUnescaped: Bool { endAndFlags & Self.unescapedFlag != 0 }
}

/// One record, seen in place. It is lent to the callback; none of its pointers may be kept after it returns.
///
/// A record with a ``fault`` is delivered like any other, so that its raw bytes can be kept; its fields are then
/// the reader's best reading (none at all when the record was too long) and must not be taken for data.
public struct Record: ~Copyable {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let spans: UnsafePointer<FieldSpan>
    @usableFromInline let scratch: UnsafePointer<UInt8>
    @usableFromInline let rawCount: Int

    /// Number of fields, at most the limit.
    public let count: Int
    /// Physical line on which the record begins, from 1; line ends inside quotes and blank lines count.
    public let line: Int
    /// Number of the record, from 1 with the header; blank lines do not count.
    public let number: Int
    /// Bytes of the decoded input before the record (a byte order mark included).
    public let offset: Int
    /// Length in bytes without the line end. More than `raw.count` only when the record was too long.
    public let byteCount: Int
    /// What is wrong with the record; nil when it is good.
    public let fault: CSVError?

    /// The content of a field: quotes around it removed, doubled quotes made single.
    @inlinable
    public subscript(_ index: Int) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < count)
        let span = spans[index]
        let start = Int(span.start)
        return UnsafeRawBufferPointer(start: (span.isUnescaped ? scratch : base) + start, count: span.end &- start)
    }

    /// Whether the field was quoted. An empty unquoted field is null, an empty quoted one is the empty string.
    @inlinable
    public func wasQuoted(_ index: Int) -> Bool {
        precondition(index >= 0 && index < count)
        return spans[index].isQuoted
    }

    /// Whether the field is empty and was not quoted.
    @inlinable
    public func isNull(_ index: Int) -> Bool {
        precondition(index >= 0 && index < count)
        let span = spans[index]
        return !span.isQuoted && span.end == Int(span.start)
    }

    /// The content of a field as a string; what is not UTF-8 is replaced.
    public func string(_ index: Int) -> String {
        String(decoding: self[index], as: UTF8.self)
    }

    /// The bytes of the record as they came, without the line end; cut off at the limit when it was too long.
    @inlinable
    public var raw: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: rawCount)
    }
}
