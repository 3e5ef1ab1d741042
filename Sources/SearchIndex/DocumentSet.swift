/// A set of documents of one segment: a bit for each.
struct DocumentSet: Sendable {
    var words: [UInt64]

    /// - Parameter count: documents of the segment.
    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    /// All of a segment's documents.
    init(all count: Int) {
        words = [UInt64](repeating: .max, count: (count + 63) / 64)
        if count & 63 != 0 { words[words.count - 1] = (1 << UInt64(count & 63)) - 1 }
    }

    var count: Int {
        words.withUnsafeBufferPointer { words in
            var sum = 0
            for word in words { sum &+= word.nonzeroBitCount }
            return sum
        }
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    func contains(_ document: Int) -> Bool { words[document >> 6] >> UInt64(document & 63) & 1 == 1 }

    mutating func insert(_ document: Int) { words[document >> 6] |= 1 << UInt64(document & 63) }

    mutating func formUnion(_ other: DocumentSet) { combine(other) { $0 | $1 } }

    mutating func formIntersection(_ other: DocumentSet) { combine(other) { $0 & $1 } }

    mutating func subtract(_ other: DocumentSet) { combine(other) { $0 & ~$1 } }

    @inline(__always)
    private mutating func combine(_ other: DocumentSet, _ operation: (UInt64, UInt64) -> UInt64) {
        let count = words.count
        words.withUnsafeMutableBufferPointer { words in
            other.words.withUnsafeBufferPointer { other in
                for place in 0..<count { words[place] = operation(words[place], other[place]) }
            }
        }
    }

    /// Calls for each document, in order.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        words.withUnsafeBufferPointer { words in
            for place in 0..<words.count {
                var word = words[place]
                while word != 0 {
                    body(place &<< 6 &+ word.trailingZeroBitCount)
                    word &= word &- 1
                }
            }
        }
    }
}

/// Where one word stands, as three sets that hold one another: title ⊆ title or keywords ⊆ anywhere.
struct LevelSets: Sendable {
    var any: DocumentSet
    var keywords: DocumentSet
    var title: DocumentSet

    init(count: Int) {
        any = DocumentSet(count: count)
        keywords = any
        title = any
    }

    mutating func formUnion(_ other: LevelSets) {
        any.formUnion(other.any)
        keywords.formUnion(other.keywords)
        title.formUnion(other.title)
    }

    /// All of the words: together they stand where the worst of them stands.
    mutating func formIntersection(_ other: LevelSets) {
        any.formIntersection(other.any)
        keywords.formIntersection(other.keywords)
        title.formIntersection(other.title)
    }

    /// Makes the three hold one another, after they were filled each for itself.
    mutating func nest() {
        keywords.formUnion(title)
        any.formUnion(keywords)
    }
}
