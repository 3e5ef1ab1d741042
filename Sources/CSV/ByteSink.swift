import Glibc

/// A growable byte buffer with exactly one owner.
///
/// It is a noncopyable struct, not an array: appending costs neither reference counting nor a uniqueness check,
/// and it can be handed to another task as a whole. Capacity grows by doubling and is kept by ``removeAll()``.
public struct ByteSink: ~Copyable, @unchecked Sendable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int

    /// Number of bytes held.
    @inlinable public var count: Int { length }

    @usableFromInline var length: Int

    /// Makes an empty buffer.
    ///
    /// - Parameter capacity: bytes to reserve at once.
    public init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
        length = 0
    }

    deinit {
        base.deallocate()
    }

    /// Whether nothing is held.
    @inlinable public var isEmpty: Bool { length == 0 }

    /// Makes room for at least `additional` more bytes.
    @inlinable @inline(__always)
    public mutating func reserve(_ additional: Int) {
        if capacity &- length < additional { grow(additional) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ additional: Int) {
        let wanted = max(capacity * 2, length + additional)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        memcpy(larger, base, length)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    /// Appends one byte.
    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base[length] = byte
        length &+= 1
    }

    /// Appends a copy of the bytes.
    @inlinable
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + length).copyMemory(from: source, byteCount: bytes.count)
        length &+= bytes.count
    }

    /// Appends the bytes of a literal.
    @inlinable
    public mutating func append(_ literal: StaticString) {
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends the UTF-8 of a string.
    @inlinable
    public mutating func append(utf8 string: String) {
        var string = string
        string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends a copy of the bytes of an array.
    @inlinable
    public mutating func append(contentsOf bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Lets `body` write up to `maximum` bytes behind the end and keeps as many as it returns.
    ///
    /// - Parameters:
    ///   - maximum: bytes of room that `body` gets at least; the buffer passed is exactly that long.
    ///   - body: writes from the start of the buffer and returns how many bytes count.
    @inlinable
    public mutating func append<E: Error>(
        maximum: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        reserve(maximum)
        let written = try body(UnsafeMutableRawBufferPointer(start: base + length, count: maximum))
        precondition(written >= 0 && written <= maximum)
        length &+= written
    }

    /// Forgets everything and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        length = 0
    }

    /// Forgets the first `number` bytes and moves the rest to the front.
    public mutating func removeFirst(_ number: Int) {
        precondition(number >= 0 && number <= length)
        memmove(base, base + number, length - number)
        length -= number
    }

    /// Forgets all but the first `number` bytes.
    public mutating func truncate(to number: Int) {
        length = min(length, max(0, number))
    }

    /// Calls `body` with what is held. The pointer is valid only inside the call.
    @inlinable
    public borrowing func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: length))
    }

    /// A copy of what is held.
    public var bytes: [UInt8] {
        Array(UnsafeBufferPointer(start: base, count: length))
    }
}
