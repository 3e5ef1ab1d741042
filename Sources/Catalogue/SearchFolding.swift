internal import Foundation
internal import Model
internal import Store

/// How texts and questions are made alike, so that one finds the other.
///
/// Compatibility forms are folded (full-width letters and digits among them, Unicode NFKC) and letters made small. Chinese has no spaces between words:
/// its lexemes are single characters and pairs of neighbours, and a phrase is all of its pairs, held against the text afterwards. Other scripts
/// give words.
enum SearchFolding {
    /// One part of a question or text.
    enum Token: Hashable {
        /// A run of Chinese characters, or of Kana or Hangul, which are written without spaces too.
        case characters([Character])
        /// A run of letters and digits of other scripts.
        case word(String)
    }

    static func fold(_ text: String) -> String {
        text.precomposedStringWithCompatibilityMapping.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    static func tokens(_ folded: String) -> [Token] {
        var tokens: [Token] = []
        var characters: [Character] = []
        var word = ""
        func close() {
            if !characters.isEmpty { tokens.append(.characters(characters)) }
            if !word.isEmpty { tokens.append(.word(word)) }
            characters = []
            word = ""
        }
        for character in folded {
            if isUnspaced(character) {
                if !word.isEmpty { close() }
                characters.append(character)
            } else if character.isLetter || character.isNumber {
                if !characters.isEmpty { close() }
                word.append(character)
            } else {
                close()
            }
        }
        close()
        return tokens
    }

    /// What a dataset is found by.
    static func text(of description: DatasetDescription) -> SearchText {
        let lines = [
            fold(description.title.zh + " " + (description.title.en ?? "")),
            fold(description.keywords.joined(separator: " ")),
            fold(description.abstract.zh + " " + (description.abstract.en ?? "")),
        ]
        var lexemes: Set<String> = []
        for token in lines.flatMap(tokens) {
            switch token {
            case .characters(let run):
                for character in run { lexemes.insert(String(character)) }
                for pair in zip(run, run.dropFirst()) { lexemes.insert(String([pair.0, pair.1])) }
            case .word(let word): lexemes.insert(limited(word))
            }
        }
        return SearchText(text: lines.joined(separator: "\n"), lexemes: lexemes.sorted())
    }

    /// Puts the words of a question into a query.
    static func add(_ tokens: [Token], to query: inout DatasetQuery) {
        for token in tokens {
            switch token {
            case .characters(let run):
                query.words.append(String(run))
                if run.count == 1 { query.lexemes.append(String(run)) }
                for pair in zip(run, run.dropFirst()) { query.lexemes.append(String([pair.0, pair.1])) }
                // A pair that is there is the phrase.
                if run.count > 2 { query.phrases.append(String(run)) }
            case .word(let word):
                query.words.append(word)
                query.prefixes.append(limited(word))
            }
        }
    }

    /// A lexeme holds 2,046 bytes at most (PostgreSQL manual, 12.11).
    private static func limited(_ word: String) -> String { String(word.prefix(64)) }

    private static func isUnspaced(_ character: Character) -> Bool {
        guard let scalar = character.unicodeScalars.first else { return false }
        switch scalar.value {
        // Ideographs with their extensions and 々〇; Kana; Hangul.
        case 0x3005, 0x3007, 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0x20000...0x323AF: return true
        default: return false
        }
    }
}
