/// Eight bytes at a time: how this room looks for the few bytes that matter in a CSV.
///
/// A word is loaded so that the byte at the lowest address is its lowest byte. A match mask has the top
/// bit of every matching byte set and is exact, so that its bits can be visited one after another.
enum Word {
    static let low7: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    static let top: UInt64 = 0x8080_8080_8080_8080

    /// The byte repeated eight times.
    @inline(__always)
    static func repeating(_ byte: UInt8) -> UInt64 {
        UInt64(byte) &* 0x0101_0101_0101_0101
    }

    @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }

    /// The last, incomplete word before `end`, filled up with a byte that is never special (`a`).
    @inline(never)
    static func loadTail(_ pointer: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        var word: UInt64 = 0x6161_6161_6161_6161
        var index = 0
        while index < count {
            let shift = UInt64(index &* 8)
            word = (word & ~(0xFF << shift)) | (UInt64(pointer[index]) << shift)
            index &+= 1
        }
        return word
    }

    /// Up to seven bytes as a word, padded with zeros.
    @inline(__always)
    static func loadShort(_ pointer: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        let raw = UnsafeRawPointer(pointer)
        if count >= 4 {
            // Two halves that overlap.
            let low = UInt64(UInt32(littleEndian: raw.loadUnaligned(as: UInt32.self)))
            let high = UInt64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)))
            return low | high << UInt64((count &- 4) &* 8)
        }
        if count == 0 { return 0 }
        // First, middle and last byte: for one or two bytes some of these are the same.
        return UInt64(pointer[0]) | UInt64(pointer[count >> 1]) << UInt64((count >> 1) &* 8)
            | UInt64(pointer[count &- 1]) << UInt64((count &- 1) &* 8)
    }

    /// The word at `pointer + position`, padded when fewer than eight bytes are left before `end`.
    @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>, _ position: Int, _ end: Int) -> UInt64 {
        position &+ 8 <= end ? load(pointer + position) : loadTail(pointer + position, end &- position)
    }

    /// Top bit set for each byte of `seven` (a word and-ed with `low7`) that differs from the ASCII byte repeated in `pattern`.
    @inline(__always)
    static func differs(_ seven: UInt64, _ pattern: UInt64) -> UInt64 {
        (seven ^ pattern) &+ low7
    }

    /// The match mask of one ASCII byte.
    @inline(__always)
    static func matches(_ word: UInt64, _ pattern: UInt64) -> UInt64 {
        ~(differs(word & low7, pattern) | word) & top
    }

    /// The index of the first matching byte of a mask that is not zero.
    @inline(__always)
    static func first(_ mask: UInt64) -> Int {
        mask.trailingZeroBitCount >> 3
    }

    /// How many bytes of a buffer equal one ASCII byte.
    static func count(_ byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        let pointer = start.assumingMemoryBound(to: UInt8.self)
        let pattern = repeating(byte)
        let end = bytes.count
        var position = 0
        var total = 0
        while position &+ 8 <= end {
            // Sums of single bits stay below 256 for 255 words; then the eight lanes are added by one multiplication.
            var lanes: UInt64 = 0
            var rounds = 0
            while rounds < 255, position &+ 8 <= end {
                lanes &+= matches(load(pointer + position), pattern) >> 7
                position &+= 8
                rounds &+= 1
            }
            let pairs = (lanes & 0x00FF_00FF_00FF_00FF) &+ ((lanes >> 8) & 0x00FF_00FF_00FF_00FF)
            total &+= Int((pairs &* 0x0001_0001_0001_0001) >> 48)
        }
        while position < end {
            if pointer[position] == byte { total &+= 1 }
            position &+= 1
        }
        return total
    }
}

/// The bytes that have a meaning in CSV.
enum Byte {
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let quote: UInt8 = 0x22
    static let comma: UInt8 = 0x2C
    static let semicolon: UInt8 = 0x3B
    static let tab: UInt8 = 0x09
}
