/// A JSON value with the place where it begins; numbers keep their digits.
struct FilterJSON {
    indirect enum Value {
        case object([(name: String, value: FilterJSON)])
        case array([FilterJSON])
        case string(String)
        case number(String)
        case boolean(Bool)
        case null
    }

    let value: Value
    /// The character, counted from 1.
    let place: Int

    subscript(_ name: String) -> FilterJSON? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Reads JSON (RFC 8259).
    static func parse(_ text: String) throws(FilterFault) -> FilterJSON {
        var parser = FilterJSONParser(scalars: Array(text.unicodeScalars))
        return try parser.document()
    }
}

private struct FilterJSONParser {
    /// An operation is an object and an array of arguments.
    private static let levels = Predicate.Limits.depth * 2 + 2

    let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0

    init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    mutating func document() throws(FilterFault) -> FilterJSON {
        let value = try value()
        skipSpace()
        guard current == nil else { throw expected(zh: "结尾", en: "the end") }
        return value
    }

    private var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func skipSpace() {
        while let scalar = current, scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" { index += 1 }
    }

    private func expected(zh: String, en: String) -> FilterFault { FilterFault(index + 1, zh: "JSON：应为\(zh)", en: "JSON: expected \(en)") }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == scalar else { return false }
        index += 1
        return true
    }

    private mutating func value() throws(FilterFault) -> FilterJSON {
        skipSpace()
        let place = index + 1
        switch current {
        case "{", "[":
            depth += 1
            if depth > Self.levels { throw FilterExpression.tooDeep(place) }
            let value = current == "{" ? try object() : try array()
            depth -= 1
            return FilterJSON(value: value, place: place)
        case "\"": return FilterJSON(value: .string(try string()), place: place)
        case .some("-"), .some("0"..."9"): return FilterJSON(value: .number(try number()), place: place)
        case "t", "f", "n":
            for (word, value) in [("true", FilterJSON.Value.boolean(true)), ("false", .boolean(false)), ("null", .null)]
            where scalars[index...].starts(with: word.unicodeScalars) {
                index += word.count
                return FilterJSON(value: value, place: place)
            }
            throw expected(zh: "值", en: "a value")
        default: throw expected(zh: "值", en: "a value")
        }
    }

    private mutating func object() throws(FilterFault) -> FilterJSON.Value {
        index += 1
        var members: [(name: String, value: FilterJSON)] = []
        if take("}") { return .object([]) }
        repeat {
            skipSpace()
            let place = index + 1
            guard current == "\"" else { throw expected(zh: "双引号内的成员名", en: "a member's name in double quotes") }
            let name = try string()
            guard !members.contains(where: { $0.name == name }) else {
                throw FilterFault(place, zh: "成员 \(name.prefix(40)) 出现了两次", en: "the member \(name.prefix(40)) stands there twice")
            }
            guard take(":") else { throw expected(zh: " :", en: ":") }
            members.append((name, try value()))
        } while take(",")
        guard take("}") else { throw expected(zh: " , 或 }", en: ", or }") }
        return .object(members)
    }

    private mutating func array() throws(FilterFault) -> FilterJSON.Value {
        index += 1
        var values: [FilterJSON] = []
        if take("]") { return .array([]) }
        repeat { values.append(try value()) } while take(",")
        guard take("]") else { throw expected(zh: " , 或 ]", en: ", or ]") }
        return .array(values)
    }

    private mutating func digits() throws(FilterFault) {
        guard let first = current, ("0"..."9").contains(first) else { throw expected(zh: "数字", en: "a digit") }
        while let scalar = current, ("0"..."9").contains(scalar) { index += 1 }
    }

    /// The digits, the exponent worked in.
    private mutating func number() throws(FilterFault) -> String {
        let isNegative = take("-")
        let start = index
        // No leading zeros.
        if current == "0" { index += 1 } else { try digits() }
        if current == "." {
            index += 1
            try digits()
        }
        if current == "e" || current == "E" {
            index += 1
            if current == "+" || current == "-" { index += 1 }
            try digits()
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[start..<index])
        guard let plain = FilterNumber.plain(String(text)) else {
            throw FilterFault(start + 1, zh: "数值的位数不得超过 80", en: "a number has at most 80 digits")
        }
        return isNegative ? "-" + plain : plain
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
    ]

    private mutating func string() throws(FilterFault) -> String {
        index += 1
        var text = String.UnicodeScalarView()
        while let scalar = current {
            index += 1
            switch scalar {
            case "\"": return String(text)
            case "\\":
                guard let escape = current else { break }
                index += 1
                if let plain = Self.escapes[escape] {
                    text.append(plain)
                } else if escape == "u" {
                    text.append(try escaped())
                } else {
                    index -= 1
                    throw expected(zh: "转义字符", en: "an escape")
                }
            case "\u{0}"..<"\u{20}":
                index -= 1
                throw expected(zh: "转义的控制字符", en: "control characters to be escaped")
            default: text.append(scalar)
            }
        }
        throw expected(zh: "结束的引号", en: "the closing quote")
    }

    private mutating func escaped() throws(FilterFault) -> Unicode.Scalar {
        let start = index
        let unit = try unit()
        if let scalar = Unicode.Scalar(UInt32(unit)) { return scalar }
        if (0xD800..<0xDC00).contains(unit), current == "\\", index + 1 < scalars.count, scalars[index + 1] == "u" {
            index += 2
            let low = try self.unit()
            if (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)) { return scalar }
        }
        index = start
        throw expected(zh: "成对的代理项", en: "a pair of surrogates")
    }

    private mutating func unit() throws(FilterFault) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let scalar = current, scalar.isASCII, let digit = Character(scalar).hexDigitValue else { throw expected(zh: "四位十六进制数字", en: "four hexadecimal digits") }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }
}
