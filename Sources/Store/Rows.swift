public import Model
public import NIOCore
internal import Postgres

/// A page that is to be read: which rows of which version, in what order.
public struct PageRead: Sendable {
    public let version: ReleasedVersion
    let order: RowOrder
    let predicate: Predicate?
    private(set) var limit: Int
    /// The order's values of the row before the page.
    private(set) var after: [String?]?
    /// Columns of the result: those that are shown, then those that only the cursor needs.
    private(set) var columns: [String]
    /// The same, quoted.
    private let selection: SQL
    /// For each column of the order, where it stands in the result.
    let orderColumns: [Int]
    let json: RowJSON
    /// The fields that are shown.
    let fields: [Field]

    /// - Parameters:
    ///   - version: what is read.
    ///   - query: a question whose names were held against the version's schema.
    ///   - after: values of the row before the page, in the order that ``orderNames`` has; nil for the first page.
    public init(version: ReleasedVersion, query: RowQuery, after: [String?]? = nil) {
        self.version = version
        order = query.sort.isEmpty ? version.defaultOrder : RowOrder(query.sort, version.queryable, key: version.schema.primaryKey)
        predicate = query.predicate
        limit = query.limit
        self.after = after
        if let names = query.fields {
            columns = names
            fields = names.compactMap { version.schema.field($0) }
            json = RowJSON(fields)
        } else {
            columns = version.publicNames
            fields = version.schema.publicFields
            json = version.json
        }
        for column in order.columns where !columns.contains(column.name) { columns.append(column.name) }
        let all = columns
        selection = all.count == version.publicNames.count && query.fields == nil ? version.selection : "\(identifiers: all)"
        orderColumns = order.columns.map { column in all.firstIndex(of: column.name) ?? 0 }
    }

    /// The same question about its first rows.
    func first(_ count: Int) -> PageRead {
        var read = self
        read.limit = count - 1
        return read
    }

    /// The same question behind a row, by the order's values of that row.
    func going(onBehind values: [String?]) -> PageRead {
        var read = self
        read.after = values
        return read
    }

    /// The order's columns, for the cursor.
    public var orderNames: [String] { order.columns.map { ($0.descending ? "-" : "") + $0.name } }

    /// The statement.
    ///
    /// - Parameters:
    ///   - isCurrent: reads current rows only, under a guard that gives none once the version is no longer the current one.
    ///   - columns: a select list of the caller's own.
    ///   - isLimited: false for all rows.
    func sql(isCurrent: Bool, columns: SQL? = nil, isLimited: Bool = true) -> SQL {
        let selection = columns ?? selection
        let bound: SQL = isLimited ? " LIMIT \(raw: String(limit + 1))" : ""
        let source = RowSource(number: version.datasetNumber, version: version.number)
        let relation: SQL = isCurrent ? source.view : "(\(source.asOf(version.publicNames))) AS state"
        var conditions: [SQL] = isCurrent ? ["_until IS NULL"] : []
        if let predicate { conditions.append("(\(predicate.sql(version.queryable)))") }
        if isCurrent { conditions.append(source.guardCondition) }

        func select(_ order: RowOrder, _ condition: SQL?, _ after: [String?]?) -> SQL {
            var conditions = conditions
            if let condition { conditions.append(condition) }
            if let after { conditions.append("(\(order.after(after)))") }
            let filter: SQL = conditions.isEmpty ? "" : " WHERE \(conditions.joined(separator: " AND "))"
            let sorted: SQL = order.columns.isEmpty ? "" : " ORDER BY \(order.sql)"
            return "SELECT \(selection) FROM \(relation)\(filter)\(sorted)\(bound)"
        }

        guard order.isSplit(after: after) else { return select(order, nil, after) }
        let first = order.columns[0].name
        let missing = select(order.withoutFirst, "\(identifier: first) IS NULL", after?[0] == nil ? after.map { Array($0.dropFirst()) } : nil)
        if let after, after[0] == nil { return missing }
        let present = select(order.withValue, "\(identifier: first) IS NOT NULL", after)
        return "(\(present)) UNION ALL (\(missing))\(bound)"
    }

    /// The order's values of a row of the result, for the cursor.
    func orderValues(_ rows: RowSet, _ row: Int) -> [String?] {
        orderColumns.map { column in rows.bytes(row, column).map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Whether an index gives all rows in the order that is asked for.
    func isOrderIndexed(isCurrent: Bool) -> Bool {
        guard Set(order.columns.map(\.descending)).count <= 1 else { return false }
        let names = order.columns.map(\.name)
        return ((isCurrent ? version.schema.indexes : []) + [version.schema.primaryKey]).contains { !$0.isEmpty && zip(names, $0).allSatisfy(==) }
    }
}

/// The rows of a page, as they came.
public struct RowPage: Sendable {
    let rows: RowSet
    let read: PageRead

    /// Rows of the page; the one beyond it, which tells that there is a next page, is not counted.
    public var count: Int { min(rows.count, read.limit) }
    public var hasMore: Bool { rows.count > read.limit }

    /// The order's values of the page's last row, for the cursor.
    public var lastValues: [String?] {
        count > 0 ? read.orderValues(rows, count - 1) : []
    }

    /// Appends the rows as a JSON array.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: count * (read.json.overhead + 96))
        buffer.writeInteger(UInt8(ascii: "["))
        for row in 0..<count {
            if row > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
            read.json.write(rows, row, into: &buffer)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }
}

/// One row, as it came.
public struct FoundRow: Sendable {
    let rows: RowSet
    let json: RowJSON

    /// Appends the row as a JSON object.
    public func writeJSON(into buffer: inout ByteBuffer) { json.write(rows, 0, into: &buffer) }
}

extension Store {
    /// What a read by callback gives.
    public typealias Done<Value> = @Sendable (Result<Value, any Error>) -> Void

    /// Reads a page of current rows on an event loop; it must be a short one (``PageRead/isShort(isCurrent:)``).
    ///
    /// - Parameter done: called on the loop; a page without rows may mean that the version is no longer the current one (``isCurrent(_:)``).
    public func currentPage(_ read: PageRead, on eventLoop: any EventLoop, _ done: @escaping Done<RowPage>) {
        reader.read(read.sql(isCurrent: true), on: eventLoop) { result in
            done(result.map { RowPage(rows: $0, read: read) }.mapError(self.refusal))
        }
    }

    /// Reads a page of a version.
    ///
    /// - Parameters:
    ///   - isCurrent: reads as ``currentPage(_:on:_:)`` does; else the rows as of the version, whether it is current or not.
    ///   - admit: told the planner's estimate of a page that is not a short one, before anything runs; what it throws is thrown.
    /// - Throws: a `Problem`: `queryTooExpensive` before anything ran, `statementTimeout`, or that the database cannot answer.
    public func page(_ read: PageRead, isCurrent: Bool, admit: (_ estimate: Double) async throws -> Void = { _ in }) async throws -> RowPage {
        let sql = read.sql(isCurrent: isCurrent)
        if read.isShort(isCurrent: isCurrent) { return RowPage(rows: try await self.read(sql), read: read) }
        let advice = LocalizedText(zh: "按主键或有索引的信息项排序，或下载 rows.csv", en: "sort by the key or by a field with an index, or take rows.csv")
        return RowPage(rows: try await mappingErrors { try await runWithinCost(sql, of: read.version, advice: advice, admit: admit) }, read: read)
    }

    /// Finds a current row by its key on an event loop.
    ///
    /// - Parameters:
    ///   - key: canonical values of the key's fields, in key order.
    ///   - done: called on the loop; nil may mean that the version is no longer the current one (``isCurrent(_:)``).
    public func currentRow(_ version: ReleasedVersion, key: [String], on eventLoop: any EventLoop, _ done: @escaping Done<FoundRow?>) {
        reader.read(version.rowQuery, Self.parameters(version, key), on: eventLoop) { result in
            done(result.map { $0.isEmpty ? nil : FoundRow(rows: $0, json: version.json) }.mapError(self.refusal))
        }
    }

    /// Finds a row of a version by its key.
    ///
    /// - Parameter isCurrent: looks as ``currentRow(_:key:on:_:)`` does; else among the rows as of the version, whether it is current or not.
    public func row(_ version: ReleasedVersion, key: [String], isCurrent: Bool) async throws -> FoundRow? {
        let rows: RowSet
        if isCurrent {
            rows = try await read(version.rowQuery, Self.parameters(version, key))
        } else {
            let source = RowSource(number: version.datasetNumber, version: version.number)
            let condition = zip(version.keyFields, key).map { "\(identifier: $0.name) = \($1, as: $0.type.postgresType)" as SQL }
            rows = try await read(
                "SELECT \(identifiers: version.publicNames) FROM (\(source.asOf(version.publicNames))) AS state WHERE \(condition.joined(separator: " AND "))")
        }
        return rows.isEmpty ? nil : FoundRow(rows: rows, json: version.json)
    }

    /// Whether a version is the dataset's current one at this moment.
    public func isCurrent(_ version: ReleasedVersion) async throws -> Bool {
        let rows = try await read("SELECT current_version FROM published.release WHERE dataset_number = \(version.datasetNumber, as: .int4)")
        return try rows.first?.read(Int?.self, 0) == version.number
    }

    /// Why a row is gone, where it was withdrawn.
    ///
    /// - Parameters:
    ///   - key: the row's key as withdrawals spell it (`RowKey`).
    ///   - version: the version that it stood in; nil for any.
    public func withdrawnRow(dataset: String, key: String, in version: Int? = nil) async throws -> Tombstone? {
        let stood: SQL = version.map { " AND r.since <= \($0, as: .int4) AND (r.until IS NULL OR r.until > \($0, as: .int4))" } ?? ""
        let rows = try await read(
            """
            SELECT w.reason_zh, w.reason_en, w.reason_code, w.legal_basis, w.withdrawn_at FROM published.withdrawn_row r \
            JOIN published.withdrawal w ON w.id = r.withdrawal \
            WHERE r.dataset = \(dataset, as: .text) AND r.key = \(key, as: .text)\(stood) ORDER BY w.withdrawn_at DESC LIMIT 1
            """)
        return try rows.first.flatMap { try Self.tombstone($0, "") }
    }

    private static func parameters(_ version: ReleasedVersion, _ key: [String]) -> Parameters {
        var parameters = Parameters()
        parameters.reserveCapacity(48)
        for value in key { parameters.append(value) }
        parameters.append(version.number)
        return parameters
    }
}
