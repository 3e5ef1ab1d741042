import Synchronization

/// The index over all datasets, in memory: asked by many threads at once, changed by one after another.
///
/// Readers take a snapshot and are never held up. What is added becomes a small segment of its own; what it replaces is marked as gone. `merge()` makes
/// large segments of small ones beside all that, like a log-structured merge tree.
public final class DatasetIndex: Sendable {
    struct View: Sendable {
        var segment: Segment
        /// Documents that are gone or stand in a later segment.
        var dead: DocumentSet?
        var deadCount = 0

        var liveCount: Int { segment.count - deadCount }
    }

    struct Snapshot: Sendable {
        var views: [View] = []
        var departments = DepartmentNames()
        var synonyms = Synonyms()
    }

    private struct Writer {
        /// Segment << 16 | document, by number.
        var locations: [Int32: Int] = [:]
        var nextSegment = 0
        var isMerging = false
    }

    let pools = Pools()
    private let writer = Mutex(Writer())
    private let published = Mutex(Snapshot())

    public init() {}

    var snapshot: Snapshot { published.withLock { $0 } }

    /// How many datasets it holds.
    public var count: Int { snapshot.views.reduce(0) { $0 + $1.liveCount } }

    /// For documents that are to be added together.
    public func makeBuilder() -> SegmentBuilder { SegmentBuilder(pools: pools) }

    /// Adds documents, each in the place of the one with its number, and takes others away, all at once.
    public func apply(_ builder: SegmentBuilder, removing numbers: [Int32] = []) {
        let id = writer.withLock { writer in
            writer.nextSegment += 1
            return writer.nextSegment
        }
        let segment = builder.count > 0 ? builder.finish(id: id) : nil
        writer.withLock { writer in
            var views = snapshot.views
            if let segment { views.append(View(segment: segment)) }
            var graves = Graves(views)
            if let segment {
                for (document, number) in segment.columns.numbers.enumerated() {
                    if let old = writer.locations.updateValue(id << 16 | document, forKey: number) { graves.bury(old) }
                }
            }
            for number in numbers {
                if let old = writer.locations.removeValue(forKey: number) { graves.bury(old) }
            }
            publish(graves.views)
        }
    }

    /// Names of departments, under which their datasets are found; by code, one text each.
    public func setDepartments(_ names: [String: String]) {
        let departments = DepartmentNames(names.map { (pools[.department].ordinal(adding: $0.key), $0.value) })
        published.withLock { $0.departments = departments }
    }

    public func setSynonyms(_ synonyms: Synonyms) {
        published.withLock { $0.synonyms = synonyms }
    }

    private func publish(_ views: [View]) {
        published.withLock { $0.views = views.filter { $0.liveCount > 0 } }
    }

    // MARK: Merging

    /// Makes one segment of several, where enough small ones have gathered or one is mostly dead. Takes up to a second of one processor.
    ///
    /// - Returns: whether there was something to do.
    public func merge() -> Bool {
        let views = snapshot.views
        guard let chosen = MergeChoice.choose(views.map { ($0.segment.count, $0.liveCount) }) else { return false }
        let id = writer.withLock { writer -> Int? in
            guard !writer.isMerging else { return nil }
            writer.isMerging = true
            writer.nextSegment += 1
            return writer.nextSegment
        }
        guard let id else { return false }
        let inputs = chosen.map { views[$0] }
        let merged = Segment.merging(inputs.map { ($0.segment, $0.dead) }, id: id)
        writer.withLock { writer in
            writer.isMerging = false
            let ids = Set(inputs.map(\.segment.id))
            var graves = Graves(snapshot.views.filter { !ids.contains($0.segment.id) } + [View(segment: merged.segment)])
            // What went away meanwhile is gone here too.
            for (input, places) in zip(inputs, merged.places) {
                for (document, place) in places.enumerated() where place >= 0 {
                    let number = input.segment.columns.numbers[document]
                    if writer.locations[number] == input.segment.id << 16 | document {
                        writer.locations[number] = id << 16 | Int(place)
                    } else {
                        graves.bury(id << 16 | Int(place))
                    }
                }
            }
            publish(graves.views)
        }
        return true
    }

    /// Marks documents as gone in a set of views.
    private struct Graves {
        var views: [View]
        private var places: [Int: Int]

        init(_ views: [View]) {
            self.views = views
            places = Dictionary(uniqueKeysWithValues: views.enumerated().map { ($1.segment.id, $0) })
        }

        mutating func bury(_ location: Int) {
            guard let place = places[location >> 16] else { return }
            let document = location & 0xFFFF
            if views[place].dead == nil { views[place].dead = DocumentSet(count: views[place].segment.count) }
            guard views[place].dead?.contains(document) == false else { return }
            views[place].dead?.insert(document)
            views[place].deadCount += 1
        }
    }
}

/// Which segments to merge: a value, so that it can be tested by itself.
enum MergeChoice {
    /// So many of one size are merged.
    static let fanIn = 8

    /// - Parameter segments: how many documents each has, and how many of them live.
    /// - Returns: places in the list, or nil.
    static func choose(_ segments: [(count: Int, live: Int)]) -> [Int]? {
        if let wasteful = segments.firstIndex(where: { $0.count >= 64 && $0.live < $0.count / 2 }) { return [wasteful] }
        // Sizes by powers of eight; what fills half a segment stays.
        let small = segments.indices.filter { segments[$0].live < Segment.capacity / 2 }
        let tiers = Dictionary(grouping: small) { (Int.bitWidth - max(1, segments[$0].live).leadingZeroBitCount - 1) / 3 }
        for tier in tiers.keys.sorted() {
            guard tiers[tier, default: []].count >= fanIn else { continue }
            var chosen: [Int] = []
            var room = Segment.capacity
            for place in tiers.filter({ $0.key <= tier }).values.joined().sorted(by: { segments[$0].live < segments[$1].live })
            where segments[place].live <= room {
                chosen.append(place)
                room -= segments[place].live
            }
            return chosen.sorted()
        }
        return nil
    }
}
