internal import Logging
internal import NIOPosix
public import Store

extension TestDatabase {
    /// Opens a store on this database, with few connections; the caller closes it.
    public func openStore(_ configure: (inout Store.Configuration) -> Void = { _ in }) async throws -> Store {
        var configuration = Store.Configuration(databaseURL: url)
        configuration.readerPool = 4
        configuration.writerPool = 4
        // Many tests share few processors: what is slow here is not the store.
        configuration.acquireTimeout = 60
        configure(&configuration)
        let store = Store(configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "daylight.tests"))
        try await store.start()
        return store
    }
}

/// Runs a test with a database and a store of its own.
public func withTestStore<T>(
    isolation: isolated (any Actor)? = #isolation, _ body: (TestDatabase, Store) async throws -> T
) async throws -> T {
    try await withTestDatabase { db in
        let store = try await db.openStore()
        do {
            let result = try await body(db, store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }
}
