public import Model
public import NIOCore
internal import Postgres

/// A page of a difference, as it came.
public struct DifferencePage: Sendable {
    let rows: RowSet
    let read: DifferenceRead

    /// Rows of the page; the one beyond it, which tells that there is a next page, is not counted.
    public var count: Int { min(rows.count, read.limit) }
    public var hasMore: Bool { rows.count > read.limit }

    /// The key of the page's last row, for the cursor.
    public var lastKey: [String?] { read.keyValues(rows, count - 1) }

    /// Appends `[{…},…]`.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("[")
        for row in 0..<count {
            if row > 0 { buffer.writeStaticString(",") }
            read.write(rows, row, into: &buffer)
        }
        buffer.writeStaticString("]")
    }
}

extension DifferenceRead {
    /// The key of a row of the result, as PostgreSQL prints it.
    func keyValues(_ rows: RowSet, _ row: Int) -> [String?] {
        key.indices.map { column in rows.bytes(row, column).map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Appends a row of the result: `{"change":"changed","key":{…},"old":{…},"new":{…}}`. Of a row that changed, only fields that differ are given.
    func write(_ rows: RowSet, _ row: Int, into buffer: inout ByteBuffer) {
        let first = key.count + 1
        func isKept(_ field: Int) -> Bool {
            switch (rows.bytes(row, first + 2 * field), rows.bytes(row, first + 2 * field + 1)) {
            case (nil, nil): true
            case (let old?, let new?): old.elementsEqual(new)
            default: false
            }
        }
        // a, r or c.
        let change = rows.bytes(row, key.count)?.first ?? UInt8(ascii: "c")
        let isChanged = change == UInt8(ascii: "c")
        buffer.writeStaticString(change == UInt8(ascii: "a") ? "{\"change\":\"added\",\"key\":" : isChanged ? "{\"change\":\"changed\",\"key\":" : "{\"change\":\"removed\",\"key\":")
        keyJSON.write(rows, row, column: { $0 }, into: &buffer)
        if change != UInt8(ascii: "a") {
            buffer.writeStaticString(",\"old\":")
            json.write(rows, row, column: { first + 2 * $0 }, where: { !(isChanged ? isKept($0) : isNew(fields[$0])) }, into: &buffer)
        }
        if change != UInt8(ascii: "r") {
            buffer.writeStaticString(",\"new\":")
            json.write(rows, row, column: { first + 2 * $0 + 1 }, where: { !isChanged || !isKept($0) }, into: &buffer)
        }
        buffer.writeStaticString("}")
    }
}

extension Store {
    private static let advice = LocalizedText(zh: "比较相邻的版本，或取 diff.ndjson、diff.csv", en: "compare versions that are closer to one another, or take diff.ndjson or diff.csv")

    /// Reads a page of a difference.
    ///
    /// - Parameter admit: told the planner's estimate before anything runs; what it throws is thrown.
    /// - Throws: a `Problem`: `queryTooExpensive` before anything ran, `statementTimeout`, or that the database cannot answer.
    public func page(_ read: DifferenceRead, admit: (_ estimate: Double) async throws -> Void) async throws -> DifferencePage {
        DifferencePage(
            rows: try await mappingErrors { try await runWithinCost(read.sql(isLimited: true), of: read.to, advice: Self.advice, admit: admit) }, read: read)
    }

    /// Counts a difference and adds up what it comes to.
    ///
    /// - Parameter admit: as for a page.
    public func summary(_ read: DifferenceRead, admit: (_ estimate: Double) async throws -> Void) async throws -> DifferenceSummary {
        let rows = try await mappingErrors { try await runWithinCost(read.summary, of: read.to, advice: Self.advice, admit: admit) }
        return DifferenceSummary(rows: rows, read: read)
    }

    /// A whole difference as lines of JSON.
    public func ndjson(_ read: DifferenceRead) -> RowStream {
        stream(of: read.to.datasetNumber) { connection, handoff, mark in
            try await connection.prepare(read)
            try await connection.sendLines(of: read.sql(isLimited: false), to: handoff, mark, lineBytes: read.json.overhead + 96) { rows, row, lines in
                read.write(rows, row, into: &lines)
            } last: { rows, row in
                read.keyValues(rows, row)
            }
        }
    }

    /// The same as CSV; where it goes on behind a row, there is no header.
    public func csv(_ read: DifferenceRead, dialect: CSVDialect) -> RowStream {
        let form = DifferenceCSV(read, dialect: dialect)
        return stream(of: read.to.datasetNumber, opening: read.after == nil ? form.header : ByteBuffer()) { connection, handoff, mark in
            try await connection.prepare(read)
            try await form.send(connection.copyOut(form.copy(read)), to: handoff, mark)
        }
    }
}

extension Connection {
    /// Of all rows of a version, what an index gives in order comes at once.
    fileprivate func prepare(_ read: DifferenceRead) async throws {
        if read.from == nil { try await execute("SET LOCAL enable_sort = off") }
    }
}
