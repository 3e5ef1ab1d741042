extension FieldType {
    /// Reads a literal as it stands in a question, and spells it canonically.
    ///
    /// More is understood than a file may hold: a day stands for the midnight (+08:00) that begins it, and a space for the `+` that query strings turn into one.
    /// - Returns: nil when the text is no value of this type; ``literalExpectation`` says what would be.
    public func literal(_ text: String) -> String? {
        switch self {
        case .text, .code, .geoPoint: return text.utf8.contains(0) ? nil : text
        case .integer: return Int64(text).map { String($0) }
        case .decimal: return Self.isDecimal(text) ? text : nil
        case .boolean: return text == "true" || text == "false" ? text : nil
        case .date: return CalendarDate(text)?.description
        case .datetime: return Self.instant(text).flatMap { $0.isWritable ? $0.description : nil }
        case .period: return Self.isPeriod(text) ? text : nil
        case .json: return nil
        }
    }

    /// What a literal of this type looks like.
    public var literalExpectation: LocalizedText {
        switch self {
        case .text, .code: LocalizedText(zh: "应为文本", en: "expected text")
        case .integer: LocalizedText(zh: "应为 64 位整数，如 42", en: "expected a 64-bit integer such as 42")
        case .decimal: LocalizedText(zh: "应为十进制数，如 12.50", en: "expected a decimal number such as 12.50")
        case .boolean: LocalizedText(zh: "应为 true 或 false", en: "expected true or false")
        case .date: LocalizedText(zh: "应为日期 YYYY-MM-DD", en: "expected a date YYYY-MM-DD")
        case .datetime:
            LocalizedText(
                zh: "应为带时差的 RFC 3339 时间，如 2026-03-01T08:00:00%2B08:00，或日期 YYYY-MM-DD；\(Timestamp.writable.zh)",
                en: "expected an RFC 3339 time with offset such as 2026-03-01T08:00:00%2B08:00, or a date YYYY-MM-DD; \(Timestamp.writable.text(in: .en))"
            )
        case .period: LocalizedText(zh: "应为期间 YYYY、YYYY-MM 或 YYYY-Qn", en: "expected a period YYYY, YYYY-MM or YYYY-Qn")
        case .geoPoint: LocalizedText(zh: "应为 经度,纬度", en: "expected longitude,latitude")
        case .json: LocalizedText(zh: "json 类型只能用 __null 筛选", en: "fields of type json can only be filtered with __null")
        }
    }

    /// Digits with an optional sign and point; no exponent, and no more digits than any field can hold twice over.
    private static func isDecimal(_ text: String) -> Bool {
        var digits = 0, points = 0
        for (place, byte) in text.utf8.enumerated() {
            switch byte {
            case 0x30...0x39: digits += 1
            case 0x2E: points += 1
            case 0x2B, 0x2D: if place > 0 { return false }
            default: return false
            }
        }
        return (1...80).contains(digits) && points <= 1
    }

    private static func instant(_ text: String) -> Timestamp? {
        if let instant = Timestamp(text) { return instant }
        if text.utf8.count == 10 { return Timestamp(text + "T00:00:00+08:00") }
        // A '+' that was not percent-encoded arrives as a space.
        if text.utf8.count > 19, let space = text.lastIndex(of: " "), text.distance(from: text.startIndex, to: space) > 10 {
            return Timestamp(text.replacing(" ", with: "+", from: space))
        }
        return Timestamp(text + "+08:00")
    }

    private static func isPeriod(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isYear() -> Bool { bytes.prefix(4).allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && bytes.prefix(4) != [0x30, 0x30, 0x30, 0x30] }
        switch bytes.count {
        case 4: return isYear()
        case 7:
            guard isYear(), bytes[4] == 0x2D else { return false }
            if bytes[5] == 0x51 { return (0x31...0x34).contains(bytes[6]) }
            return CalendarDate(text + "-01") != nil
        default: return false
        }
    }
}

extension String {
    fileprivate func replacing(_ old: Character, with new: Character, from index: Index) -> String {
        var copy = self
        if copy[index] == old { copy.replaceSubrange(index...index, with: String(new)) }
        return copy
    }
}
