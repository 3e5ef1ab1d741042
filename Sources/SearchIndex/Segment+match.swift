extension Segment {
    /// Where one part of a question stands.
    func sets(for atom: Question.Atom) -> LevelSets {
        switch atom {
        case .phrase(let units) where units.count > 2: return phrase(units)
        case .phrase(let units):
            var sets = LevelSets(count: count)
            let first = UInt32(units[0]) << 16
            if units.count == 2 {
                if let place = place(of: first | UInt32(units[1])) { add(pair: place, to: &sets) }
            } else {
                // A character stands where any pair stands that begins with it.
                var place = lowerBound(first)
                while place < pairs.count, pairs[place] >> 16 == UInt32(units[0]) {
                    add(pair: place, to: &sets)
                    place += 1
                }
            }
            sets.nest()
            return sets
        case .word(let word, let isPrefix):
            var sets = LevelSets(count: count)
            let wanted = Array(word.utf8)
            var place = wordLowerBound(wanted)
            while place < wordOffsets.count, begins(place, with: wanted) {
                if isPrefix || wordStarts[place + 1] - wordStarts[place] == wanted.count {
                    postings.withUnsafeBufferPointer { Postings.add($0.baseAddress!, at: Int(wordOffsets[place]), documents: count, to: &sets) }
                }
                if !isPrefix { break }
                place += 1
            }
            sets.nest()
            return sets
        }
    }

    // MARK: Pairs

    private func lowerBound(_ pair: UInt32) -> Int {
        pairs.withUnsafeBufferPointer { pairs in
            var (low, high) = (0, pairs.count)
            while low < high {
                let middle = (low + high) / 2
                if pairs[middle] < pair { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private func place(of pair: UInt32) -> Int? {
        let place = lowerBound(pair)
        return place < pairs.count && pairs[place] == pair ? place : nil
    }

    private func add(pair place: Int, to sets: inout LevelSets) {
        postings.withUnsafeBufferPointer { Postings.add($0.baseAddress!, at: Int(pairOffsets[place]), documents: count, to: &sets) }
    }

    // MARK: Words

    private func wordLowerBound(_ word: [UInt8]) -> Int {
        var (low, high) = (0, wordOffsets.count)
        while low < high {
            let middle = (low + high) / 2
            if words[Int(wordStarts[middle])..<Int(wordStarts[middle + 1])].lexicographicallyPrecedes(word) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func begins(_ place: Int, with word: [UInt8]) -> Bool {
        words[Int(wordStarts[place])..<Int(wordStarts[place + 1])].starts(with: word)
    }

    // MARK: Phrases

    /// All pairs must be there, and then the phrase itself: pairs may stand apart.
    private func phrase(_ units: [UInt16]) -> LevelSets {
        if let known = remembered(units) { return known }
        var sets = LevelSets(count: count)
        var candidates: DocumentSet?
        for (first, second) in zip(units, units.dropFirst()) {
            guard let place = place(of: UInt32(first) << 16 | UInt32(second)) else { return sets }
            var having = DocumentSet(count: count)
            postings.withUnsafeBufferPointer { Postings.addAny($0.baseAddress!, at: Int(pairOffsets[place]), documents: count, to: &having) }
            candidates?.formIntersection(having)
            if candidates == nil { candidates = having }
        }
        guard let candidates else { return sets }
        var looked = 0
        texts.units.withUnsafeBufferPointer { text in
            units.withUnsafeBufferPointer { phrase in
                candidates.forEach { document in
                    looked += 1
                    let start = Int(texts.starts[document])
                    guard let found = Self.find(phrase, in: text, start, Int(texts.starts[document + 1])) else { return }
                    // The title comes first in the text, then the keywords: the first place is the best.
                    let level = UInt32(found - start)
                    if level < texts.titleEnds[document] {
                        sets.title.insert(document)
                    } else if level < texts.keywordsEnds[document] {
                        sets.keywords.insert(document)
                    } else {
                        sets.any.insert(document)
                    }
                }
            }
        }
        sets.nest()
        if looked >= Self.dearPhrase { remember(units, sets) }
        return sets
    }

    /// Texts looked through from which on the result is kept.
    private static let dearPhrase = 1_000

    /// The first place of a phrase of three units or more.
    @inline(__always)
    private static func find(_ phrase: UnsafeBufferPointer<UInt16>, in text: UnsafeBufferPointer<UInt16>, _ start: Int, _ end: Int) -> Int? {
        let last = end - phrase.count
        guard last >= start, let base = UnsafeRawPointer(text.baseAddress), let wanted = UnsafeRawPointer(phrase.baseAddress) else { return nil }
        // Two units at once.
        let head = wanted.loadUnaligned(as: UInt32.self)
        var place = start
        while place <= last {
            if base.loadUnaligned(fromByteOffset: place &* 2, as: UInt32.self) == head {
                var unit = 2
                while unit < phrase.count, text[place &+ unit] == phrase[unit] { unit &+= 1 }
                if unit == phrase.count { return place }
            }
            place &+= 1
        }
        return nil
    }
}

extension Postings {
    /// Adds the documents of one term to a set, whatever their level.
    static func addAny(_ bytes: UnsafePointer<UInt8>, at offset: Int, documents: Int, to set: inout DocumentSet) {
        var place = offset
        let counts = (Int(read(bytes, &place)), Int(read(bytes, &place)), Int(read(bytes, &place)))
        add(bytes, &place, listed: counts.0, documents: documents, to: &set)
        add(bytes, &place, listed: counts.1, documents: documents, to: &set)
        add(bytes, &place, listed: counts.2, documents: documents, to: &set)
    }
}
