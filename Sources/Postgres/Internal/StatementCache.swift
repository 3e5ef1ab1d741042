/// Which statements a connection has prepared, at most so many, the least recently used one leaving first: a value.
struct StatementCache {
    /// What has to be done before a statement can be run.
    enum Use: Equatable {
        /// Nothing: it is prepared under this name.
        case prepared(name: String)
        /// Prepare it under this name; first drop the other one, if there is one.
        case prepare(name: String, evicted: String?)
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [StatementText: Entry] = [:]
    private var uses: UInt64 = 0
    private var prepared = 0

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { entries.count }

    /// A statement is about to run.
    mutating func use(_ text: StatementText) -> Use {
        uses += 1
        if let index = entries.index(forKey: text) {
            entries.values[index].lastUse = uses
            return .prepared(name: entries.values[index].name)
        }
        var evicted: String?
        // A search over the whole cache, but only when a statement is prepared anyway.
        if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
            evicted = oldest.value.name
        }
        prepared += 1
        let name = "s\(prepared)"
        entries[text] = Entry(name: name, lastUse: uses)
        return .prepare(name: name, evicted: evicted)
    }

    /// The statement is not, or no longer, prepared under this name.
    /// - Returns: false when it has been prepared anew under another name since.
    @discardableResult
    mutating func forget(_ text: StatementText, name: String) -> Bool {
        guard entries[text]?.name == name else { return false }
        entries[text] = nil
        return true
    }
}
