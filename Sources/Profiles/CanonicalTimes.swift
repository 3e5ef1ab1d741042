internal import Model

/// A day and where its spelling ends.
private struct ParsedDay {
    let year: Int
    let month: Int
    let day: Int
    let end: Int
    /// The spelling is `YYYY-MM-DD`.
    let isCanonical: Bool
}

extension ValuePlan {
    /// `YYYY-MM-DD`; also read: `YYYY/M/D`, `YYYY-M-D`, `YYYYMMDD`, `YYYY年M月D日`.
    @inline(__always)
    func canonicalDate(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        guard let day = parsedDay(b), day.end == b.count else { return CanonicalValue(.notDate) }
        if day.isCanonical { return CanonicalValue(b) }
        var at = 0
        scratch.put(day, &at)
        return CanonicalValue(scratch.written(at))
    }

    /// RFC 3339 in the offset +08:00, with the fraction's digits up to the last that is not zero.
    ///
    /// Also read: any offset, `T` or spaces, no seconds, the spellings of dates; more than six digits of fraction only where they are zeros.
    @inline(__always)
    func canonicalDatetime(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer, defaultOffset: Int) -> CanonicalValue {
        guard let day = parsedDay(b) else { return CanonicalValue(.notDatetime) }
        if day.isCanonical, b.count == 25, b[10] == 0x54, b[13] == 0x3A, b[16] == 0x3A, b.endsInChinaOffset, let _ = b.clock(11) { return CanonicalValue(b) }
        return otherDatetime(b, scratch, day, defaultOffset)
    }

    @inline(never)
    private func otherDatetime(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer, _ day: ParsedDay, _ defaultOffset: Int) -> CanonicalValue {
        let bad = CanonicalValue(.notDatetime)
        var i = day.end
        guard i < b.count else { return bad }
        if b[i] | 0x20 == 0x74 {
            i += 1
        } else if b[i] == 0x20 {
            while i < b.count, b[i] == 0x20 { i += 1 }
        } else {
            return bad
        }
        let hourDigits = b.digits(from: i, limit: 3)
        guard hourDigits == 1 || hourDigits == 2 else { return bad }
        let hour = b.number(i, hourDigits)
        i += hourDigits
        guard i < b.count, b[i] == 0x3A, b.digits(from: i + 1, limit: 3) == 2 else { return bad }
        let minute = b.number(i + 1, 2)
        i += 3
        var second = 0
        var micro = 0
        if i < b.count, b[i] == 0x3A {
            guard b.digits(from: i + 1, limit: 3) == 2 else { return bad }
            second = b.number(i + 1, 2)
            i += 3
            if i < b.count, b[i] == 0x2E {
                let digits = b.digits(from: i + 1, limit: b.count)
                guard digits > 0 else { return bad }
                for place in 0..<6 { micro = micro * 10 + (place < digits ? Int(b[i + 1 + place] &- 0x30) : 0) }
                if digits > 6 { for place in 6..<digits where b[i + 1 + place] != 0x30 { return bad } }
                i += 1 + digits
            }
        }
        guard hour < 24, minute < 60, second < 60 else { return bad }
        let offset: Int
        if i == b.count {
            if defaultOffset == Self.noOffset { return CanonicalValue(.missingOffset) }
            offset = defaultOffset
        } else {
            guard let given = b.offset(at: i) else { return bad }
            offset = given
        }

        var local = day
        var secondOfDay = hour * 3600 + minute * 60 + second
        if offset != 480 {
            guard let date = CalendarDate(year: day.year, month: day.month, day: day.day) else { return bad }
            let shifted = secondOfDay + (480 - offset) * 60
            let days = shifted >= 0 ? shifted / 86_400 : (shifted - 86_399) / 86_400
            secondOfDay = shifted - days * 86_400
            let moved = CalendarDate(daysSince1970: date.daysSince1970 + days)
            guard (1...9999).contains(moved.year) else { return bad }
            local = ParsedDay(year: moved.year, month: moved.month, day: moved.day, end: 0, isCanonical: false)
        }
        var at = 0
        scratch.put(local, &at)
        scratch.put(0x54, &at)
        scratch.put(number: secondOfDay / 3600, width: 2, &at)
        scratch.put(0x3A, &at)
        scratch.put(number: secondOfDay / 60 % 60, width: 2, &at)
        scratch.put(0x3A, &at)
        scratch.put(number: secondOfDay % 60, width: 2, &at)
        if micro != 0 {
            scratch.put(0x2E, &at)
            scratch.put(number: micro, width: 6, &at)
            while scratch[at - 1] == 0x30 { at -= 1 }
        }
        for byte in "+08:00".utf8 { scratch.put(byte, &at) }
        return CanonicalValue(scratch.written(at))
    }

    /// `YYYY`, `YYYY-MM` or `YYYY-Qn`; also read: `YYYY/M`, `YYYYMM`, `YYYYQn`, `YYYY年`, `YYYY年M月`, `YYYY年n季度`, `YYYY年第n季度`.
    @inline(__always)
    func canonicalPeriod(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        let bad = CanonicalValue(.notPeriod)
        guard b.count >= 4, b.digits(from: 0, limit: 4) == 4, b.number(0, 4) > 0 else { return bad }
        if b.count == 4 { return CanonicalValue(b) }
        if b.count == 7, b[4] == 0x2D {
            if b[5] == 0x51 { return (0x31...0x34).contains(b[6]) ? CanonicalValue(b) : bad }
            if b[5].isDigit, b[6].isDigit { return (1...12).contains(b.number(5, 2)) ? CanonicalValue(b) : bad }
        }
        return otherPeriod(b, scratch)
    }

    @inline(never)
    private func otherPeriod(_ b: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        let bad = CanonicalValue(.notPeriod)
        let year = UnsafeRawBufferPointer(rebasing: b[0..<4])
        var i = 4
        var chinese = false
        if b.holds(Sign.year, at: i) {
            i += 3
            if i == b.count { return CanonicalValue(year) }
            chinese = true
        } else if b[i] == 0x2D || b[i] == 0x2F {
            i += 1
        }
        var at = 0
        scratch.put(year, 0, 4, &at)
        scratch.put(0x2D, &at)
        if i < b.count, b[i] | 0x20 == 0x71, !chinese {
            guard i + 2 == b.count, (0x31...0x34).contains(b[i + 1]) else { return bad }
            scratch.put(0x51, &at)
            scratch.put(b[i + 1], &at)
            return CanonicalValue(scratch.written(at))
        }
        if chinese, b.holds(Sign.ordinal, at: i) { i += 3 }
        let digits = b.digits(from: i, limit: 3)
        guard digits == 1 || digits == 2 else { return bad }
        let number = b.number(i, digits)
        let end = i + digits
        if chinese, b.holds(Sign.season, at: end), b.holds(Sign.degree, at: end + 3), end + 6 == b.count {
            guard digits == 1, (1...4).contains(number) else { return bad }
            scratch.put(0x51, &at)
            scratch.put(b[i], &at)
            return CanonicalValue(scratch.written(at))
        }
        // Six digits run together need both of the month's.
        guard chinese ? b.holds(Sign.month, at: end) && end + 3 == b.count && b[i - 1] != Sign.ordinal.2 : end == b.count && (i == 5 || digits == 2) else { return bad }
        guard (1...12).contains(number) else { return bad }
        scratch.put(number: number, width: 2, &at)
        return CanonicalValue(scratch.written(at))
    }

    @inline(__always)
    private func parsedDay(_ b: UnsafeRawBufferPointer) -> ParsedDay? {
        guard b.count >= 8, b.digits(from: 0, limit: 4) == 4 else { return nil }
        let year = b.number(0, 4)
        if b.count >= 10, b[4] == 0x2D, b[7] == 0x2D, b[5].isDigit, b[6].isDigit, b[8].isDigit, b[9].isDigit, b.count == 10 || !b[10].isDigit {
            return parsedDay(year, b.number(5, 2), b.number(8, 2), end: 10, isCanonical: true)
        }
        return otherDay(b, year)
    }

    @inline(never)
    private func otherDay(_ b: UnsafeRawBufferPointer, _ year: Int) -> ParsedDay? {
        if b.digits(from: 4, limit: 5) == 4 { return parsedDay(year, b.number(4, 2), b.number(6, 2), end: 8, isCanonical: false) }
        let chinese = b.holds(Sign.year, at: 4)
        guard chinese || b[4] == 0x2D || b[4] == 0x2F else { return nil }
        var i = chinese ? 7 : 5
        let monthDigits = b.digits(from: i, limit: 3)
        guard monthDigits == 1 || monthDigits == 2 else { return nil }
        let month = b.number(i, monthDigits)
        i += monthDigits
        guard chinese ? b.holds(Sign.month, at: i) : i < b.count && b[i] == b[4] else { return nil }
        i += chinese ? 3 : 1
        let dayDigits = b.digits(from: i, limit: 3)
        guard dayDigits == 1 || dayDigits == 2 else { return nil }
        let day = b.number(i, dayDigits)
        i += dayDigits
        if chinese {
            guard b.holds(Sign.day, at: i) else { return nil }
            i += 3
        }
        return parsedDay(year, month, day, end: i, isCanonical: false)
    }

    @inline(__always)
    private func parsedDay(_ year: Int, _ month: Int, _ day: Int, end: Int, isCanonical: Bool) -> ParsedDay? {
        guard year > 0, month >= 1, month <= 12, day >= 1, day <= 28 || day <= CalendarDate.days(in: month, of: year) else { return nil }
        return ParsedDay(year: year, month: month, day: day, end: end, isCanonical: isCanonical)
    }
}

/// Chinese characters in spellings of time, as UTF-8.
private enum Sign {
    typealias Bytes = (UInt8, UInt8, UInt8)

    static var year: Bytes { (0xE5, 0xB9, 0xB4) }
    static var month: Bytes { (0xE6, 0x9C, 0x88) }
    static var day: Bytes { (0xE6, 0x97, 0xA5) }
    /// 第
    static var ordinal: Bytes { (0xE7, 0xAC, 0xAC) }
    /// 季度, a quarter.
    static var season: Bytes { (0xE5, 0xAD, 0xA3) }
    static var degree: Bytes { (0xE5, 0xBA, 0xA6) }
}

extension UnsafeRawBufferPointer {
    @inline(__always) fileprivate func holds(_ sign: Sign.Bytes, at i: Int) -> Bool {
        i + 3 <= count && self[i] == sign.0 && self[i + 1] == sign.1 && self[i + 2] == sign.2
    }

    /// `+08:00` in the last six of 25 bytes.
    @inline(__always) fileprivate var endsInChinaOffset: Bool {
        self[19] == 0x2B && self[20] == 0x30 && self[21] == 0x38 && self[22] == 0x3A && self[23] == 0x30 && self[24] == 0x30
    }

    /// The second of the day of `HH:MM:SS` at `i`, whose colons have been looked at.
    @inline(__always) fileprivate func clock(_ i: Int) -> Int? {
        guard self[i].isDigit, self[i + 1].isDigit, self[i + 3].isDigit, self[i + 4].isDigit, self[i + 6].isDigit, self[i + 7].isDigit else { return nil }
        let hour = number(i, 2)
        let minute = number(i + 3, 2)
        let second = number(i + 6, 2)
        return hour < 24 && minute < 60 && second < 60 ? hour * 3600 + minute * 60 + second : nil
    }

    /// Minutes east of UTC from `Z`, `±hh`, `±hhmm` or `±hh:mm`, which must end the value; spaces may come before.
    fileprivate func offset(at start: Int) -> Int? {
        var i = start
        while i < count, self[i] == 0x20 { i += 1 }
        guard i < count else { return nil }
        if self[i] | 0x20 == 0x7A { return i + 1 == count ? 0 : nil }
        guard self[i] == 0x2B || self[i] == 0x2D else { return nil }
        let sign = self[i] == 0x2D ? -1 : 1
        let digits = self.digits(from: i + 1, limit: 5)
        var minutes = 0
        if digits == 4, i + 5 == count {
            minutes = number(i + 3, 2)
        } else if digits == 2, i + 6 == count, self[i + 3] == 0x3A, self.digits(from: i + 4, limit: 2) == 2 {
            minutes = number(i + 4, 2)
        } else if digits != 2 || i + 3 != count {
            return nil
        }
        let hours = number(i + 1, 2)
        // The widest offsets that were ever in use are −12 and +14; RFC 3339 allows any hour of the day.
        guard hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func put(_ day: ParsedDay, _ at: inout Int) {
        put(number: day.year, width: 4, &at)
        put(0x2D, &at)
        put(number: day.month, width: 2, &at)
        put(0x2D, &at)
        put(number: day.day, width: 2, &at)
    }
}
