public import Logging
public import Store

/// The catalogue: what departments say about their datasets, and how everybody finds them.
public struct Catalogue: Sendable {
    let store: Store
    let seal: CursorSeal
    let index: CatalogueIndex

    /// - Parameters:
    ///   - logger: gets word of the index for search.
    ///   - isFollowed: whether `run()` will be called; until it has loaded the index, searches are refused. Where it is not, each search looks for
    ///     changes first.
    public init(store: Store, seal: CursorSeal, logger: Logger = Logger(label: "daylight.search"), isFollowed: Bool = false) {
        self.store = store
        self.seal = seal
        index = CatalogueIndex(store: store, logger: logger, isFollowed: isFollowed)
    }

    /// Loads the index for search and follows changes until the task is cancelled.
    public func run() async { await index.follow() }

    /// Whether searches can be answered: false while the index is loaded for the first time.
    public var isReady: Bool { index.isReady }
}
