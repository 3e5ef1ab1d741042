/// Takes in documents one by one and makes a segment of them.
public struct SegmentBuilder {
    private let pools: Pools
    private let folding: ((UnsafeBufferPointer<UInt8>) -> [UInt16]) = Folding.units
    private var columns = Columns()
    private var texts = Segment.Texts()
    /// term << 18 | document << 2 | level, in the order of documents.
    private var pairEntries: [UInt64] = []
    private var wordEntries: [UInt64] = []
    private var wordNumbers: [String: UInt32] = [:]

    init(pools: Pools) { self.pools = pools }

    /// How many it holds.
    public var count: Int { columns.count }
    /// No further document has room.
    public var isFull: Bool { count >= Segment.capacity }

    var numbers: [Int32] { columns.numbers }

    /// Adds a document; there must be room.
    public mutating func add(_ document: Document) {
        let place = UInt64(columns.count) << 2
        columns.append(document, pools: pools)
        let start = texts.units.count
        var line = 0
        document.text.withUnsafeBufferPointer { bytes in
            var from = 0
            for end in 0...bytes.count where end == bytes.count || bytes[end] == UInt8(ascii: "\n") {
                let units = folding(UnsafeBufferPointer(rebasing: bytes[from..<end]))
                let level = line == 0 ? Level.title : line == 1 ? .keywords : .text
                add(units, place | UInt64(level.rawValue - 1))
                if line == 0 { texts.titleEnds.append(UInt32(texts.units.count - start)) }
                if line == 1 { texts.keywordsEnds.append(UInt32(texts.units.count - start)) }
                from = end + 1
                line += 1
            }
        }
        // A text of one line has no keywords.
        if line == 1 { texts.keywordsEnds.append(UInt32(texts.units.count - start)) }
        texts.starts.append(UInt32(texts.units.count))
    }

    private mutating func add(_ units: [UInt16], _ place: UInt64) {
        units.withUnsafeBufferPointer { units in
            Folding.forEachToken(units) { range, isRun in
                if isRun {
                    for index in range.dropLast() { pairEntries.append(UInt64(units[index]) << 34 | UInt64(units[index + 1]) << 18 | place) }
                    pairEntries.append(UInt64(units[range.upperBound - 1]) << 34 | place)
                    if range.count > 2 {
                        texts.units.append(contentsOf: units[range])
                        texts.units.append(0)
                    }
                } else {
                    let word = String(decoding: units[range].prefix(Folding.longestWord), as: UTF16.self)
                    let number = wordNumbers[word] ?? UInt32(wordNumbers.count)
                    if Int(number) == wordNumbers.count { wordNumbers[word] = number }
                    wordEntries.append(UInt64(number) << 18 | place)
                }
            }
        }
    }

    /// The segment of all that was added.
    func finish(id: Int) -> Segment {
        var terms = Segment.Terms()
        let documents = columns.count
        var lists = [[UInt16]](repeating: [], count: 3)
        EntrySort.sorted(pairEntries).withUnsafeBufferPointer { entries in
            var start = 0
            while start < entries.count {
                let end = Self.collect(entries, from: start, into: &lists)
                terms.append(pair: UInt32(truncatingIfNeeded: entries[start] >> 18), lists, documents: documents)
                start = end
            }
        }
        let words = wordNumbers.map { (word: Array($0.key.utf8), number: $0.value) }.sorted { $0.word.lexicographicallyPrecedes($1.word) }
        EntrySort.sorted(wordEntries).withUnsafeBufferPointer { entries in
            var starts = [Int](repeating: 0, count: words.count)
            for place in entries.indices.reversed() { starts[Int(entries[place] >> 18)] = place }
            for (word, number) in words {
                _ = Self.collect(entries, from: starts[Int(number)], into: &lists)
                terms.append(word: word, lists, documents: documents)
            }
        }
        terms.postings.append(contentsOf: [0, 0, 0, 0])
        return Segment(id: id, terms: terms, texts: texts, columns: columns)
    }

    /// The lists of one term: of each document the best level.
    ///
    /// - Returns: where the next term begins.
    private static func collect(_ entries: UnsafeBufferPointer<UInt64>, from start: Int, into lists: inout [[UInt16]]) -> Int {
        for level in 0..<3 { lists[level].removeAll(keepingCapacity: true) }
        let term = entries[start] >> 18
        var place = start
        while place < entries.count, entries[place] >> 18 == term {
            let document = entries[place] >> 2
            var best = entries[place] & 3
            place &+= 1
            while place < entries.count, entries[place] >> 2 == document {
                best = max(best, entries[place] & 3)
                place &+= 1
            }
            lists[Int(best)].append(UInt16(truncatingIfNeeded: document & 0xFFFF))
        }
        return place
    }
}

/// Sorts entries by their term and keeps the order of documents: a radix sort, since there are millions.
enum EntrySort {
    static func sorted(_ entries: [UInt64]) -> [UInt64] {
        guard entries.count > 256 else { return entries.sorted { $0 >> 2 < $1 >> 2 } }
        var from = entries
        var to = [UInt64](unsafeUninitializedCapacity: entries.count) { _, count in count = entries.count }
        var counts = [Int](repeating: 0, count: 2048)
        for shift in [UInt64(18), 29, 40] {
            counts.withUnsafeMutableBufferPointer { counts in
                counts.update(repeating: 0)
                from.withUnsafeMutableBufferPointer { from in
                    to.withUnsafeMutableBufferPointer { to in
                        for entry in from { counts[Int(entry &>> shift & 2047)] &+= 1 }
                        var sum = 0
                        for digit in 0..<2048 {
                            let count = counts[digit]
                            counts[digit] = sum
                            sum &+= count
                        }
                        for entry in from {
                            let digit = Int(entry &>> shift & 2047)
                            to[counts[digit]] = entry
                            counts[digit] &+= 1
                        }
                    }
                }
            }
            swap(&from, &to)
        }
        return from
    }
}
