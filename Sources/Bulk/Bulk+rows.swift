public import Model
public import NIOCore
public import Store

/// Rows on their way as CSV, read straight from the database.
public struct LiveCSV: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// The version that all of it is of.
    public let version: Int
    public let dataset: String
    public let title: String
    let stream: CSVStream
    let place: Places.Place

    public func makeAsyncIterator() -> Iterator { Iterator(base: stream.makeAsyncIterator(), place: place) }

    /// Gives the buffers, in order, to one reader at a time.
    public final class Iterator: AsyncIteratorProtocol, @unchecked Sendable {
        private let base: CSVStream.Iterator
        private let place: Places.Place

        init(base: CSVStream.Iterator, place: Places.Place) {
            self.base = base
            self.place = place
        }

        public func next() async throws -> ByteBuffer? { try await base.next() }
    }
}

extension Bulk {
    /// Parameters of `rows.csv` that are not about which rows.
    public static let parameterNames = ["dialect", "formula_guard"]

    /// The rows that a question is about, however many they are.
    ///
    /// - Parameters:
    ///   - dataset: the dataset's identifier.
    ///   - parameters: names and values, decoded: filters, `sort`, `fields`, `version`, `as_of`.
    /// - Throws: a `Problem` that names every wrong place, `overloaded` when as many streams run as may.
    public func rows(of dataset: String, parameters: [(name: String, value: String)], dialect: CSVDialect) async throws -> LiveCSV {
        let parameters = try await released.resolvingAsOf(parameters, of: dataset)
        let number = parameters.first { $0.name == "version" }.flatMap { Int($0.value) }.flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
        let version = try await released.find(dataset, version: number)
        let meaningless = parameters.filter { $0.name == "limit" || $0.name == "cursor" }
        guard meaningless.isEmpty else {
            throw Problem(
                .unknownParameter, zh: "rows.csv 给出全部行，没有分页", en: "rows.csv gives all rows and has no pages",
                places: meaningless.map { .init($0.name, zh: "没有这个参数", en: "no such parameter") })
        }
        let query = try RowQuery(parameters: parameters, fields: version.queryable, other: Self.parameterNames)
        return try await live(version, store.csv(version, query: query, dialect: dialect))
    }

    /// A whole version in a dialect that no file is kept of.
    public func whole(_ version: ReleasedVersion, dialect: CSVDialect) async throws -> LiveCSV {
        try await live(version, store.csv(version, dialect: dialect))
    }

    private func live(_ version: ReleasedVersion, _ stream: CSVStream) async throws -> LiveCSV {
        guard let place = live.take() else {
            throw Problem(.overloaded, zh: "正在进行的导出过多，请稍后重试，或下载 data.csv", en: "too many exports are running; retry later, or download data.csv", retryAfter: 10)
        }
        let title = try await released.dataset(version.dataset)?.title.zh ?? version.dataset
        return LiveCSV(version: version.number, dataset: version.dataset, title: title, stream: stream, place: place)
    }
}
