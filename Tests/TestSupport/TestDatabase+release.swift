internal import Crypto
internal import Foundation
internal import Logging
public import Model
internal import NIOCore
internal import NIOPosix
internal import Postgres
@testable internal import Store

/// A dataset whose versions are made by hand, without pushes: its tables are the real ones.
public struct TestRelease: Sendable {
    let database: TestDatabase
    public let dataset: String
    public let number: Int
    public let schema: TableSchema

    var table: RowTable { RowTable(number: number, schema: schema) }

    /// The same dataset, whose next versions declare these roll-ups.
    public func declaring(_ rollups: [Rollup]) -> TestRelease {
        var schema = schema
        schema.rollups = rollups
        return TestRelease(database: database, dataset: dataset, number: number, schema: schema)
    }

    /// Makes a version: rows that come or change, by their key, and rows that go.
    ///
    /// - Parameters:
    ///   - rows: values as text in schema order, nil for missing.
    ///   - removed: key values of rows that go.
    /// - Returns: the version's digest.
    @discardableResult
    public func release(_ version: Int, rows: [[String?]], removing removed: [[String]] = []) async throws -> String {
        try await database.database.transaction { connection in
            let names = schema.fields.map(\.name)
            let key = schema.primaryKey.map { name in names.firstIndex(of: name) ?? 0 }
            for values in removed + (version == 1 ? [] : rows.map { row in key.map { row[$0] ?? "" } }) {
                let condition = zip(schema.primaryKey, values).map { "\(identifier: $0) = \($1, as: .text)::\(raw: castType($0))" as SQL }
                try await connection.execute(
                    "UPDATE \(table.table) SET _until = \(version, as: .int4) WHERE _until IS NULL AND \(condition.joined(separator: " AND "))")
            }
            // Whole columns as arrays: thousands of rows in one statement.
            let columns = names.indices.map { column in rows.map { $0[column] } }
            let arrays = columns.map { "\($0, as: .text.array ?? .unknown)" as SQL }.joined(separator: ", ")
            let cast = names.map { "r.\(identifier: $0)::\(raw: castType($0))" as SQL }.joined(separator: ", ")
            try await connection.execute(
                """
                INSERT INTO \(table.table) (_since, \(identifiers: names))
                SELECT \(version, as: .int4), \(cast) FROM unnest(\(arrays)) AS r(\(identifiers: names))
                """)
            try await connection.rollUp(table, of: dataset, version: version)
            var hash = SHA256()
            var size = 0
            try await connection.execute("SET LOCAL TimeZone = '<+08>-08'")
            try await table.canonical(from: table.table, where: "_until IS NULL", connection) { chunk in
                chunk.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
                size += chunk.readableBytes
            }
            let digest = hash.finalize().map { String(format: "%02x", $0) }.joined()
            try await connection.execute(
                """
                INSERT INTO daylight.version (dataset, number, digest, row_count, added, changed, removed, byte_count, schema, department)
                SELECT id, \(version, as: .int4), \(digest), (SELECT count(*) FROM \(table.table) WHERE _until IS NULL), 0, 0, 0, \(size),
                    \(JSONB(try JSON.encode(schema))), department
                FROM daylight.dataset WHERE id = \(dataset)
                """)
            try await connection.execute(
                """
                UPDATE daylight.dataset SET current_version = \(version, as: .int4), state = 'published', released_at = now(),
                    row_count = (SELECT count(*) FROM \(table.table) WHERE _until IS NULL)
                WHERE id = \(dataset)
                """)
            try await connection.record(.release(version: version), of: dataset)
            try await connection.execute("SELECT pg_notify('daylight_change', \(dataset, as: .text))")
            return digest
        }
    }

    /// Says that a version was released at another time.
    ///
    /// - Parameter time: RFC 3339.
    public func setReleaseTime(version: Int, _ time: String) async throws {
        try await database.database.execute(
            "UPDATE daylight.version SET released_at = \(time, as: .timestamptz) WHERE dataset = \(dataset) AND number = \(version, as: .int4)")
        try await database.database.execute("SELECT pg_notify('daylight_change', \(dataset, as: .text))")
    }

    private func castType(_ name: String) -> String { schema.field(name)?.type.castType ?? "text" }

    /// Takes the dataset, a version of it, or rows in a version out of public view.
    public func withdraw(_ subject: Withdrawal.Subject, version: Int? = nil, keys: [String] = [], reason: String = "数据有误") async throws {
        let id = UUID().uuidString.lowercased()
        try await database.database.transaction { connection in
            try await connection.execute(
                """
                INSERT INTO daylight.withdrawal (id, dataset, subject, version, keys, reason_zh, reason_en, legal_basis)
                VALUES (\(id)::uuid, \(dataset), \(subject.rawValue), \(version.map { Int32($0) }), \(keys), \(reason), 'wrong values', '条例')
                """)
            switch subject {
            case .dataset:
                try await connection.execute("UPDATE daylight.dataset SET state = 'withdrawn', withdrawal = \(id)::uuid WHERE id = \(dataset)")
            case .version, .rows:
                try await connection.execute(
                    "UPDATE daylight.version SET withdrawal = \(id)::uuid WHERE dataset = \(dataset) AND number = \(version.map { Int32($0) })")
            }
            for key in subject == .rows ? keys : [] {
                try await connection.execute(
                    "INSERT INTO daylight.withdrawn_row (dataset, key, since, state, withdrawal) VALUES (\(dataset), \(key), 1, '{}', \(id)::uuid)")
            }
            try await connection.record(.withdrawal(id, version: version), of: dataset)
            try await connection.execute("SELECT pg_notify('daylight_change', \(dataset, as: .text))")
        }
    }

    /// Runs a statement over the dataset's row table, which stands for `rows` in it.
    public func execute(_ statement: (_ rows: String) -> String) async throws {
        try await database.database.execute(SQL(raw: statement("data.d\(number)")))
    }
}

extension TestDatabase {
    /// Makes a dataset with its tables and its first version.
    public func publish(_ dataset: String = "lighthouse", schema: TableSchema = Lighthouse.schema, rows: [[String?]]) async throws -> TestRelease {
        let departments = try await database.execute("SELECT uscc FROM daylight.department LIMIT 1")
        let department = if let row = departments.first { try row.read(String.self, 0) } else { try await addDepartment().uscc }
        let number = try await addDataset(dataset, department: department, schema: schema)
        let release = TestRelease(database: self, dataset: dataset, number: number, schema: schema)
        for statement in [release.table.create] + release.table.createIndexes + release.table.createView { try await database.execute(statement) }
        try await release.release(1, rows: rows)
        return release
    }
}

extension Lighthouse {
    /// Rows that hold what is awkward: missing values, ties, quotes, commas, line ends, Chinese, control characters.
    ///
    /// - Parameter count: how many; the same every time.
    public static func rows(_ count: Int) -> [[String?]] {
        let names = ["灯塔", "a,b", "say \"hi\"", "two\nlines", "", "=1+1", "tab\there", "back\\slash", "Ünïcödé", "\u{1}control", "%_like", "plain"]
        var seed: UInt64 = 42
        func random(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        func missing(_ value: String) -> String? { random(5) == 0 ? nil : value }
        return (0..<count).map { index in
            let code = "L" + String(100_000 + index)
            return [
                code, names[random(names.count)], missing("\(random(40)).\(random(90) + 10)"), missing(String(random(50) - 25)),
                missing(random(2) == 0 ? "true" : "false"), missing("20\(random(90) + 10)-0\(random(9) + 1)-1\(random(10))"),
                missing("2013-03-0\(random(9) + 1) 0\(random(10)):00:00\(random(4) == 0 ? ".5" : "")+08"), missing("20\(random(30) + 10)-Q\(random(4) + 1)"),
                missing("1\(random(20) + 10).5,3\(random(9)).25"), missing("{\"n\": \(random(9))}"), ["欧阳锋", "张三", "李", "王小明"][random(4)],
                "\(random(1000)).00", "1390000\(1000 + random(9000))",
            ]
        }
    }
}

extension TestRelease {
    /// Ends every other connection to the database, as an operator or a crash would.
    public func killBackends() async throws {
        try await database.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    }

    /// Says that a row has to leave public view in some seconds.
    public func haveRowsLeave(in seconds: Int) async throws {
        try await database.database.execute("UPDATE daylight.dataset SET expires_at = clock_timestamp() + make_interval(secs => \(seconds)) WHERE id = \(dataset)")
    }

    /// Transactions that stand open in this database.
    public func openTransactions() async throws -> Int {
        let rows = try await database.database.execute(
            "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()")
        return try rows.first?.read(Int.self, 0) ?? 0
    }
}
