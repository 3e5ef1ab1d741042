public import Model
public import NIOCore
public import Store

/// Rows on their way, read straight from the database.
public struct LiveRows: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// The version that all of it is of.
    public let version: Int
    public let dataset: String
    public let title: String
    let stream: RowStream

    public func makeAsyncIterator() -> Iterator { Iterator(base: stream.makeAsyncIterator()) }

    /// Gives the buffers, in order, to one reader at a time.
    public final class Iterator: AsyncIteratorProtocol, @unchecked Sendable {
        private let base: RowStream.Iterator

        init(base: RowStream.Iterator) {
            self.base = base
        }

        public func next() async throws -> ByteBuffer? { try await base.next() }

        /// The order's values of the last row, where the time that a stream may hold a connection was up before the last one; see `RowStream.Iterator.rest`.
        public var rest: [String?]? { base.rest }
    }
}

extension Bulk {
    /// Parameters of `rows.csv` that are not about which rows.
    public static let parameterNames = ["dialect", "formula_guard"]

    /// The rows that a question is about as CSV, however many they are.
    ///
    /// - Throws: a `Problem`: `overloaded` when as many streams run as may.
    public func csv(_ read: PageRead, dialect: CSVDialect) async throws -> LiveRows {
        try await live(read.version, store.csv(read, dialect: dialect))
    }

    /// The same as lines of JSON.
    public func ndjson(_ read: PageRead) async throws -> LiveRows { try await live(read.version, store.ndjson(read)) }

    func live(_ version: ReleasedVersion, _ stream: RowStream) async throws -> LiveRows {
        guard let place = live.take() else {
            throw Problem(.overloaded, zh: "正在进行的导出过多，请稍后重试，或下载 data.csv", en: "too many exports are running; retry later, or download data.csv", retryAfter: 10)
        }
        let title = try await released.dataset(version.dataset)?.title.zh ?? version.dataset
        return LiveRows(version: version.number, dataset: version.dataset, title: title, stream: stream.holding(place))
    }
}
