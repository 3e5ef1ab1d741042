import Catalogue
import HTTPTypes
import Model
import NIOCore
import Synchronization

/// Whole answers, so that a hot one is given again without being made again.
///
/// What a key gets is kept, and a key given what is kept, only where the route looks at nobody's key (``Route/isKeptForKeys``): elsewhere it may show what strangers
/// must not see. An answer is dropped when PostgreSQL tells of a change to
/// its dataset, and nothing is given at all while it is not certain that all changes have been heard (``Freshness``). An answer is kept once it was asked for
/// a second time; the bytes kept are bounded, and what was not asked for lately goes first.
final class AnswerCache: Sendable {
    /// What is asked: the address as it came, and the language of the answer.
    struct Name: Hashable {
        let uri: String
        let language: Language
    }

    /// Never changed once it is kept. A class, since it is handed out for every request.
    final class Answer: Sendable {
        let route: Route
        /// Units that it costs, as when it was made.
        let cost: Int
        let tag: EntityTag
        /// The media type; nil where only a 304 was made, which has none.
        let type: String?
        /// Nil where it was only ever asked for by those who had it.
        let whole: Whole?
        /// The head of the 304 but for what differs from one request to the next.
        let notModifiedHead: ByteBuffer
        /// The state of knowledge that it was made in.
        let generation: UInt64
        /// The dataset that it is about; nil where it is about many.
        let dataset: String?
        let keptAt: ContinuousClock.Instant
        /// From when on it must not be given: rows leave public view then.
        let end: ContinuousClock.Instant?

        struct Whole {
            let body: ByteBuffer
            /// The head of the 200, as that of the 304.
            let head: ByteBuffer
        }

        init(
            route: Route, cost: Int, tag: EntityTag, type: String?, whole: Whole?, notModifiedHead: ByteBuffer, generation: UInt64, dataset: String?,
            keptAt: ContinuousClock.Instant, end: ContinuousClock.Instant?
        ) {
            (self.route, self.cost, self.tag, self.type, self.whole, self.notModifiedHead) = (route, cost, tag, type, whole, notModifiedHead)
            (self.generation, self.dataset, self.keptAt, self.end) = (generation, dataset, keptAt, end)
        }

        func with(_ whole: Whole?) -> Answer {
            Answer(
                route: route, cost: cost, tag: tag, type: type, whole: whole, notModifiedHead: notModifiedHead, generation: generation, dataset: dataset, keptAt: keptAt, end: end)
        }

        var size: Int { (whole.map { $0.body.readableBytes + $0.head.readableBytes } ?? 0) + notModifiedHead.readableBytes + 512 }
    }

    private struct State {
        /// Asked for since the last turn, and before it.
        var young: [Name: Answer] = [:]
        var old: [Name: Answer] = [:]
        var youngBytes = 0
        /// Counts what was heard; ``changes`` says which was the last of a dataset, ``floor`` of those that are no longer listed, ``last`` of all.
        var generation: UInt64 = 1
        var changes: [String: UInt64] = [:]
        var floor: UInt64 = 0
        var last: UInt64 = 0
        /// Marks of what was asked for once.
        var seen = [UInt32](repeating: 0, count: 8192)
    }

    /// Longest body that is kept.
    static let longest = 64 * 1024
    /// How long an answer is kept at most, and one about many datasets, which other parts of the program may know a moment later.
    private static let lifetime = Duration.seconds(10)
    private static let lifetimeOfMany = Duration.milliseconds(500)
    private static let listed = 4096

    private let freshness: Freshness?
    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - freshness: nil keeps nothing.
    ///   - capacity: bytes kept at most.
    init(freshness: Freshness?, capacity: Int) {
        self.freshness = capacity > 0 ? freshness : nil
        self.capacity = capacity
        freshness?.onChange { [weak self] in self?.forget($0) }
    }

    /// Whether anything can be given.
    var isOpen: Bool { freshness?.isCurrent ?? false }

    private func forget(_ dataset: String?) {
        state.withLock { state in
            state.generation += 1
            state.last = state.generation
            if let dataset, state.changes.count < Self.listed || state.changes[dataset] != nil {
                state.changes[dataset] = state.generation
            } else {
                state.changes = [:]
                state.floor = state.generation
            }
        }
    }

    /// What is found.
    enum Finding {
        /// If it is made all the same, then as of this state of knowledge.
        case answer(Answer, UInt64)
        /// It is asked for again: keep it when it is made, as of this state of knowledge.
        case keep(UInt64)
        case nothing
    }

    func find(_ name: Name) -> Finding {
        guard isOpen else { return .nothing }
        return state.withLock { state in
            if let answer = state.young[name] ?? state.old[name] {
                let lifetime = answer.dataset == nil ? Self.lifetimeOfMany : Self.lifetime
                guard Self.stands(answer, state), answer.keptAt.duration(to: .now) < lifetime else { return .keep(state.generation) }
                if state.young[name] == nil { Self.add(answer, name, to: &state, capacity) }
                return .answer(answer, state.generation)
            }
            let hash = name.hashValue, place = Int(UInt(bitPattern: hash) % UInt(state.seen.count)), mark = UInt32(truncatingIfNeeded: hash >> 24) | 1
            if state.seen[place] == mark { return .keep(state.generation) }
            state.seen[place] = mark
            return .nothing
        }
    }

    /// From when on an answer about a dataset that was made just now must not be given; nil for never.
    func end(of dataset: String?) -> ContinuousClock.Instant? { dataset.flatMap { freshness?.lifetime(of: $0) }.map { .now + $0 } }

    func keep(_ answer: Answer, as name: Name) {
        state.withLock { state in
            var answer = answer
            // A 304 says that the bytes under this tag still stand.
            if answer.whole == nil, let former = state.young[name] ?? state.old[name], former.tag == answer.tag, Self.stands(former, state) { answer = answer.with(former.whole) }
            Self.add(answer, name, to: &state, capacity)
        }
    }

    /// Whether nothing is known that makes an answer another one.
    private static func stands(_ answer: Answer, _ state: State) -> Bool {
        let changed = answer.dataset.map { state.changes[$0] ?? state.floor } ?? state.last
        return changed <= answer.generation && answer.end.map { $0 > .now } ?? true
    }

    private static func add(_ answer: Answer, _ name: Name, to state: inout State, _ capacity: Int) {
        if let former = state.young.updateValue(answer, forKey: name) { state.youngBytes -= former.size }
        state.youngBytes += answer.size
        guard state.youngBytes > capacity / 2 else { return }
        state.old = state.young
        state.young = [:]
        state.youngBytes = 0
    }

    /// Bytes kept now, for metrics and tests.
    var bytes: Int { state.withLock { state in state.youngBytes + state.old.values.reduce(0) { $0 + $1.size } } }

    /// The dataset that a path is about: its identifier where it has no escapes, `.some(nil)` for a path about many, nil for one whose answer is not kept.
    static func dataset(of path: some StringProtocol) -> String?? {
        guard path.hasPrefix("/v1/datasets/") else { return .some(nil) }
        let id = path.dropFirst(13).prefix { $0 != "/" }
        return id.utf8.contains(UInt8(ascii: "%")) || id.isEmpty ? nil : String(id)
    }
}
