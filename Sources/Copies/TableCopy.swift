internal import Foundation
public import Logging
public import Model
public import NIOCore
internal import Postgres

/// A copy in a PostgreSQL table. A delivery is one transaction: the rows, the version and what is owed for it change together.
///
/// The version stands in `daylight_copy`, in the table's own schema. A table that is not there is made; one that is there has to have the granted fields as
/// columns, in types that take their spelling.
public final class TableCopy: LocalCopy {
    private let database: Database
    private let schema: String
    private let table: String

    /// A role that may select from the copy; nil for its owner alone.
    private let reader: String?

    /// - Parameters:
    ///   - url: a connection URI as libpq takes it.
    ///   - table: its name, with its schema before a full stop where it is not `public`.
    ///   - again: forgets what there is: the next delivery is a whole state.
    ///   - writer: the role that the copy is kept in; the login's own where it is nil.
    ///   - reader: a role that may select from the copy, which `writer` makes then.
    /// - Throws: ``CopyFailure`` where the database cannot be reached.
    public static func open(
        _ url: String, table: String, again: Bool = false, writer: String? = nil, reader: String? = nil, group: any EventLoopGroup, logger: Logger
    ) async throws -> TableCopy {
        let parts = table.split(separator: ".", maxSplits: 1).map(String.init)
        let copy = TableCopy(
            url, schema: parts.count == 2 ? parts[0] : "public", table: parts.last ?? table, writer: writer, reader: reader, group: group, logger: logger)
        do {
            try await copy.database.start()
            try await copy.prepare(again: again)
            return copy
        } catch {
            await copy.database.close()
            throw failure(error)
        }
    }

    private init(_ url: String, schema: String, table: String, writer: String?, reader: String?, group: any EventLoopGroup, logger: Logger) {
        let role = writer.map { [("role", $0)] } ?? []
        var configuration = Database.Configuration(url: url, sessionSettings: role + [("TimeZone", "<+08>-08"), ("DateStyle", "ISO, YMD")])
        configuration.poolSize = 1
        configuration.pipelinedConnectionsPerLoop = 0
        configuration.applicationName = "daylight exchange pull"
        database = Database(configuration, eventLoopGroup: group, logger: logger)
        (self.schema, self.table, self.reader) = (schema, table, reader)
    }

    public func close() async { await database.close() }

    private var target: SQL { "\(identifier: schema).\(identifier: table)" }
    private var memory: SQL { "\(identifier: schema).daylight_copy" }

    private func prepare(again: Bool) async throws {
        try await database.transaction { [self] connection in
            try await connection.execute(
                """
                CREATE TABLE IF NOT EXISTS \(memory) (
                    "table" text PRIMARY KEY, grant_id text NOT NULL, dataset text NOT NULL, version integer NOT NULL, owed jsonb, updated_at timestamptz NOT NULL DEFAULT now(), delivery text
                )
                """)
            // One that was made before the delivery was noted.
            let isNoted = try await connection.execute(
                """
                SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(format('%I.daylight_copy', \(schema, as: .text))) AND attname = 'delivery' AND NOT attisdropped)
                """)
            if try !isNoted[0].read(Bool.self, 0) { try await connection.execute("ALTER TABLE \(memory) ADD COLUMN IF NOT EXISTS delivery text") }
            if let reader { try await connection.execute("GRANT SELECT ON \(memory) TO \(identifier: reader)") }
            if again { try await connection.execute("DELETE FROM \(memory) WHERE \"table\" = \(table, as: .text)") }
        }
    }

    public func held() async throws -> Held? {
        try await Self.inWords {
            let rows = try await database.execute(
                """
                SELECT grant_id, dataset, version::int4 AS version, owed::text AS owed, delivery FROM \(memory)
                WHERE "table" = \(table, as: .text) AND to_regclass(format('%I.%I', \(schema, as: .text), \(table, as: .text))) IS NOT NULL
                """)
            guard rows.count > 0 else { return nil }
            return Held(
                grant: try rows[0].read("grant_id"), dataset: try rows[0].read("dataset"), version: Int(try rows[0].read(Int32.self, "version")),
                owed: try rows[0].read(String?.self, "owed").map { try JSON.decode(ReceiptStatement.self, $0) }, delivery: try rows[0].read("delivery"))
        }
    }

    public func settle(_ delivery: String) async throws {
        try await Self.inWords {
            try await database.execute(
                "UPDATE \(memory) SET owed = NULL WHERE \"table\" = \(table, as: .text) AND owed ->> 'delivery' = \(delivery, as: .text)")
        }
    }

    public func empty() async throws {
        try await Self.inWords {
            try await database.transaction { [self] connection in
                try await lock(connection)
                try await connection.execute("DELETE FROM \(memory) WHERE \"table\" = \(table, as: .text)")
                let isThere = try await connection.execute("SELECT to_regclass(format('%I.%I', \(schema, as: .text), \(table, as: .text))) IS NOT NULL")
                if try isThere[0].read(Bool.self, 0) { try await connection.execute("DELETE FROM \(target)") }
            }
        }
    }

    /// Two programs that keep one table wait for one another, and the second finds that it came too late.
    private func lock(_ connection: Connection) async throws {
        try await connection.execute("SELECT pg_advisory_xact_lock(6879, hashtext(format('%I.%I', \(schema, as: .text), \(table, as: .text))))")
    }

    public func take<Bytes: AsyncSequence & Sendable>(
        _ incoming: Incoming, _ bytes: Bytes, check: (Arrival) async throws -> ReceiptStatement
    ) async throws where Bytes.Element == ByteBuffer {
        try await Self.inWords {
            try await database.transaction { connection in
                try await self.take(incoming, bytes, connection, check: check)
            }
        }
    }

    private func take<Bytes: AsyncSequence & Sendable>(
        _ incoming: Incoming, _ bytes: Bytes, _ connection: Connection, check: (Arrival) async throws -> ReceiptStatement
    ) async throws where Bytes.Element == ByteBuffer {
        try await lock(connection)
        let version = try await connection.execute("SELECT version::int4 AS version FROM \(memory) WHERE \"table\" = \(table, as: .text)").first.map { Int(try $0.read(Int32.self, "version")) }
        guard incoming.isAnew || version ?? 0 <= incoming.toVersion, incoming.fromVersion == 0 || version == incoming.fromVersion else {
            throw CopyFailure(zh: "交付不是从表的现有版本开始的", en: "the delivery does not begin where the table ends", isDiverged: true)
        }
        var iterator = bytes.makeAsyncIterator(), count = ArrivalCount(), head = ByteBuffer()
        while !head.readableBytesView.contains(UInt8(ascii: "\n")), let piece = try await iterator.next() {
            count.add(piece)
            head.writeImmutableBuffer(piece)
        }
        let names = String(decoding: head.readableBytesView.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self).split(separator: ",").map(String.init)
        let isWhole = names.first != "_change", fields = isWhole ? names : Array(names.dropFirst())
        guard isWhole == (incoming.fromVersion == 0), incoming.key.allSatisfy({ fields.contains($0.name) }) else {
            throw CopyFailure(zh: "交付的表头无法识别", en: "the delivery's header cannot be read")
        }
        guard incoming.fields.map({ $0.isSuperset(of: fields) }) ?? true, Set(fields).count == fields.count, fields.allSatisfy(Identifiers.isFieldName) else {
            throw CopyFailure(zh: "交付的列不是授权的信息项", en: "the delivery has other columns than were granted")
        }
        try await make(fields, incoming, connection)
        let columns = fields.map { "\(identifier: $0)" as SQL }.joined(separator: ", ")
        // The columns' types without their constraints: of a removed row only the key is told.
        try await connection.execute("CREATE TEMPORARY TABLE daylight_incoming ON COMMIT DROP AS SELECT NULL::text AS _change, \(columns) FROM \(target) WITH NO DATA")
        let own: SQL = isWhole ? columns : "_change, \(columns)"
        _ = try await connection.copyIn("COPY daylight_incoming (\(own)) FROM STDIN (FORMAT csv, HEADER true)") { writer in
            try await writer.write(head)
            while let piece = try await iterator.next() {
                count.add(piece)
                try await writer.write(piece)
            }
        }
        let statement = try await check(count.arrival)
        if isWhole {
            try await connection.execute("DELETE FROM \(target)")
            try await connection.execute("INSERT INTO \(target) (\(columns)) SELECT \(columns) FROM daylight_incoming")
        } else {
            try await apply(fields, incoming, connection, columns)
        }
        try await connection.execute(
            """
            INSERT INTO \(memory) ("table", grant_id, dataset, version, owed, delivery)
            VALUES (\(table, as: .text), \(incoming.grant, as: .text), \(incoming.dataset, as: .text), \(incoming.toVersion, as: .int4), \(JSON.encode(statement), as: .text)::jsonb, \(incoming.delivery, as: .text))
            ON CONFLICT ("table") DO UPDATE SET grant_id = excluded.grant_id, dataset = excluded.dataset, version = excluded.version, owed = excluded.owed, delivery = excluded.delivery,
                updated_at = now()
            """)
    }

    private func make(_ fields: [String], _ incoming: Incoming, _ connection: Connection) async throws {
        let columns = fields.map { name -> SQL in
            let type = incoming.types[name] ?? .text
            // So that the primary key has the order of the canonical CSV.
            let order: SQL = type == .text && incoming.key.contains { $0.name == name } ? " COLLATE \"C\"" : ""
            return "\(identifier: name) \(raw: type.rawValue)\(order)"
        }
        let primary = incoming.key.map { "\(identifier: $0.name)" as SQL }.joined(separator: ", ")
        try await connection.execute("CREATE TABLE IF NOT EXISTS \(target) (\(columns.joined(separator: ", ")), PRIMARY KEY (\(primary)))")
        if let reader { try await connection.execute("GRANT SELECT ON \(target) TO \(identifier: reader)") }
    }

    private func apply(_ fields: [String], _ incoming: Incoming, _ connection: Connection, _ columns: SQL) async throws {
        let same = incoming.key.map { "t.\(identifier: $0.name) = i.\(identifier: $0.name)" as SQL }.joined(separator: " AND ")
        let expected = try await connection.execute(
            "SELECT count(*) FILTER (WHERE _change <> 'added') AS gone, count(*) FILTER (WHERE _change NOT IN ('added', 'changed', 'removed')) AS odd FROM daylight_incoming")[0]
        let deleted = try await connection.execute("DELETE FROM \(target) AS t USING daylight_incoming AS i WHERE \(same) AND i._change <> 'added'")
        guard try expected.read(Int.self, "odd") == 0, deleted.affectedRows == (try expected.read(Int.self, "gone")) else {
            throw CopyFailure(zh: "变更与表不符：表被改动过；加 --again 重新获取全部数据", en: "the changes do not fit the table, which somebody else has changed; add --again to get everything anew", isDiverged: true)
        }
        try await connection.execute("INSERT INTO \(target) (\(columns)) SELECT \(columns) FROM daylight_incoming WHERE _change <> 'removed'")
    }

    @discardableResult
    private static func inWords<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch {
            throw failure(error)
        }
    }

    private static func failure(_ error: any Error) -> any Error {
        guard let error = error as? PostgresError else { return error }
        return CopyFailure(zh: "本地 PostgreSQL：\(error.message)", en: "the local PostgreSQL: \(error.message)", isPassing: error.isTemporary)
    }
}
