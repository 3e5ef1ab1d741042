internal import Model

extension ValuePlan {
    /// `true` or `false`; also read: 1, 0, t, f, yes, no in any case, 是, 否.
    func canonicalBoolean(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        let isTrue: Bool
        if b.isWord("true") || b.isWord("t") || b.isWord("yes") || b.isWord("1") || b.isWord("是") {
            isTrue = true
        } else if b.isWord("false") || b.isWord("f") || b.isWord("no") || b.isWord("0") || b.isWord("否") {
            isTrue = false
        } else {
            return CanonicalValue(.notBoolean)
        }
        var at = 0
        scratch.put(isTrue ? "true" : "false", &at)
        return CanonicalValue(scratch.written(at))
    }

    /// `longitude,latitude` in degrees: plain decimals of up to 15 places, zeros at either end left out, one comma, no space.
    func canonicalPoint(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        let bad = CanonicalValue(.notPoint)
        guard let comma = b.firstIndex(of: 0x2C) else { return bad }
        var at = 0
        guard degrees(UnsafeRawBufferPointer(rebasing: b[0..<comma]).trimmed, scratch, &at, limit: 180) else { return bad }
        scratch.put(0x2C, &at)
        guard degrees(UnsafeRawBufferPointer(rebasing: b[(comma + 1)...]).trimmed, scratch, &at, limit: 90) else { return bad }
        return CanonicalValue(scratch.written(at))
    }

    private func degrees(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer, _ at: inout Int, limit: Int) -> Bool {
        guard b.count > 0 else { return false }
        var i = b[0] == 0x2D || b[0] == 0x2B ? 1 : 0
        let negative = b[0] == 0x2D
        let start = i
        while i < b.count, b[i] == 0x30 { i += 1 }
        let wholeDigits = b.digits(from: i, limit: 4)
        guard wholeDigits <= 3, i + wholeDigits > start else { return false }
        let whole = b.number(i, wholeDigits)
        i += wholeDigits
        var last = i
        let point = i
        if i < b.count, b[i] == 0x2E {
            let digits = b.digits(from: i + 1, limit: b.count)
            guard digits > 0 else { return false }
            for place in i + 1...i + digits where b[place] != 0x30 { last = place + 1 }
            i += 1 + digits
        }
        let places = last > point ? last - point - 1 : 0
        guard i == b.count, places <= 15, whole < limit || (whole == limit && places == 0) else { return false }
        if negative, whole > 0 || places > 0 { scratch.put(0x2D, &at) }
        if whole >= 100 { scratch.put(number: whole, width: 3, &at) } else { scratch.put(number: whole, width: whole >= 10 ? 2 : 1, &at) }
        if places > 0 { scratch.put(b, point, places + 1, &at) }
        return true
    }
}

extension UnsafeRawBufferPointer {
    /// Equal to a lower-case word, ASCII letters in any case.
    @inline(__always) fileprivate func isWord(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for i in 0..<count {
            let byte = self[i]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if lower != word.utf8Start[i] { return false }
        }
        return true
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func put(_ word: StaticString, _ at: inout Int) {
        for i in 0..<word.utf8CodeUnitCount { put(word.utf8Start[i], &at) }
    }
}
