/// Shows where the words of a question stand in a text.
///
/// What it gives is safe to put into HTML as it is: `&`, `<`, `>`, `"` and `'` are escaped, and the only tags are `<em>` around what was found.
public struct Highlighter: Sendable {
    private let phrases: [[UInt16]]
    private let words: [(word: String, isPrefix: Bool)]

    /// UTF-16 units of a snippet, about.
    private static let snippetLength = 160
    /// Units before the first place, where a text is cut.
    private static let lead = 40

    public init(_ question: Question) {
        let atoms = question.clauses.flatMap { $0.alternatives.joined() }
        phrases = atoms.compactMap { if case .phrase(let units) = $0 { units } else { nil } }
        words = atoms.compactMap { if case .word(let word, let isPrefix) = $0 { (word, isPrefix) } else { nil } }
    }

    /// The whole text with marks; nil where nothing was found in it.
    public func title(_ text: String) -> String? {
        let places = places(in: text)
        return places.isEmpty ? nil : Self.marked(Array(text.utf16), places, 0..<text.utf16.count)
    }

    /// A piece of the text around the first place, with marks; nil where nothing was found in it.
    public func snippet(_ text: String) -> String? {
        let places = places(in: text)
        guard let first = places.first else { return nil }
        let units = Array(text.utf16)
        guard units.count > Self.snippetLength else { return Self.marked(units, places, 0..<units.count) }
        var start = max(0, min(first.lowerBound - Self.lead, units.count - Self.snippetLength))
        // No half of a pair at either end.
        if start > 0, UTF16.isTrailSurrogate(units[start]) { start -= 1 }
        var end = min(units.count, start + Self.snippetLength)
        if end < units.count, UTF16.isTrailSurrogate(units[end]) { end += 1 }
        return Self.marked(units, places, start..<end)
    }

    /// Where the words stand, as UTF-16 offsets: in order, apart from one another.
    func places(in text: String) -> [Range<Int>] {
        let (units, origins) = Self.folded(text)
        var marks = [Bool](repeating: false, count: units.count)
        units.withUnsafeBufferPointer { units in
            Folding.forEachToken(units) { range, isRun in
                if isRun {
                    for phrase in phrases where phrase.count <= range.count {
                        for start in range.lowerBound...(range.upperBound - phrase.count) where units[start] == phrase[0] {
                            if units[start..<start + phrase.count].elementsEqual(phrase) { for unit in start..<start + phrase.count { marks[unit] = true } }
                        }
                    }
                } else if !words.isEmpty {
                    let word = String(decoding: units[range], as: UTF16.self)
                    // By units, as the index does: a word may end inside of a character.
                    if words.contains(where: { $0.isPrefix ? word.utf16.starts(with: $0.word.utf16) : word.utf16.elementsEqual($0.word.utf16) }) { for unit in range { marks[unit] = true } }
                }
            }
        }
        var places: [Range<Int>] = []
        for (unit, isMarked) in marks.enumerated() where isMarked {
            let place = origins?[unit] ?? unit..<unit + 1
            if let last = places.last, last.upperBound >= place.lowerBound {
                places[places.count - 1] = last.lowerBound..<max(last.upperBound, place.upperBound)
            } else {
                places.append(place)
            }
        }
        return places
    }

    /// The folded units, and of each the units of the text that it comes from; nil where they are the same places.
    private static func folded(_ text: String) -> (units: [UInt16], origins: [Range<Int>]?) {
        var text = text
        if let units = text.withUTF8({ Folding.simpleUnits($0) }) { return (units, nil) }
        var units: [UInt16] = []
        var origins: [Range<Int>] = []
        var place = 0
        for character in text {
            let piece = Folding.units(String(character))
            let length = character.utf16.count
            units += piece
            origins += repeatElement(place..<place + length, count: piece.count)
            place += length
        }
        return (units, origins)
    }

    private static func marked(_ units: [UInt16], _ places: [Range<Int>], _ window: Range<Int>) -> String {
        var text = window.lowerBound > 0 ? "…" : ""
        var end = window.lowerBound
        for place in places {
            let place = place.clamped(to: window)
            guard !place.isEmpty else { continue }
            text += escaped(units[end..<place.lowerBound]) + "<em>" + escaped(units[place]) + "</em>"
            end = place.upperBound
        }
        text += escaped(units[end..<window.upperBound])
        return window.upperBound < units.count ? text + "…" : text
    }

    private static func escaped(_ units: ArraySlice<UInt16>) -> String {
        var text = ""
        for character in String(decoding: units, as: UTF16.self).unicodeScalars {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
