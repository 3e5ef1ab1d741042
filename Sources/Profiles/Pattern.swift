/// A regular expression that matches whole values in time linear in their length, whatever the expression says.
///
/// Profiles are data that administrators load, so an expression must not be able to hold the server up. Therefore this is the regular part of the
/// usual syntax and no more, turned into a table when the profile is compiled: literals, `.`, `[a-z]`, `[^a-z]`, `\d \w \s` and their capitals,
/// `\p{Han}`, `\u4E2D`, groups, `|`, `* + ? {n} {n,} {n,m}`. There are no look-arounds and no back-references. `^` at the beginning and `$` at
/// the end are allowed and mean nothing: the whole value must match in any case.
struct Pattern: Sendable {
    /// Why an expression cannot be used.
    struct Failure: Error, Hashable {
        /// The character at which it goes wrong, from 1; nil where it is about the whole.
        let place: Int?
        let zh: String
        let en: String
    }

    let text: String
    private let alphabet: Alphabet
    /// `state * classCount + class` gives the next state; state 0 is the end of all hope.
    private let next: [UInt16]
    private let accepts: [Bool]
    private static let start = 1

    init(_ text: String) throws(Failure) {
        self.text = text
        let tree = try PatternParser.parse(text)
        alphabet = Alphabet(of: tree)
        let automaton = try Automaton(tree, alphabet)
        next = automaton.next
        accepts = automaton.accepts
    }

    /// - Parameter bytes: valid UTF-8.
    func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var state = Self.start
        var i = 0
        while i < bytes.count {
            let first = bytes[i]
            var scalar = UInt32(first)
            if first < 0x80 {
                i &+= 1
            } else {
                let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
                guard i + length <= bytes.count else { return false }
                scalar = UInt32(first) & (0x7F >> UInt32(length))
                for k in 1..<length { scalar = scalar << 6 | UInt32(bytes[i + k] & 0x3F) }
                i &+= length
            }
            state = Int(next[state * alphabet.count + alphabet.classOf(scalar)])
            if state == 0 { return false }
        }
        return accepts[state]
    }
}

/// A set of code points as sorted ranges that do not touch.
struct ScalarSet: Hashable {
    static let last: UInt32 = 0x10FFFF
    private(set) var ranges: [ClosedRange<UInt32>]

    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let previous = merged.last, range.lowerBound <= previous.upperBound + 1 {
                merged[merged.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    init(_ scalar: Unicode.Scalar) { self.init([scalar.value...scalar.value]) }

    var inverted: ScalarSet {
        var rest: [ClosedRange<UInt32>] = []
        var from: UInt32 = 0
        for range in ranges {
            if range.lowerBound > from { rest.append(from...range.lowerBound - 1) }
            from = range.upperBound + 1
        }
        if from <= Self.last { rest.append(from...Self.last) }
        return ScalarSet(rest)
    }

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    static let digit = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet([0x09...0x0D, 0x20...0x20])
    static let any = ScalarSet([0x0A...0x0A]).inverted
    /// Script=Han, as blocks: 々 and 〇, the unified ideographs with extensions A to H, and the compatibility ideographs.
    static let han = ScalarSet([0x3005...0x3005, 0x3007...0x3007, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF])
}

/// The code points cut into as few classes as the expression can tell apart.
struct Alphabet: Sendable {
    /// Where each class of neighbours begins; the first is 0.
    private let starts: [UInt32]
    private let ascii: [UInt16]
    var count: Int { starts.count }

    init(of tree: PatternTree) {
        var cuts: Set<UInt32> = [0]
        tree.forEachSet { set in
            for range in set.ranges {
                cuts.insert(range.lowerBound)
                cuts.insert(range.upperBound + 1)
            }
        }
        cuts.remove(ScalarSet.last + 1)
        let starts = cuts.sorted()
        self.starts = starts
        ascii = (0..<128).map { scalar in UInt16(starts.lastIndex { $0 <= scalar } ?? 0) }
    }

    @inline(__always) func classOf(_ scalar: UInt32) -> Int {
        scalar < 128 ? Int(ascii[Int(scalar)]) : search(scalar)
    }

    private func search(_ scalar: UInt32) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= scalar { low = middle } else { high = middle }
        }
        return low
    }

    func classes(of set: ScalarSet) -> [Int] { starts.indices.filter { set.contains(starts[$0]) } }
}
