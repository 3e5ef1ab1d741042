internal import Foundation

/// How texts and questions are made alike, so that one finds the other.
///
/// Compatibility forms are folded (full-width letters and digits among them; Unicode NFKC), letters made small, traditional characters made simplified.
/// The result is UTF-16 code units, since nearly all that is written here is one unit per character, and a table over them is quick.
public enum Folding {
    /// What a folded unit is part of.
    enum Kind: UInt8 {
        /// Nothing: spaces, punctuation, symbols.
        case gap
        /// A text without spaces between words: ideographs, Kana, Hangul.
        case unspaced
        /// A word of a script that has spaces: letters and digits.
        case word
    }

    /// A unit that cannot be folded by itself: it composes with its neighbours, becomes several, or is half of a pair.
    private static let complex: UInt8 = 255

    private struct Table: Sendable {
        var folded = [UInt16](repeating: 0, count: 65_536)
        var kind = [UInt8](repeating: Kind.gap.rawValue, count: 65_536)
    }

    private static let table = makeTable()

    static func kind(_ unit: UInt16) -> Kind { Kind(rawValue: table.kind[Int(unit)]) ?? .word }

    /// The folded units of a text; gaps are 0.
    public static func units(_ text: String) -> [UInt16] {
        var text = text
        return text.withUTF8 { units($0) }
    }

    /// The folded units of UTF-8; what is none becomes gaps.
    static func units(_ utf8: UnsafeBufferPointer<UInt8>) -> [UInt16] {
        simpleUnits(utf8) ?? composed(String(decoding: utf8, as: UTF8.self))
    }

    /// The folded units, where each unit folds by itself: then there are as many as in the text.
    static func simpleUnits(_ utf8: UnsafeBufferPointer<UInt8>) -> [UInt16]? {
        var units: [UInt16] = []
        units.reserveCapacity(utf8.count)
        let isSimple = table.folded.withUnsafeBufferPointer { folded in
            table.kind.withUnsafeBufferPointer { kind in
                var place = 0
                while place < utf8.count {
                    let byte = utf8[place]
                    let unit: Int
                    if byte < 0x80 {
                        unit = Int(byte)
                        place &+= 1
                    } else if byte >= 0xE0, byte < 0xF0, place &+ 2 < utf8.count {
                        unit = Int(byte & 0x0F) << 12 | Int(utf8[place &+ 1] & 0x3F) << 6 | Int(utf8[place &+ 2] & 0x3F)
                        place &+= 3
                    } else if byte >= 0xC0, byte < 0xE0, place &+ 1 < utf8.count {
                        unit = Int(byte & 0x1F) << 6 | Int(utf8[place &+ 1] & 0x3F)
                        place &+= 2
                    } else {
                        return false
                    }
                    if kind[unit] == complex { return false }
                    units.append(folded[unit])
                }
                return true
            }
        }
        return isSimple ? units : nil
    }

    /// The long way, for texts with combining marks, ligatures, squared units, rare ideographs.
    private static func composed(_ text: String) -> [UInt16] {
        var units: [UInt16] = []
        // Marks of half-width Kana are composed only in a second step.
        for scalar in text.precomposedStringWithCompatibilityMapping.precomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.value < 0x10000, table.kind[Int(scalar.value)] != complex {
                units.append(table.folded[Int(scalar.value)])
            } else if scalar.value < 0x10000 {
                for unit in scalar.properties.lowercaseMapping.utf16 { units.append(table.kind[Int(unit)] == complex ? unit : table.folded[Int(unit)]) }
            } else if scalar.properties.isAlphabetic || scalar.properties.isIdeographic {
                units.append(contentsOf: UTF16.encode(scalar)!)
            } else {
                units.append(0)
            }
        }
        return units
    }

    private static func makeTable() -> Table {
        var table = Table()
        let simplified = simplification()
        for value in UInt32(0)..<65_536 {
            let place = Int(value)
            guard let scalar = Unicode.Scalar(value) else {
                table.folded[place] = UInt16(value)
                table.kind[place] = complex
                continue
            }
            let text = String(scalar).precomposedStringWithCompatibilityMapping.lowercased()
            guard !composes(scalar), let only = text.unicodeScalars.first, text.unicodeScalars.count == 1, only.value < 0x10000 else {
                table.folded[place] = UInt16(value)
                table.kind[place] = complex
                continue
            }
            let folded = simplified[only.value] ?? UInt16(only.value)
            let kind = kind(of: Unicode.Scalar(folded) ?? only)
            table.folded[place] = kind == .gap ? 0 : folded
            table.kind[place] = kind.rawValue
        }
        return table
    }

    /// Characters that differ between the two scripts, traditional to simplified (ICU's transform, of CLDR).
    private static func simplification() -> [UInt32: UInt16] {
        let ideographs = (Array(UInt32(0x3400)...0x4DBF) + Array(0x4E00...0x9FFF)).compactMap(Unicode.Scalar.init)
        // One line each, so that no character is read as part of a word.
        let lines = ideographs.map { String($0) }.joined(separator: "\n")
        let simple = lines.applyingTransform(StringTransform("Hant-Hans"), reverse: false)?.split(separator: "\n", omittingEmptySubsequences: false) ?? []
        guard simple.count == ideographs.count else { return [:] }
        var pairs: [UInt32: UInt16] = [:]
        for (from, to) in zip(ideographs, simple) {
            guard let only = to.unicodeScalars.first, to.unicodeScalars.count == 1, only != from, only.value < 0x10000 else { continue }
            pairs[from.value] = UInt16(only.value)
        }
        return pairs
    }

    /// Whether a scalar may melt into the one before it.
    private static func composes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return (0x1100...0x11FF).contains(scalar.value) || (0x3131...0x318E).contains(scalar.value) || (0xFF9E...0xFFDC).contains(scalar.value)
        }
    }

    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        switch scalar.value {
        // Ideographs and 々〇; Kana; Hangul.
        case 0x3005, 0x3007, 0x3041...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF: return .unspaced
        default: break
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber, .letterNumber, .otherNumber: return .word
        default: return .gap
        }
    }
}

extension Folding {
    /// One part of a question or text.
    enum Token: Hashable, Sendable {
        /// A run of characters of a script without spaces.
        case run([UInt16])
        case word(String)
    }

    /// A word is cut here; nobody types more of one.
    static let longestWord = 64

    static func tokens(_ text: String) -> [Token] {
        let units = units(text)
        var tokens: [Token] = []
        units.withUnsafeBufferPointer { units in
            forEachToken(units) { range, isRun in
                tokens.append(isRun ? .run(Array(units[range])) : .word(String(decoding: units[range].prefix(longestWord), as: UTF16.self)))
            }
        }
        return tokens
    }

    /// Calls for each run and each word, in order.
    @inline(__always)
    static func forEachToken(_ units: UnsafeBufferPointer<UInt16>, _ body: (Range<Int>, _ isRun: Bool) -> Void) {
        table.kind.withUnsafeBufferPointer { kinds in
            var start = 0
            var open = Kind.gap.rawValue
            for place in 0..<units.count {
                var kind = kinds[Int(units[place])]
                // Half of a pair belongs to a rare ideograph, a mark to its word.
                if kind == complex { kind = (0xD800...0xDFFF).contains(units[place]) ? Kind.unspaced.rawValue : Kind.word.rawValue }
                if kind == open { continue }
                if open != Kind.gap.rawValue { body(start..<place, open == Kind.unspaced.rawValue) }
                open = kind
                start = place
            }
            if open != Kind.gap.rawValue { body(start..<units.count, open == Kind.unspaced.rawValue) }
        }
    }
}
