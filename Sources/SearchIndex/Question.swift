/// The words of a question: all must be there, each as it stands or by another name.
public struct Question: Sendable, Hashable {
    /// What can be looked up.
    public enum Atom: Sendable, Hashable {
        /// Characters of a script without spaces, next to one another; folded UTF-16.
        case phrase([UInt16])
        /// A word, or with `isPrefix` all that begin with it.
        case word(String, isPrefix: Bool)
    }

    /// One word of the question.
    public struct Clause: Sendable, Hashable {
        /// As it was asked for, folded.
        public var word: String
        /// Other names; of one, all parts must be there.
        public var alternatives: [[Atom]]
    }

    public var clauses: [Clause]

    /// Names that one word may have at most.
    static let mostAlternatives = 8

    /// - Parameters:
    ///   - text: as it was typed.
    ///   - synonyms: other names that count as well.
    public init(_ text: String, synonyms: Synonyms) {
        let tokens = Folding.tokens(text)
        clauses = []
        var place = 0
        while place < tokens.count {
            let (used, alternatives) = synonyms.alternatives(tokens, at: place)
            let asked = tokens[place..<place + used]
            var all = [asked.map { Self.atom($0, isTyped: true) }]
            for alternative in alternatives where !all.contains(alternative) && all.count < Self.mostAlternatives { all.append(alternative) }
            let clause = Clause(word: asked.map(Self.text).joined(separator: " "), alternatives: all)
            if !clauses.contains(clause) { clauses.append(clause) }
            place += used
        }
    }

    /// What was typed may be the beginning of a word; a single letter is only itself.
    static func atom(_ token: Folding.Token, isTyped: Bool) -> Atom {
        switch token {
        case .run(let units): .phrase(units)
        case .word(let word): .word(word, isPrefix: isTyped && !word.dropFirst().isEmpty)
        }
    }

    private static func text(_ token: Folding.Token) -> String {
        switch token {
        case .run(let units): String(decoding: units, as: UTF16.self)
        case .word(let word): word
        }
    }
}
