import Profiles

/// A growable byte buffer with one owner whose bytes are written through a pointer: short values are copied a word at a time, without a call.
///
/// ``append(_:)`` makes room; the `put` methods need it to be there.
struct RowBytes: ~Copyable, ByteAppending {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int
    /// Copies may write, and never read, this many bytes too far.
    private static let slack = 16

    init(capacity: Int = 4096) {
        self.capacity = capacity
        base = .allocate(capacity: capacity + Self.slack)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    @inline(__always)
    func slice(_ span: Span) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + span.start, count: span.count) }

    @inline(__always)
    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func truncate(to length: Int) { count = length }

    /// Makes room for at least `additional` more bytes.
    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if capacity &- count < additional { grow(additional) }
    }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        let wanted = max(capacity * 2, count + additional)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted + Self.slack)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        put(bytes)
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        put(byte)
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        base[count] = byte
        count &+= 1
    }

    /// Copies bytes for which there is room.
    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        let target = UnsafeMutableRawPointer(base + count)
        let length = bytes.count
        if length > 32 {
            target.copyMemory(from: source, byteCount: length)
        } else if length >= 8 {
            var place = 0
            while place &+ 8 <= length {
                target.storeBytes(of: source.loadUnaligned(fromByteOffset: place, as: UInt64.self), toByteOffset: place, as: UInt64.self)
                place &+= 8
            }
            // The last word overlaps the one before.
            target.storeBytes(of: source.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self), toByteOffset: length &- 8, as: UInt64.self)
        } else {
            target.storeBytes(of: ByteWord.short(source, length), as: UInt64.self)
        }
        count &+= length
    }

    /// A number that is not negative, in decimal digits, for which there is room.
    @inline(__always)
    mutating func put(number: Int) {
        var length = 1
        var bound = 10
        while length < 19, number >= bound {
            length &+= 1
            bound &*= 10
        }
        var rest = number
        var place = length
        while place > 0 {
            place &-= 1
            base[count &+ place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count &+= length
    }

    /// A number with leading zeros, for which there is room.
    mutating func put(number: Int, width: Int) {
        var rest = number
        for place in stride(from: width - 1, through: 0, by: -1) {
            base[count + place] = 0x30 + UInt8(rest % 10)
            rest /= 10
        }
        count += width
    }
}

/// A place in a buffer.
struct Span {
    let start: Int
    let count: Int

    static var empty: Span { Span(start: 0, count: 0) }
}

/// Eight bytes at a time.
enum ByteWord {
    private static let low7: UInt64 = 0x7F7F_7F7F_7F7F_7F7F

    /// Up to seven bytes, padded with zeros; nothing beyond them is read.
    @inline(__always)
    static func short(_ source: UnsafeRawPointer, _ length: Int) -> UInt64 {
        if length >= 4 {
            let low = UInt64(UInt32(littleEndian: source.loadUnaligned(as: UInt32.self)))
            let high = UInt64(UInt32(littleEndian: source.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self)))
            return (low | high << UInt64((length &- 4) &* 8)).littleEndian
        }
        if length == 0 { return 0 }
        // First, middle and last byte; of one or two bytes some of these are the same.
        let first = UInt64(source.load(as: UInt8.self))
        let middle = UInt64(source.load(fromByteOffset: length >> 1, as: UInt8.self))
        let last = UInt64(source.load(fromByteOffset: length &- 1, as: UInt8.self))
        return (first | middle << UInt64((length >> 1) &* 8) | last << UInt64((length &- 1) &* 8)).littleEndian
    }

    /// Whether any of four ASCII bytes stands in the text.
    @inline(__always)
    static func holds(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let source = bytes.baseAddress else { return false }
        let length = bytes.count
        if length < 8 { return equals(a, b, c, d, short(source, length) | (~0 << UInt64(length &* 8))) }
        var place = 0
        while place &+ 8 <= length {
            if equals(a, b, c, d, source.loadUnaligned(fromByteOffset: place, as: UInt64.self)) { return true }
            place &+= 8
        }
        return equals(a, b, c, d, source.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self))
    }

    @inline(__always)
    private static func equals(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, _ word: UInt64) -> Bool {
        let seven = word & low7
        let differs = different(seven, a) & different(seven, b) & different(seven, c) & different(seven, d)
        return ~(differs | word) & ~low7 != 0
    }

    /// The top bit of each byte that differs from `byte`.
    @inline(__always)
    private static func different(_ seven: UInt64, _ byte: UInt8) -> UInt64 { (seven ^ (UInt64(byte) &* 0x0101_0101_0101_0101)) &+ low7 }
}

extension UnsafeRawBufferPointer {
    static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Without ASCII white space, no-break and ideographic spaces at both ends.
    var withoutSpace: UnsafeRawBufferPointer {
        // Neither end can be white space when both are visible ASCII.
        if count > 0, self[0] > 0x20, self[0] < 0x80, self[count &- 1] > 0x20, self[count &- 1] < 0x80 { return self }
        var (start, end) = (0, count)
        while start < end, let length = spaceLength(at: start) { start += length }
        while start < end, let length = spaceLength(before: end, from: start) { end -= length }
        return UnsafeRawBufferPointer(rebasing: self[start..<end])
    }

    private func spaceLength(at place: Int) -> Int? {
        let byte = self[place]
        if byte == 0x20 || (0x09...0x0D).contains(byte) { return 1 }
        if byte == 0xC2, place + 1 < count, self[place + 1] == 0xA0 { return 2 }
        if byte == 0xE3, place + 2 < count, self[place + 1] == 0x80, self[place + 2] == 0x80 { return 3 }
        return nil
    }

    private func spaceLength(before end: Int, from start: Int) -> Int? {
        for length in 1...3 where end - length >= start && spaceLength(at: end - length) == length { return length }
        return nil
    }

    func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for place in 0..<count where self[place] != other[place] { return false }
        return true
    }

    func hasPrefix(_ other: [UInt8]) -> Bool { count >= other.count && UnsafeRawBufferPointer(rebasing: self[..<other.count]).equals(other) }

    func hasSuffix(_ other: [UInt8]) -> Bool { count >= other.count && UnsafeRawBufferPointer(rebasing: self[(count - other.count)...]).equals(other) }

    var string: String { String(decoding: self, as: UTF8.self) }
}

extension UInt8 {
    @inline(__always) var isDigit: Bool { self &- 0x30 <= 9 }
}
