public import Store

/// The catalogue: what departments say about their datasets, and how everybody finds them.
public struct Catalogue: Sendable {
    let store: Store
    let seal: CursorSeal

    public init(store: Store, seal: CursorSeal) {
        self.store = store
        self.seal = seal
    }
}
