import Glibc

/// The values of a statement's parameters, in order, in one flat buffer: no allocation per value.
///
/// ```swift
/// var parameters = Parameters()
/// parameters.append(42)
/// parameters.append("北京")
/// ```
public struct Parameters: Sendable {
    /// Why the values cannot be sent.
    enum Flaw: Sendable { case nul(index: Int) }

    // Each value is a marker byte, and, when it is not NULL, its text and a NUL, which libpq needs anyway.
    private var bytes: [UInt8] = []
    public private(set) var count = 0
    private(set) var flaw: Flaw?

    private static let null: UInt8 = 0
    private static let value: UInt8 = 1

    public init() {}

    public init(_ value: some PostgresBindable) {
        bytes.reserveCapacity(24)
        append(value)
    }

    /// Makes room for this many bytes of values.
    public mutating func reserveCapacity(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    /// Adds the next value. Text with a NUL is refused when the statement is sent (`PostgresError.Code.invalidParameter`).
    @inline(__always)
    public mutating func append(_ value: some PostgresBindable) {
        if value.isPostgresNull { return appendNull() }
        bytes.append(Self.value)
        let start = bytes.count
        value.writePostgresText(into: &bytes)
        close(from: start)
    }

    /// Adds text that already lies in memory.
    public mutating func append(utf8 text: some Sequence<UInt8>) {
        bytes.append(Self.value)
        let start = bytes.count
        bytes.append(contentsOf: text)
        close(from: start)
    }

    public mutating func appendNull() {
        bytes.append(Self.null)
        count += 1
    }

    /// Adds all values of another list.
    mutating func append(contentsOf other: Parameters) {
        if flaw == nil, case .nul(let index)? = other.flaw { flaw = .nul(index: count + index) }
        bytes.append(contentsOf: other.bytes)
        count += other.count
    }

    private mutating func close(from start: Int) {
        let length = bytes.count - start
        let hasNUL = bytes.withUnsafeBytes { length > 0 && memchr($0.baseAddress! + start, 0, length) != nil }
        if hasNUL {
            // The bytes after a NUL would be taken for the next value, so none of this value is kept.
            if flaw == nil { flaw = .nul(index: count) }
            bytes.removeSubrange(start...)
        }
        bytes.append(0)
        count += 1
    }

    /// Calls the body with pointers to the NUL-terminated values, valid during the call; nil for NULL.
    func withPointers<R>(_ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
        if count == 0 { return body(0, nil) }
        return bytes.withUnsafeBytes { buffer in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { pointers in
                // Non-empty, because every value has its marker.
                var cursor = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
                for index in 0..<count {
                    let isNull = UInt8(bitPattern: cursor.pointee) == Self.null
                    cursor += 1
                    pointers.initializeElement(at: index, to: isNull ? nil : cursor)
                    if !isNull { cursor += strlen(cursor) + 1 }
                }
                return body(Int32(count), UnsafePointer(pointers.baseAddress))
            }
        }
    }

    /// The limit of the protocol's 16-bit count.
    static let limit = 65_535

    /// Refuses what the server could only misunderstand.
    func check(against parameterTypes: [UInt32], sql: String) throws(PostgresError) {
        if count > Self.limit {
            throw PostgresError(.tooManyParameters, "\(count) parameters, the limit is \(Self.limit); pass an array or use COPY", sql: sql)
        }
        if case .nul(let index)? = flaw {
            throw PostgresError(.invalidParameter, "parameter $\(index + 1) contains a NUL, which text cannot hold", sql: sql)
        }
        if !parameterTypes.isEmpty, parameterTypes.count != count {
            throw PostgresError(.misuse, "\(count) values for \(parameterTypes.count) declared parameters", sql: sql)
        }
    }
}
