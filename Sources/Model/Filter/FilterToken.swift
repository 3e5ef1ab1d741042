/// One word, name, literal or sign of CQL2 text.
struct FilterToken {
    enum Kind: Equatable {
        /// An identifier or a keyword.
        case word(String)
        /// An identifier in double quotes, which is never a keyword.
        case name(String)
        case text(String, pattern: String)
        case number(String)
        case sign(String)
        case end
        /// What cannot be read, and what would be expected.
        case wrong(zh: String, en: String)
    }

    let kind: Kind
    /// The character that it begins with, counted from 1.
    let place: Int
    /// As it was written.
    let spelling: String

    /// Takes a filter apart. What cannot be read becomes the last token, so that what is wrong before it is told first.
    static func all(in filter: String) -> [FilterToken] {
        var scanner = FilterScanner(scalars: Array(filter.unicodeScalars))
        var tokens: [FilterToken] = []
        while true {
            let token = scanner.next()
            tokens.append(token)
            switch token.kind {
            case .end, .wrong: return tokens
            default: continue
            }
        }
    }
}

private struct FilterScanner {
    let scalars: [Unicode.Scalar]
    private var index = 0

    init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    private var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private func token(_ kind: FilterToken.Kind, from start: Int) -> FilterToken {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[start..<index])
        return FilterToken(kind: kind, place: start + 1, spelling: String(text))
    }

    mutating func next() -> FilterToken {
        while let scalar = current, scalar.isFilterSpace { index += 1 }
        let start = index
        guard let scalar = current else { return token(.end, from: start) }
        index += 1
        switch scalar {
        case "'": return quoted(start)
        case "\"": return name(start)
        case "0"..."9": return number(start)
        case "." where current.map { ("0"..."9").contains($0) } == true: return number(start)
        case "<":
            if current == ">" || current == "=" { index += 1 }
            return sign(start)
        case ">":
            if current == "=" { index += 1 }
            return sign(start)
        case "=", "(", ")", ",", "+", "-", "*", "/", "%", "^": return sign(start)
        default:
            guard scalar.startsIdentifier else { return token(.wrong(zh: "无法识别的字符", en: "a character that begins nothing"), from: start) }
            while let scalar = current, scalar.continuesIdentifier { index += 1 }
            let word = token(.end, from: start)
            return FilterToken(kind: .word(word.spelling), place: word.place, spelling: word.spelling)
        }
    }

    private func sign(_ start: Int) -> FilterToken {
        let token = token(.end, from: start)
        return FilterToken(kind: .sign(token.spelling), place: token.place, spelling: token.spelling)
    }

    private mutating func digits() {
        while let scalar = current, ("0"..."9").contains(scalar) { index += 1 }
    }

    private mutating func number(_ start: Int) -> FilterToken {
        index = start
        digits()
        if current == "." {
            index += 1
            digits()
        }
        if current == "E" || current == "e" {
            let mark = index
            index += 1
            if current == "+" || current == "-" { index += 1 }
            let first = index
            digits()
            if index == first { index = mark }
        }
        let spelling = token(.end, from: start).spelling
        guard let plain = FilterNumber.plain(spelling) else {
            return token(.wrong(zh: "数值的位数不得超过 80", en: "a number has at most 80 digits"), from: start)
        }
        return token(.number(plain), from: start)
    }

    private mutating func name(_ start: Int) -> FilterToken {
        while let scalar = current, scalar != "\"" { index += 1 }
        guard current != nil else { return unclosed("\"") }
        let inner = scalars[(start + 1)..<index]
        index += 1
        guard !inner.isEmpty else { return token(.wrong(zh: "引号内应为信息项名", en: "expected a field's name between the quotes"), from: start) }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: inner)
        return token(.name(String(text)), from: start)
    }

    private func unclosed(_ quote: String) -> FilterToken {
        token(.wrong(zh: "缺少结束的引号 \(quote)", en: "expected the closing quote \(quote)"), from: scalars.count)
    }

    /// Control characters behind a backslash (CQL2, requirement cql2-text/escaping).
    private static let controls: [Unicode.Scalar: Unicode.Scalar] = [
        "a": "\u{7}", "b": "\u{8}", "t": "\u{9}", "n": "\u{A}", "v": "\u{B}", "f": "\u{C}", "r": "\u{D}",
    ]

    private mutating func quoted(_ start: Int) -> FilterToken {
        var value = String.UnicodeScalarView(), pattern = String.UnicodeScalarView()
        while let scalar = current {
            index += 1
            switch scalar {
            case "'":
                guard current == "'" else { return token(.text(String(value), pattern: String(pattern)), from: start) }
                index += 1
                value.append("'")
                pattern.append("'")
            case "\\":
                guard let escaped = current else { return unclosed("'") }
                index += 1
                if escaped == "'" {
                    value.append("'")
                    pattern.append("'")
                } else if let control = Self.controls[escaped] {
                    value.append(control)
                    pattern.append(control)
                } else {
                    if escaped != "\\" { value.append("\\") }
                    value.append(escaped)
                    pattern.append("\\")
                    pattern.append(escaped)
                }
            default:
                value.append(scalar)
                pattern.append(scalar)
            }
        }
        return unclosed("'")
    }
}

// The sets are those of the grammar's rules `whitespace`, `identifierStart` and `identifierPart`.
extension Unicode.Scalar {
    fileprivate var isFilterSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    fileprivate var startsIdentifier: Bool {
        switch value {
        case 0x3A, 0x5F, 0x41...0x5A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2FF, 0x370...0x37D, 0x37F...0x1FFE, 0x200C...0x200D, 0x2070...0x218F,
            0x2C00...0x2FEF, 0x3001...0xD7FF, 0xF900...0xFDCF, 0xFDF0...0xFFFD, 0x10000...0xEFFFF:
            true
        default: false
        }
    }

    fileprivate var continuesIdentifier: Bool {
        switch value {
        case 0x2E, 0x30...0x39, 0x300...0x36F, 0x203F...0x2040: true
        default: startsIdentifier
        }
    }
}
