/// The lists of one term: the documents that have it in the title, else in the keywords, else in the text. Each document is in one list only.
///
/// Written as three counts and then three lists; a list is differences of document numbers of seven bits a byte, or, where it is longer than an eighth
/// of the segment, a bit for each document.
enum Postings {
    /// Whether a list of so many of so many documents is written as bits: differences would take a byte each at least.
    @inline(__always)
    static func isDense(_ listed: Int, of documents: Int) -> Bool { listed > documents / 8 && listed > 8 }

    /// Appends the lists of one term.
    ///
    /// - Parameters:
    ///   - lists: documents in ascending order, by level: text, keywords, title.
    ///   - documents: documents of the segment.
    static func write(_ lists: [[UInt16]], documents: Int, to bytes: inout [UInt8]) {
        for list in lists { write(UInt32(list.count), to: &bytes) }
        for list in lists {
            if isDense(list.count, of: documents) {
                var set = DocumentSet(count: documents)
                for document in list { set.insert(Int(document)) }
                for word in set.words { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }
            } else {
                var last: UInt32 = 0
                for document in list {
                    write(UInt32(document) &- last, to: &bytes)
                    last = UInt32(document)
                }
            }
        }
    }

    private static func write(_ value: UInt32, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    @inline(__always)
    static func read(_ bytes: UnsafePointer<UInt8>, _ place: inout Int) -> UInt32 {
        var value = UInt32(bytes[place])
        place &+= 1
        if value < 0x80 { return value }
        value &= 0x7F
        var shift: UInt32 = 7
        while true {
            let byte = UInt32(bytes[place])
            place &+= 1
            value |= (byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }

    /// Adds the documents of one term to three sets, each to that of its level only.
    static func add(_ bytes: UnsafePointer<UInt8>, at offset: Int, documents: Int, to sets: inout LevelSets) {
        var place = offset
        let counts = (Int(read(bytes, &place)), Int(read(bytes, &place)), Int(read(bytes, &place)))
        add(bytes, &place, listed: counts.0, documents: documents, to: &sets.any)
        add(bytes, &place, listed: counts.1, documents: documents, to: &sets.keywords)
        add(bytes, &place, listed: counts.2, documents: documents, to: &sets.title)
    }

    @inline(__always)
    static func add(_ bytes: UnsafePointer<UInt8>, _ place: inout Int, listed: Int, documents: Int, to set: inout DocumentSet) {
        guard listed > 0 else { return }
        set.words.withUnsafeMutableBufferPointer { words in
            if isDense(listed, of: documents) {
                let source = UnsafeRawPointer(bytes + place)
                for word in 0..<words.count { words[word] |= UInt64(littleEndian: source.loadUnaligned(fromByteOffset: word &* 8, as: UInt64.self)) }
                place &+= words.count &* 8
            } else {
                var document: UInt32 = 0
                for _ in 0..<listed {
                    document &+= read(bytes, &place)
                    words[Int(document >> 6)] |= 1 &<< UInt64(document & 63)
                }
            }
        }
    }

    /// Calls for each document of one term with its level, level by level; used where segments are merged.
    static func forEach(_ bytes: UnsafePointer<UInt8>, at offset: Int, documents: Int, _ body: (_ level: Int, _ document: Int) -> Void) {
        var place = offset
        let counts = [Int(read(bytes, &place)), Int(read(bytes, &place)), Int(read(bytes, &place))]
        for (level, listed) in counts.enumerated() where listed > 0 {
            if isDense(listed, of: documents) {
                var set = DocumentSet(count: documents)
                add(bytes, &place, listed: listed, documents: documents, to: &set)
                set.forEach { body(level, $0) }
            } else {
                var document = 0
                for _ in 0..<listed {
                    document &+= Int(read(bytes, &place))
                    body(level, document)
                }
            }
        }
    }
}
