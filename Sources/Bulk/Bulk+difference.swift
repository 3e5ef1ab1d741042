public import Model
public import Store

extension Bulk {
    /// A difference between two versions as CSV, however many rows it has.
    ///
    /// - Throws: a `Problem`: `overloaded` when as many streams run as may.
    public func csv(_ read: DifferenceRead, dialect: CSVDialect) async throws -> LiveRows {
        try await live(read.to, store.csv(read, dialect: dialect))
    }

    /// The same as lines of JSON.
    public func ndjson(_ read: DifferenceRead) async throws -> LiveRows { try await live(read.to, store.ndjson(read)) }
}
