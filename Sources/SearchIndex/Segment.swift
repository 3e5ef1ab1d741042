import Synchronization

/// A part of the index that never changes: up to 65,536 documents with their words, their texts and their columns.
final class Segment: Sendable {
    static let capacity = 65_536

    let id: Int
    /// Pairs of neighbouring characters, ascending, and where their lists are. The last character of a run is paired with 0.
    let pairs: [UInt32]
    let pairOffsets: [UInt32]
    /// Words, ascending by their UTF-8, one after the other; where each begins, and where its lists are.
    let words: [UInt8]
    let wordStarts: [UInt32]
    let wordOffsets: [UInt32]
    let postings: [UInt8]
    let texts: Texts
    let columns: Columns
    let drafts: DocumentSet
    let whole: WholeTally
    private let memory = Mutex(Memory())

    var count: Int { columns.count }

    init(id: Int, terms: Terms, texts: Texts, columns: Columns) {
        self.id = id
        (pairs, pairOffsets) = (terms.pairs, terms.pairOffsets)
        (words, wordStarts, wordOffsets, postings) = (terms.words, terms.wordStarts, terms.wordOffsets, terms.postings)
        self.texts = texts
        self.columns = columns
        var drafts = DocumentSet(count: columns.count)
        for (document, isDraft) in columns.isDraft.enumerated() where isDraft { drafts.insert(document) }
        self.drafts = drafts
        whole = WholeTally(columns)
    }

    /// The dictionary of a segment and its lists.
    struct Terms: Sendable {
        var pairs: [UInt32] = []
        var pairOffsets: [UInt32] = []
        var words: [UInt8] = []
        var wordStarts: [UInt32] = [0]
        var wordOffsets: [UInt32] = []
        var postings: [UInt8] = []

        mutating func append(pair: UInt32, _ lists: [[UInt16]], documents: Int) {
            pairs.append(pair)
            pairOffsets.append(UInt32(postings.count))
            Postings.write(lists, documents: documents, to: &postings)
        }

        mutating func append(word: some Sequence<UInt8>, _ lists: [[UInt16]], documents: Int) {
            words.append(contentsOf: word)
            wordStarts.append(UInt32(words.count))
            wordOffsets.append(UInt32(postings.count))
            Postings.write(lists, documents: documents, to: &postings)
        }
    }

    /// The runs of three and more characters of each document, each closed by 0, against which longer phrases are held.
    struct Texts: Sendable {
        var units: [UInt16] = []
        /// Where each document's begin; one more than documents.
        var starts: [UInt32] = [0]
        /// Where the title and the keywords end, counted from there.
        var titleEnds: [UInt32] = []
        var keywordsEnds: [UInt32] = []

        mutating func append(_ document: Int, of other: Texts) {
            units.append(contentsOf: other.units[Int(other.starts[document])..<Int(other.starts[document + 1])])
            starts.append(UInt32(units.count))
            titleEnds.append(other.titleEnds[document])
            keywordsEnds.append(other.keywordsEnds[document])
        }
    }

    // MARK: What is remembered, since it cannot change

    private struct Memory {
        var phrases: [(phrase: [UInt16], sets: LevelSets)] = []
        var day = Int32.min
        var standing: [UInt8] = []
    }

    /// Phrases that were dear to find are kept, a few of each segment.
    private static let rememberedPhrases = 12

    func remembered(_ phrase: [UInt16]) -> LevelSets? { memory.withLock { $0.phrases.first { $0.phrase == phrase }?.sets } }

    func remember(_ phrase: [UInt16], _ sets: LevelSets) {
        memory.withLock { memory in
            guard !memory.phrases.contains(where: { $0.phrase == phrase }) else { return }
            if memory.phrases.count >= Self.rememberedPhrases { memory.phrases.removeFirst() }
            memory.phrases.append((phrase, sets))
        }
    }

    /// What each document is worth by itself on a day: freshness, size, completeness.
    func standing(on day: Int32) -> [UInt8] {
        memory.withLock { memory in
            if memory.day == day { return memory.standing }
            let standing = (0..<count).map { freshness($0, on: day) + columns.sizePoints[$0] + columns.completenessPoints[$0] }
            memory.day = day
            memory.standing = standing
            return standing
        }
    }

    func freshness(_ document: Int, on day: Int32) -> UInt8 {
        Ranking.freshness(age: day - Ranking.day(of: columns.instants[document]), cycleDays: columns.cycleDays[document])
    }
}
