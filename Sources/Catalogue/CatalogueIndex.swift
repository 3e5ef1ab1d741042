internal import Foundation
internal import Logging
internal import Model
internal import NIOCore
internal import SearchIndex
internal import Store
import Synchronization

/// This node's index of the catalogue, fed from PostgreSQL and kept fresh.
///
/// While `follow()` runs, every notification and every half second ask for what changed, and a search is answered from what is there. Where nobody
/// follows, as in a test or a subcommand, each search asks first.
final class CatalogueIndex: Sendable {
    private struct State {
        var isFollowed = false
        var isLoaded = false
        var isReferenceDue = true
        var reference = SearchReference()
        /// Counts changes, so that what was read before one is not kept after it.
        var generation = 0
        var cards: [Int: (card: DatasetCard, until: ContinuousClock.Instant)] = [:]
    }

    let index = DatasetIndex()
    let store: Store
    private let feeder: SearchFeeder
    private let logger: Logger
    private let state = Mutex(State())

    /// Cards that are kept, and for how long they are trusted though nothing said that they changed.
    private static let cardCapacity = 20_000
    private static let cardTrust = Duration.seconds(30)
    /// How often changes are asked for when no notification comes.
    private static let interval = Duration.milliseconds(500)
    /// After so many of these the reference is read again as well.
    private static let intervalsPerReference = 120

    static let synonymList = "search-synonyms"
    static let titleLists = ["divisions", "update-cycles", "openness"]

    init(store: Store, logger: Logger, isFollowed: Bool) {
        self.store = store
        self.logger = logger
        feeder = SearchFeeder(store: store, index: index, logger: logger)
        state.withLock { $0.isFollowed = isFollowed }
    }

    /// Whether searches can be answered.
    var isReady: Bool { state.withLock { $0.isLoaded || !$0.isFollowed } }

    /// Names and titles as they were read last.
    var reference: SearchReference { state.withLock { $0.reference } }

    /// Makes sure that there is something to search in.
    ///
    /// - Throws: `Problem` (`overloaded`) while the first load runs.
    func prepare() async throws {
        let (isFollowed, isLoaded) = state.withLock { ($0.isFollowed, $0.isLoaded) }
        if !isFollowed { return try await refresh(withReference: true) }
        guard isLoaded else {
            throw Problem(
                .overloaded, zh: "检索索引正在加载，请稍后重试；按标识读取不受影响", en: "the search index is being loaded; retry soon; reading by id works meanwhile", retryAfter: 5)
        }
    }

    /// Takes in all that changed since the last time.
    private func refresh(withReference: Bool) async throws {
        if withReference {
            let reference = try await store.searchReference(lists: Self.titleLists + [Self.synonymList])
            index.setDepartments(reference.departments.mapValues { $0.zh + " | " + ($0.en ?? "") })
            index.setSynonyms(Synonyms(Self.groups(reference)))
            state.withLock { $0.reference = reference }
        }
        let changed = try await feeder.catchUp()
        state.withLock { state in
            state.isLoaded = true
            guard !changed.isEmpty else { return }
            state.generation += 1
            for number in changed { state.cards[number] = nil }
        }
    }

    /// The names of things: a code with its titles, and with the codes below it.
    static func groups(_ reference: SearchReference) -> [[String]] {
        let codes = reference.codes[synonymList] ?? [:], parents = reference.parents[synonymList] ?? [:]
        var groups: [String: [String]] = [:]
        for (code, title) in codes.sorted(by: { $0.key < $1.key }) {
            groups[parents[code] ?? code, default: []] += [code, title.zh] + [title.en].compactMap(\.self)
        }
        return groups.sorted { $0.key < $1.key }.map { Set($0.value).sorted() }
    }

    // MARK: Following

    /// Loads the index and follows changes until the task is cancelled.
    func follow() async {
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await notification in self.store.searchNotifications() {
                    if notification == .all { self.state.withLock { $0.isReferenceDue = true } }
                    wake.yield()
                }
            }
            group.addTask {
                var intervals = 0
                while (try? await Task.sleep(for: Self.interval)) != nil {
                    intervals += 1
                    if intervals.isMultiple(of: Self.intervalsPerReference) { self.state.withLock { $0.isReferenceDue = true } }
                    wake.yield()
                }
            }
            group.addTask {
                wake.yield()
                for await _ in wakes { await self.refreshInBackground() }
            }
            await group.waitForAll()
        }
    }

    private func refreshInBackground() async {
        let withReference = state.withLock { state in
            defer { state.isReferenceDue = false }
            return state.isReferenceDue
        }
        do {
            try await refresh(withReference: withReference)
        } catch is CancellationError {
        } catch {
            // The next interval tries again; until then what is there is searched.
            if withReference { state.withLock { $0.isReferenceDue = true } }
            logger.warning("following changes for search failed", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Cards

    /// What lists show of these datasets, in this order; those that are gone meanwhile are missing.
    func cards(_ numbers: [Int], drafts: Bool) async throws -> [DatasetCard] {
        let now = ContinuousClock.now
        let (generation, known) = state.withLock { state -> (Int, [Int: DatasetCard]) in
            var known: [Int: DatasetCard] = [:]
            for number in numbers {
                if let entry = state.cards[number], entry.until > now { known[number] = entry.card }
            }
            return (state.generation, known)
        }
        let missing = numbers.filter { known[$0] == nil }
        guard !missing.isEmpty else { return numbers.compactMap { known[$0] } }
        var cards = known
        for overview in try await store.datasetOverviews(missing, drafts: drafts) { cards[overview.number] = DatasetCard(overview) }
        let found = cards
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.cards.count + missing.count > Self.cardCapacity { state.cards.removeAll(keepingCapacity: true) }
            // A draft is not for everybody, nor is what is closed to the public.
            for number in missing {
                if let card = found[number], card.overview.state == .published, card.overview.audience == .public { state.cards[number] = (card, now + Self.cardTrust) }
            }
        }
        return numbers.compactMap { found[$0] }
    }
}
