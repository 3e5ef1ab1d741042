extension UInt8 {
    @inline(__always) var isDigit: Bool { self &- 0x30 <= 9 }
}

extension UnsafeRawBufferPointer {
    /// Without ASCII white space, no-break spaces and ideographic spaces at both ends.
    @inline(__always) var trimmed: UnsafeRawBufferPointer {
        // Neither end can be white space when both are digits or ASCII letters: the usual case.
        if count > 0, self[0] > 0x20, self[0] < 0x80, self[count - 1] > 0x20, self[count - 1] < 0x80 { return self }
        return trimmedSlowly
    }

    @inline(never) private var trimmedSlowly: UnsafeRawBufferPointer {
        var start = 0
        var end = count
        while start < end {
            if self[start] <= 0x20, self[start] == 0x20 || (self[start] >= 0x09 && self[start] <= 0x0D) {
                start += 1
            } else if end - start >= 2, self[start] == 0xC2, self[start + 1] == 0xA0 {
                start += 2
            } else if end - start >= 3, self[start] == 0xE3, self[start + 1] == 0x80, self[start + 2] == 0x80 {
                start += 3
            } else {
                break
            }
        }
        while start < end {
            if self[end - 1] <= 0x20, self[end - 1] == 0x20 || (self[end - 1] >= 0x09 && self[end - 1] <= 0x0D) {
                end -= 1
            } else if end - start >= 2, self[end - 2] == 0xC2, self[end - 1] == 0xA0 {
                end -= 2
            } else if end - start >= 3, self[end - 3] == 0xE3, self[end - 2] == 0x80, self[end - 1] == 0x80 {
                end -= 3
            } else {
                break
            }
        }
        return UnsafeRawBufferPointer(rebasing: self[start..<end])
    }

    /// The value of `length` bytes that are digits.
    @inline(__always) func number(_ start: Int, _ length: Int) -> Int {
        var value = 0
        for i in start..<start &+ length { value = value &* 10 &+ Int(self[i] &- 0x30) }
        return value
    }

    /// How many digits stand from `start` on, counted up to `limit`.
    @inline(__always) func digits(from start: Int, limit: Int) -> Int {
        var n = 0
        while n < limit, start &+ n < count, self[start &+ n].isDigit { n &+= 1 }
        return n
    }

    /// Whether a C0 or C1 control character or DEL stands anywhere.
    ///
    /// - Parameter allowingLayout: lets tab, line feed and carriage return through.
    func hasControlCharacter(allowingLayout: Bool) -> Bool {
        guard let base = baseAddress else { return false }
        var i = 0
        // Eight bytes at a time: bytes below 0x20, 0x7F, and 0xC2, which may begin a C1 character. What is found is looked at one by one.
        while i &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            if word.mayHoldControl, slice(i, 9).hasControlSlowly(allowingLayout) { return true }
            i &+= 8
        }
        return i < count && slice(i, count - i).hasControlSlowly(allowingLayout)
    }

    @inline(__always) private func slice(_ start: Int, _ length: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[start..<Swift.min(start &+ length, count)])
    }

    @inline(never) private func hasControlSlowly(_ allowingLayout: Bool) -> Bool {
        var i = 0
        while i < count {
            let byte = self[i]
            if byte < 0x20 {
                if !(allowingLayout && (byte == 0x09 || byte == 0x0A || byte == 0x0D)) { return true }
            } else if byte == 0x7F {
                return true
            } else if byte == 0xC2, i + 1 < count, self[i + 1] >= 0x80, self[i + 1] < 0xA0 {
                return true
            }
            i += 1
        }
        return false
    }

    /// Unicode code points, as PostgreSQL counts characters.
    var characterCount: Int {
        var n = 0
        for byte in self where byte & 0xC0 != 0x80 { n &+= 1 }
        return n
    }

    func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        for i in 0..<count where self[i] != other[i] { return false }
        return true
    }

    var text: String { String(decoding: self, as: UTF8.self) }
}

extension UInt64 {
    private static var ones: UInt64 { 0x0101_0101_0101_0101 }
    private static var highs: UInt64 { 0x8080_8080_8080_8080 }

    @inline(__always) private func hasByte(_ byte: UInt8) -> UInt64 {
        let x = self ^ (Self.ones &* UInt64(byte))
        return (x &- Self.ones) & ~x & Self.highs
    }

    /// Never misses one; may report bytes that are none.
    @inline(__always) fileprivate var mayHoldControl: Bool {
        ((self &- Self.ones &* 0x20) & ~self & Self.highs) | hasByte(0x7F) | hasByte(0xC2) != 0
    }
}
