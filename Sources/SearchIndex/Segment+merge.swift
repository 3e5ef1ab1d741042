extension Segment {
    /// One segment of several, without the documents that are gone.
    ///
    /// - Parameters:
    ///   - inputs: segments with their dead; what remains has room in one segment.
    ///   - id: the new segment's.
    /// - Returns: the segment, and for each input where its documents are now, -1 for those that are gone.
    static func merging(_ inputs: [(segment: Segment, dead: DocumentSet?)], id: Int) -> (segment: Segment, places: [[Int32]]) {
        var columns = Columns()
        var texts = Texts()
        var places: [[Int32]] = []
        for (segment, dead) in inputs {
            var moved = [Int32](repeating: -1, count: segment.count)
            for document in 0..<segment.count where dead?.contains(document) != true {
                moved[document] = Int32(columns.count)
                columns.append(document, of: segment.columns)
                texts.append(document, of: segment.texts)
            }
            places.append(moved)
        }
        let documents = columns.count
        var terms = Terms()
        var lists = [[UInt16]](repeating: [], count: 3)

        /// Collects one term of one input; called in the order of inputs, so that documents stay in order.
        func collect(_ input: Int, at offset: UInt32) {
            let segment = inputs[input].segment
            segment.postings.withUnsafeBufferPointer { bytes in
                places[input].withUnsafeBufferPointer { moved in
                    Postings.forEach(bytes.baseAddress!, at: Int(offset), documents: segment.count) { level, document in
                        if moved[document] >= 0 { lists[level].append(UInt16(moved[document])) }
                    }
                }
            }
        }
        func reset() { for level in 0..<3 { lists[level].removeAll(keepingCapacity: true) } }

        var heads = [Int](repeating: 0, count: inputs.count)
        while let pair = inputs.indices.compactMap({ heads[$0] < inputs[$0].segment.pairs.count ? inputs[$0].segment.pairs[heads[$0]] : nil }).min() {
            reset()
            for input in inputs.indices where heads[input] < inputs[input].segment.pairs.count && inputs[input].segment.pairs[heads[input]] == pair {
                collect(input, at: inputs[input].segment.pairOffsets[heads[input]])
                heads[input] += 1
            }
            if lists.contains(where: { !$0.isEmpty }) { terms.append(pair: pair, lists, documents: documents) }
        }
        heads = [Int](repeating: 0, count: inputs.count)
        while let first = inputs.indices.filter({ heads[$0] < inputs[$0].segment.wordOffsets.count })
            .min(by: { inputs[$0].segment.word(heads[$0]).lexicographicallyPrecedes(inputs[$1].segment.word(heads[$1])) })
        {
            reset()
            let word = inputs[first].segment.word(heads[first])
            for input in inputs.indices where heads[input] < inputs[input].segment.wordOffsets.count && inputs[input].segment.word(heads[input]) == word {
                collect(input, at: inputs[input].segment.wordOffsets[heads[input]])
                heads[input] += 1
            }
            if lists.contains(where: { !$0.isEmpty }) { terms.append(word: word, lists, documents: documents) }
        }
        terms.postings.append(contentsOf: [0, 0, 0, 0])
        return (Segment(id: id, terms: terms, texts: texts, columns: columns), places)
    }

    private func word(_ place: Int) -> ArraySlice<UInt8> { words[Int(wordStarts[place])..<Int(wordStarts[place + 1])] }
}
