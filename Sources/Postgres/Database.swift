import CLibpq
public import Logging
public import NIOCore

/// A PostgreSQL database, seen by one role through one connection string.
///
/// Short reads share a few pipelined connections, which belong to the event loops; everything else (writes,
/// transactions, slow reads, COPY) leases a connection from a bounded pool.
public final class Database: Sendable {
    public let configuration: Configuration
    let group: any EventLoopGroup
    let logger: Logger

    /// Nothing is connected until `start()`.
    /// - Parameters:
    ///   - eventLoopGroup: the loops that own the pipelined connections; the caller shuts it down, after `close()`.
    ///   - logger: gets connection failures and recoveries, never a statement's values.
    public init(_ configuration: Configuration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        self.configuration = configuration
        self.group = eventLoopGroup
        self.logger = logger
    }

    /// Opens the pipelined connections and one pooled connection.
    /// - Throws: `PostgresError` when the server cannot be reached or refuses the role.
    public func start() async throws { throw notYet }

    /// Refuses new work, waits for what runs (bounded by its deadlines), and closes all connections.
    public func close() async {}

    public var statistics: Statistics { Statistics() }
}

let notYet = PostgresError(.misuse, "not built yet")
