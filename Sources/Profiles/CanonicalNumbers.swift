internal import Model

extension ValuePlan {
    /// An integer of 64 bits without plus, without leading zeros; `-0` is `0`.
    @inline(__always)
    func canonicalInteger(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        var i = 0
        let negative = b[0] == 0x2D
        if negative || b[0] == 0x2B { i = 1 }
        let start = i
        while i < b.count, b[i] == 0x30 { i &+= 1 }
        let first = i
        while i < b.count, b[i].isDigit { i &+= 1 }
        guard i == b.count, i > start else { return CanonicalValue(.notInteger) }
        let count = i - first
        if count == 0 { return CanonicalValue(scratch.write(0x30)) }
        if count >= 19, count > 19 || !fits(b, first, negative: negative) { return CanonicalValue(.tooManyDigits) }
        if first == (negative ? 1 : 0) { return CanonicalValue(b) }
        var at = 0
        if negative { scratch.put(0x2D, &at) }
        scratch.put(b, first, count, &at)
        return CanonicalValue(scratch.written(at))
    }

    /// Whether the 19 digits from `first` on are within Int64.
    private func fits(_ b: UnsafeRawBufferPointer, _ first: Int, negative: Bool) -> Bool {
        var value: UInt64 = 0
        for i in first..<first + 19 { value = value &* 10 &+ UInt64(b[i] &- 0x30) }
        return value <= (negative ? UInt64(Int64.max) + 1 : UInt64(Int64.max))
    }

    /// An exact decimal with exactly `scale` digits after the point. Digits that do not fit are refused, never rounded; exponents are worked out.
    @inline(__always)
    func canonicalDecimal(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer, precision: Int, scale: Int) -> CanonicalValue {
        var i = 0
        let negative = b[0] == 0x2D
        if negative || b[0] == 0x2B { i = 1 }
        let start = i
        while i < b.count, b[i] == 0x30 { i &+= 1 }
        let first = i
        while i < b.count, b[i].isDigit { i &+= 1 }
        let end = i
        var fraction = 0
        var isZero = first == end
        if i < b.count, b[i] == 0x2E {
            i &+= 1
            while i < b.count, b[i].isDigit {
                isZero = isZero && b[i] == 0x30
                i &+= 1
            }
            fraction = i &- end &- 1
        }
        guard end - start + fraction > 0 else { return CanonicalValue(.notDecimal) }
        if i < b.count { return scientific(b, scratch, DecimalParts(negative: negative, whole: start, end: end, fraction: fraction), i) }

        // What does not fit: too many digits before the point, or digits other than zero after the last place.
        if end - first > precision - scale { return CanonicalValue(.tooManyDigits) }
        if fraction > scale {
            for place in end &+ 1 &+ scale..<i where b[place] != 0x30 { return CanonicalValue(.tooManyDigits) }
        }
        // The usual spelling is canonical already.
        let wholeIsCanonical = first < end ? first == (negative ? 1 : 0) : start == (negative ? 1 : 0) && end == start + 1
        if wholeIsCanonical, !(negative && isZero), fraction == scale, (scale == 0) == (i == end) { return CanonicalValue(b) }

        var at = 0
        if negative, !isZero { scratch.put(0x2D, &at) }
        if first < end { scratch.put(b, first, end - first, &at) } else { scratch.put(0x30, &at) }
        if scale > 0 {
            scratch.put(0x2E, &at)
            let copied = min(fraction, scale)
            scratch.put(b, end + 1, copied, &at)
            for _ in copied..<scale { scratch.put(0x30, &at) }
        }
        return CanonicalValue(scratch.written(at))
    }

    /// `1.0E7`, `1e-3`: the same number, written out.
    @inline(never)
    private func scientific(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer, _ parts: DecimalParts, _ mark: Int) -> CanonicalValue {
        guard b[mark] | 0x20 == 0x65 else { return CanonicalValue(.notDecimal) }
        var i = mark + 1
        var down = false
        if i < b.count, b[i] == 0x2B || b[i] == 0x2D {
            down = b[i] == 0x2D
            i += 1
        }
        let digits = b.digits(from: i, limit: b.count)
        guard digits > 0, i + digits == b.count else { return CanonicalValue(.notDecimal) }
        // Beyond a million places nothing fits any type; the cap keeps the sum in range.
        var exponent = 0
        for place in i..<b.count { exponent = min(exponent * 10 + Int(b[place] &- 0x30), 1_000_000) }

        let whole = parts.end - parts.whole
        let count = whole + parts.fraction
        func digit(_ k: Int) -> UInt8 {
            if k < 0 || k >= count { return 0x30 }
            return k < whole ? b[parts.whole + k] : b[parts.end + 1 + k - whole]
        }
        guard let first = (0..<count).first(where: { digit($0) != 0x30 }), let last = (0..<count).last(where: { digit($0) != 0x30 }) else {
            return CanonicalValue(writeZero(scratch))
        }
        let point = whole + (down ? -exponent : exponent)
        guard point - first <= precision - scale, last + 1 - point <= scale else { return CanonicalValue(.tooManyDigits) }
        var at = 0
        if parts.negative { scratch.put(0x2D, &at) }
        if point <= first { scratch.put(0x30, &at) } else { for k in first..<point { scratch.put(digit(k), &at) } }
        if scale > 0 {
            scratch.put(0x2E, &at)
            for k in point..<point + scale { scratch.put(digit(k), &at) }
        }
        return CanonicalValue(scratch.written(at))
    }

    private func writeZero(_ scratch: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        var at = 0
        scratch.put(0x30, &at)
        if scale > 0 {
            scratch.put(0x2E, &at)
            for _ in 0..<scale { scratch.put(0x30, &at) }
        }
        return scratch.written(at)
    }
}

/// Where the digits of a decimal stand: from `whole` to `end`, then after one point `fraction` more.
private struct DecimalParts {
    let negative: Bool
    let whole: Int
    let end: Int
    let fraction: Int
}

extension UnsafeMutableRawBufferPointer {
    @inline(__always) func put(_ byte: UInt8, _ at: inout Int) {
        self[at] = byte
        at &+= 1
    }

    @inline(__always) func put(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int, _ at: inout Int) {
        for i in 0..<count { self[at &+ i] = bytes[start &+ i] }
        at &+= count
    }

    /// `width` digits of a number that is not negative, with leading zeros.
    @inline(__always) func put(number: Int, width: Int, _ at: inout Int) {
        var rest = number
        var place = width
        while place > 0 {
            place &-= 1
            self[at &+ place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        at &+= width
    }

    @inline(__always) func write(_ byte: UInt8) -> UnsafeRawBufferPointer {
        self[0] = byte
        return written(1)
    }

    @inline(__always) func written(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: baseAddress, count: count) }
}
