/// The best hits so far, in order, no more than asked for.
struct BestPlaces {
    struct Entry {
        var place: Query.Place
        var view: Int
        var document: Int
    }

    private(set) var places: [Entry] = []
    private let limit: Int
    private let after: Query.Place?

    init(limit: Int, after: Query.Place?) {
        self.limit = limit
        self.after = after
        places.reserveCapacity(limit + 1)
    }

    /// The score below which nothing gets in any more.
    private var bar: Int32 { places.count < limit ? .min : places[places.count - 1].place.score }

    /// Takes the hits of one segment.
    ///
    /// - Parameter sets: where each word of the question stands; empty without one, then only time counts.
    mutating func take(_ hits: DocumentSet, _ sets: [LevelSets], of segment: Segment, at view: Int, query: Query) {
        guard limit > 0 else { return }
        let levels = LevelSums(sets, words: hits.words.count)
        let standing = sets.isEmpty ? [] : segment.standing(on: query.day)
        segment.columns.instants.withUnsafeBufferPointer { instants in
            segment.columns.numbers.withUnsafeBufferPointer { numbers in
                standing.withUnsafeBufferPointer { standing in
                    levels.bits.withUnsafeBufferPointer { bits in
                        for place in hits.words.indices {
                            var word = hits.words[place]
                            while word != 0 {
                                let bit = word.trailingZeroBitCount
                                word &= word &- 1
                                let document = place &<< 6 &+ bit
                                var score: Int32 = 0
                                if !standing.isEmpty {
                                    var sum = levels.least
                                    for plane in 0..<levels.planes {
                                        sum &+= Int32(truncatingIfNeeded: bits[place &* levels.planes &+ plane] &>> UInt64(bit) & 1) &<< Int32(plane)
                                    }
                                    score = sum &* Ranking.pointsPerLevel &+ Int32(standing[document])
                                }
                                if score < bar { continue }
                                take(Entry(place: Query.Place(score: score, at: instants[document], number: numbers[document]), view: view, document: document))
                            }
                        }
                    }
                }
            }
        }
    }

    @inline(__always)
    private mutating func take(_ entry: Entry) {
        if let after, !after.comesBefore(entry.place) { return }
        if places.count == limit, !entry.place.comesBefore(places[limit - 1].place) { return }
        insert(entry)
    }

    private mutating func insert(_ entry: Entry) {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle].place.comesBefore(entry.place) { low = middle + 1 } else { high = middle }
        }
        if places.count == limit { places.removeLast() }
        places.insert(entry, at: low)
    }
}

/// For each document the sum of its words' levels, as binary numbers whose digits lie in words of 64 documents: added up for 64 documents at a time.
private struct LevelSums {
    let planes: Int
    /// The sum before anything is added: every word stands in the text at least.
    let least: Int32
    /// By word of 64 documents and digit.
    var bits: [UInt64]

    init(_ sets: [LevelSets], words: Int) {
        least = Int32(sets.count)
        planes = sets.isEmpty ? 0 : Int.bitWidth - (2 * sets.count).leadingZeroBitCount
        bits = [UInt64](repeating: 0, count: planes * words)
        let planes = planes
        for set in sets {
            for level in [set.keywords, set.title] {
                bits.withUnsafeMutableBufferPointer { bits in
                    for word in 0..<words {
                        var carry = level.words[word]
                        var plane = word &* planes
                        while carry != 0 {
                            let digit = bits[plane]
                            bits[plane] = digit ^ carry
                            carry &= digit
                            plane &+= 1
                        }
                    }
                }
            }
        }
    }
}
