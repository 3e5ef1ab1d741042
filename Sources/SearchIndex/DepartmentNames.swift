/// The names of departments, by which their datasets are found. They are few, so they are looked through and not indexed: a department that changes its
/// name costs nothing.
struct DepartmentNames: Sendable {
    private struct Entry: Sendable {
        var ordinal: UInt32
        /// Runs, each closed by 0.
        var runs: [UInt16]
        var words: [String]
    }

    private var entries: [Entry] = []

    init(_ names: [(ordinal: UInt32, name: String)] = []) {
        entries = names.map { ordinal, name in
            var entry = Entry(ordinal: ordinal, runs: [], words: [])
            for token in Folding.tokens(name) {
                switch token {
                case .run(let units): entry.runs += units + [0]
                case .word(let word): entry.words.append(word)
                }
            }
            return entry
        }
    }

    /// Ordinals of the departments whose names hold this.
    func ordinals(_ atom: Question.Atom) -> [UInt32] {
        switch atom {
        case .phrase(let units):
            entries.filter { Self.contains($0.runs, units) }.map(\.ordinal)
        case .word(let word, let isPrefix):
            entries.filter { $0.words.contains { isPrefix ? $0.hasPrefix(word) : $0 == word } }.map(\.ordinal)
        }
    }

    private static func contains(_ text: [UInt16], _ phrase: [UInt16]) -> Bool {
        guard text.count >= phrase.count else { return false }
        return text.withUnsafeBufferPointer { text in
            phrase.withUnsafeBufferPointer { phrase in
                for start in 0...(text.count - phrase.count) where text[start] == phrase[0] {
                    var unit = 1
                    while unit < phrase.count, text[start + unit] == phrase[unit] { unit += 1 }
                    if unit == phrase.count { return true }
                }
                return false
            }
        }
    }
}
