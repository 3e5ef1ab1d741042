extension ByteSink {
    /// Appends one CSV field just as PostgreSQL's `COPY … (FORMAT csv)` writes it: quoted if it is empty (null is the
    /// empty field without quotes) or has a comma, a quote, LF or CR in it, with its quotes doubled.
    ///
    /// - Parameters:
    ///   - bytes: the content, UTF-8.
    ///   - alone: whether it is the only field of its record: then `\.` is quoted, which would end a COPY.
    ///   - guarded: whether a text that a spreadsheet would take for a formula gets a `'` in front.
    @inlinable
    public mutating func append(field bytes: UnsafeRawBufferPointer, alone: Bool = false, guarded: Bool = false) {
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            append("\"\"" as StaticString)
            return
        }
        appendField(start.assumingMemoryBound(to: UInt8.self), bytes.count, alone: alone, guarded: guarded)
    }

    @usableFromInline
    mutating func appendField(_ source: UnsafePointer<UInt8>, _ count: Int, alone: Bool, guarded: Bool) {
        // Room for the worst case: each byte a quote, two quotes around, the guard.
        reserve(count &* 2 &+ 16)
        let guards = guarded && Self.looksLikeFormula(source[0])
        let endsCopy = alone && count == 2 && source[0] == 0x5C && source[1] == 0x2E
        if !guards, !endsCopy, copyWhilePlain(source, count) {
            length &+= count
            return
        }
        let quotes = endsCopy || Self.needsQuotes(source, count)
        if quotes { append(Byte.quote) }
        if guards { append(0x27) }
        if quotes {
            for index in 0..<count {
                let byte = source[index]
                base[length] = byte
                length &+= 1
                if byte == Byte.quote {
                    base[length] = byte
                    length &+= 1
                }
            }
            append(Byte.quote)
        } else {
            append(UnsafeRawBufferPointer(start: source, count: count))
        }
    }

    /// Whether a spreadsheet may take a text for a formula by its first byte: `=`, `+`, `-`, `@`, tab or CR.
    static func looksLikeFormula(_ first: UInt8) -> Bool {
        switch first {
        case 0x3D, 0x2B, 0x2D, 0x40, Byte.tab, Byte.carriageReturn: true
        default: false
        }
    }

    /// Copies behind the end, without moving it, and says whether nothing in the copy needs quotes.
    @inline(__always)
    private func copyWhilePlain(_ source: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let target = UnsafeMutableRawPointer(base + length)
        var special: UInt64 = 0
        if count >= 8 {
            var position = 0
            while position &+ 8 <= count {
                let word = Word.load(source + position)
                special |= Self.specials(word)
                target.storeBytes(of: word.littleEndian, toByteOffset: position, as: UInt64.self)
                position &+= 8
            }
            // The last word overlaps the one before.
            let word = Word.load(source + (count &- 8))
            special |= Self.specials(word)
            target.storeBytes(of: word.littleEndian, toByteOffset: count &- 8, as: UInt64.self)
        } else {
            let word = Word.loadShort(source, count)
            special = Self.specials(word)
            // There is always room for a whole word.
            target.storeBytes(of: word.littleEndian, as: UInt64.self)
        }
        return special == 0
    }

    private static func needsQuotes(_ source: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var position = 0
        while position < count {
            if specials(Word.load(source, position, count)) != 0 { return true }
            position += 8
        }
        return false
    }

    @inline(__always)
    private static func specials(_ word: UInt64) -> UInt64 {
        let seven = word & Word.low7
        let same =
            Word.differs(seven, Word.repeating(Byte.comma)) & Word.differs(seven, Word.repeating(Byte.quote))
            & Word.differs(seven, Word.repeating(Byte.lineFeed)) & Word.differs(seven, Word.repeating(Byte.carriageReturn))
        return ~(same | word) & Word.top
    }
}
