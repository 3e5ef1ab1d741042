/// What a segment knows of each document besides its words: one small array for each property.
struct Columns: Sendable {
    var numbers: [Int32] = []
    /// Microseconds since 1970.
    var instants: [Int64] = []
    /// Ordinals in the pools, by facet.
    var values = [[UInt32]](repeating: [], count: Facet.count)
    /// Years after 1900, 0 for none.
    var firstYears: [UInt8] = []
    var lastYears: [UInt8] = []
    var cycleDays: [UInt16] = []
    var sizePoints: [UInt8] = []
    var completenessPoints: [UInt8] = []
    var isDraft: [Bool] = []

    var count: Int { numbers.count }

    static let firstYear = 1900
    /// Years that can be told apart; others are as good as none.
    private static let years = firstYear + 1...firstYear + 255

    mutating func append(_ document: Document, pools: Pools) {
        numbers.append(document.number)
        instants.append(document.at)
        for facet in Facet.allCases { values[facet.rawValue].append(document.values[facet].map { pools[facet].ordinal(adding: $0) } ?? 0) }
        let years = document.years.flatMap { $0.overlaps(Self.years) ? $0.clamped(to: Self.years) : nil }
        firstYears.append(years.map { UInt8($0.lowerBound - Self.firstYear) } ?? 0)
        lastYears.append(years.map { UInt8($0.upperBound - Self.firstYear) } ?? 0)
        cycleDays.append(Ranking.days(ofCycle: document.values[.updateCycle]))
        sizePoints.append(Ranking.size(rowCount: document.rowCount))
        completenessPoints.append(Ranking.completeness(document.completeness))
        isDraft.append(document.isDraft)
    }

    /// Takes over one document of another segment.
    mutating func append(_ document: Int, of other: Columns) {
        numbers.append(other.numbers[document])
        instants.append(other.instants[document])
        for facet in 0..<Facet.count { values[facet].append(other.values[facet][document]) }
        firstYears.append(other.firstYears[document])
        lastYears.append(other.lastYears[document])
        cycleDays.append(other.cycleDays[document])
        sizePoints.append(other.sizePoints[document])
        completenessPoints.append(other.completenessPoints[document])
        isDraft.append(other.isDraft[document])
    }
}

/// The pools of all facets.
struct Pools: Sendable {
    private let pools = Facet.allCases.map { _ in Pool() }

    subscript(_ facet: Facet) -> Pool { pools[facet.rawValue] }
}

/// How many documents have each value, and the bounds of their years.
struct Tally: Sendable {
    /// By facet and ordinal.
    var counts: [[Int32]]
    /// Documents whose years begin, and end, with each year after 1900.
    var begins = [Int32](repeating: 0, count: 256)
    var ends = [Int32](repeating: 0, count: 256)

    init(sizes: [Int]) { counts = sizes.map { [Int32](repeating: 0, count: $0) } }

    /// Adds documents, or takes them away.
    mutating func add(_ documents: DocumentSet, of columns: Columns, sign: Int32) {
        for facet in 0..<Facet.count {
            columns.values[facet].withUnsafeBufferPointer { values in
                counts[facet].withUnsafeMutableBufferPointer { counts in
                    documents.forEach { counts[Int(values[$0])] &+= sign }
                }
            }
        }
        columns.firstYears.withUnsafeBufferPointer { first in
            columns.lastYears.withUnsafeBufferPointer { last in
                begins.withUnsafeMutableBufferPointer { begins in
                    ends.withUnsafeMutableBufferPointer { ends in
                        documents.forEach {
                            begins[Int(first[$0])] &+= sign
                            ends[Int(last[$0])] &+= sign
                        }
                    }
                }
            }
        }
    }

    /// Adds what was counted of a whole segment.
    mutating func add(_ whole: WholeTally) {
        for facet in 0..<Facet.count {
            for (ordinal, count) in whole.counts[facet] { counts[facet][Int(ordinal)] &+= count }
        }
        for year in 0..<256 {
            begins[year] &+= whole.begins[year]
            ends[year] &+= whole.ends[year]
        }
    }

    /// How many cover each year; years that nobody covers are missing.
    var years: [(year: Int, count: Int)] {
        var open: Int32 = 0
        var years: [(Int, Int)] = []
        for year in 1..<256 {
            open += begins[year]
            if open > 0 { years.append((Columns.firstYear + year, Int(open))) }
            open -= ends[year]
        }
        return years
    }
}

/// The counts of all documents of a segment, written short: a set that is most of it is counted by what it lacks.
struct WholeTally: Sendable {
    var counts: [[(UInt32, Int32)]]
    var begins: [Int32]
    var ends: [Int32]

    init(_ columns: Columns) {
        counts = columns.values.map { values in
            var counts: [UInt32: Int32] = [:]
            for value in values { counts[value, default: 0] += 1 }
            return counts.map { ($0.key, $0.value) }
        }
        begins = [Int32](repeating: 0, count: 256)
        ends = begins
        for year in columns.firstYears { begins[Int(year)] += 1 }
        for year in columns.lastYears { ends[Int(year)] += 1 }
    }
}
