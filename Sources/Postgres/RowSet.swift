import CLibpq
import Glibc

/// What a statement returned: rows in memory, and its command tag.
///
/// It never changes, so that any thread may read it. Values stay in PostgreSQL's text format until they are asked for.
public final class RowSet: Sendable {
    // libpq lets any number of threads read a result that nobody changes.
    nonisolated(unsafe) let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }
    deinit { PQclear(result) }

    /// The number of rows.
    public var count: Int { Int(PQntuples(result)) }
    public var isEmpty: Bool { PQntuples(result) == 0 }
    public var columnCount: Int { Int(PQnfields(result)) }

    /// The names of the columns, in order.
    public var columns: [String] { (0..<columnCount).map { String(cString: PQfname(result, Int32($0))) } }

    /// The types of the columns, as `pg_type.oid`.
    public var columnTypes: [UInt32] { (0..<columnCount).map { PQftype(result, Int32($0)) } }

    /// What was done, in the server's words: `INSERT 0 3`.
    public var commandTag: String { String(cString: PQcmdStatus(result)) }

    /// The number of rows that the statement inserted, changed, deleted, copied or returned.
    public var affectedRows: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    /// The position of the first column of this name; nil when there is none.
    public func column(_ name: String) -> Int? {
        name.withCString { wanted in
            (0..<columnCount).first { strcmp(PQfname(result, Int32($0)), wanted) == 0 }
        }
    }

    /// The value's text; nil for NULL. Valid as long as this object; row and column count from 0 and must exist.
    public func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        let length = PQgetlength(result, row, column)
        if length == 0, PQgetisnull(result, row, column) == 1 { return nil }
        return UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: Int(length))
    }

    public func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(result, Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column)) == 1
    }

    public subscript(row: Int) -> Row {
        precondition(row >= 0 && row < count, "row \(row) of \(count)")
        return Row(rows: self, index: row)
    }

    public var first: Row? { isEmpty ? nil : self[0] }
}

extension RowSet: Sequence {
    public struct Iterator: IteratorProtocol {
        fileprivate let rows: RowSet
        fileprivate let count: Int
        fileprivate var position = 0

        public mutating func next() -> Row? {
            guard position < count else { return nil }
            defer { position += 1 }
            return Row(rows: rows, index: position)
        }
    }

    public func makeIterator() -> Iterator { Iterator(rows: self, count: count) }
    public var underestimatedCount: Int { count }
}
