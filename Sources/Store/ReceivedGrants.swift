public import Model
internal import NIOCore
internal import Postgres

/// What it takes to receive by a grant. Its keys are secrets.
public struct GrantReception: Sendable {
    public var grant: ReceivedGrant
    /// The table that the rows go to: `received.g<number>`.
    public var table: String
    /// The department's access to the node that gives.
    public var accessKey: String
    /// The key that signs its calls and receipts, as it was given.
    public var signingKey: String
    /// The key of the node's statements about deliveries; nil before it was asked.
    public var statementKey: String?
    /// What the data is read for; nil for the grant's own purpose.
    public var purpose: String?

    /// The schema that the tables are in, who writes them, and who reads them.
    public static let schema = "received"
    public static let writer = "daylight_writer"
    public static let reader = "daylight_exchange"
}

/// Rows that came by a grant, about to be read.
public struct ReceivedRows: Sendable {
    public let version: Int
    /// The canonical spelling of each value, in the order of the key: what the node that gives would send.
    public let csv: RowStream
}

extension Store {
    private static let receivedColumns: SQL = """
        id, number, url, purpose, request, department, provider, dataset, title_zh, title_en, expires_at, version, row_count, state, reason_zh, reason_en, failures, next_try_at, added_at, \
        checked_at, received_at, ended_at, disposed_at
        """

    // MARK: what is followed

    /// Begins to receive by a grant, or goes on with other keys.
    ///
    /// - Parameters:
    ///   - url: as ``HomeNode/address(_:)`` gives it.
    ///   - statementKey: the key of the node's statements, where it is known from elsewhere.
    /// - Returns: false where another address is known of it.
    public func addReceivedGrant(_ id: String, url: String, accessKey: String, signingKey: String, statementKey: String?, purpose: String?) async throws -> Bool {
        try await write(
            """
            INSERT INTO daylight.received_grant AS g (id, url, access_key, signing_key, statement_key, purpose)
            VALUES (\(id)::uuid, \(url), \(accessKey), \(signingKey), \(statementKey), \(purpose))
            ON CONFLICT (id) DO UPDATE SET access_key = excluded.access_key, signing_key = excluded.signing_key, purpose = excluded.purpose,
                statement_key = COALESCE(excluded.statement_key, g.statement_key), failures = 0, next_try_at = now(), ended_at = NULL, disposed_at = NULL,
                reason_zh = NULL, reason_en = NULL, state = CASE WHEN g.version IS NULL THEN 'waiting' ELSE 'receiving' END
            WHERE g.url = excluded.url
            """
        ).affectedRows == 1
    }

    /// All of them, in the order in which they were added.
    public func receivedGrants() async throws -> [ReceivedGrant] {
        try await write("SELECT \(Self.receivedColumns) FROM daylight.received_grant ORDER BY added_at, id").map(Self.received)
    }

    /// Those of a department, newest first.
    ///
    /// - Parameters:
    ///   - department: nil for all.
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    public func receivedGrants(of department: String?, datasets: [String], before last: (addedAt: Timestamp, id: String)?, limit: Int) async throws -> [ReceivedGrant] {
        var conditions: [SQL] = ["true"]
        if let department { conditions.append("department = \(department)") }
        if !datasets.isEmpty { conditions.append("dataset = ANY (\(datasets))") }
        if let last { conditions.append("(added_at, id) < (\(last.addedAt.instant), \(last.id)::uuid)") }
        return try await write(
            "SELECT \(Self.receivedColumns) FROM daylight.received_grant WHERE \(conditions.joined(separator: " AND ")) ORDER BY added_at DESC, id DESC LIMIT \(limit)"
        ).map(Self.received)
    }

    /// One of them; nil where there is none of this identifier.
    public func receivedGrant(_ id: String) async throws -> ReceivedGrant? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.receivedColumns) FROM daylight.received_grant WHERE id = \(id)::uuid").first.map(Self.received)
    }

    /// The same with what it takes to go on; nil also where it is over.
    public func reception(_ id: String) async throws -> GrantReception? {
        try await write(
            """
            SELECT \(Self.receivedColumns), access_key, signing_key, statement_key FROM daylight.received_grant
            WHERE id = \(id)::uuid AND access_key IS NOT NULL AND signing_key IS NOT NULL AND state IN ('waiting', 'receiving', 'failed')
            """
        ).first.map { row in
            GrantReception(
                grant: try Self.received(row), table: "g\(try row.integer("number"))", accessKey: try row.string("access_key"), signingKey: try row.string("signing_key"),
                statementKey: try row.stringIfPresent("statement_key"), purpose: try row.stringIfPresent("purpose"))
        }
    }

    /// The delivery that a grant's rows came by last; nil where that was not noted.
    public func receivedDelivery(_ reception: GrantReception) async throws -> String? {
        guard try await write("SELECT to_regclass('received.daylight_copy') IS NOT NULL").first?.read(Bool.self, 0) ?? false else { return nil }
        // A table from before deliveries were noted has no such column.
        return try await write("SELECT to_jsonb(c) ->> 'delivery' FROM received.daylight_copy c WHERE \"table\" = \(reception.table)").first?.read(String?.self, 0) ?? nil
    }

    private static func received(_ row: Row) throws -> ReceivedGrant {
        var grant = ReceivedGrant(
            id: try row.string("id"), node: try row.string("url"), state: try row.word("state"), rowCount: try row.integer("row_count"), failures: try row.integer("failures"),
            addedAt: try row.timestamp("added_at"))
        (grant.request, grant.department, grant.provider) = (try row.stringIfPresent("request"), try row.stringIfPresent("department"), try row.stringIfPresent("provider"))
        grant.dataset = try row.stringIfPresent("dataset")
        grant.title = try row.stringIfPresent("title_zh").map { LocalizedText(zh: $0, en: try row.stringIfPresent("title_en")) }
        grant.until = try row.timestampIfPresent("expires_at")
        grant.version = try row.integerIfPresent("version")
        grant.reason = try row.stringIfPresent("reason_zh").map { LocalizedText(zh: $0, en: try row.stringIfPresent("reason_en")) }
        grant.nextTryAt = grant.isFollowed ? try row.timestamp("next_try_at") : nil
        (grant.checkedAt, grant.receivedAt) = (try row.timestampIfPresent("checked_at"), try row.timestampIfPresent("received_at"))
        (grant.endedAt, grant.disposedAt) = (try row.timestampIfPresent("ended_at"), try row.timestampIfPresent("disposed_at"))
        return grant
    }

    // MARK: how it goes

    /// Notes what the grant says, and, where none was known, what its data is read for and by which key the node's statements are signed.
    public func note(_ terms: ShareGrant, title: LocalizedText, purpose: String, statementKey: String, of id: String) async throws {
        try await write(
            """
            UPDATE daylight.received_grant SET request = \(terms.request)::uuid, department = \(terms.receiver), provider = \(terms.provider), dataset = \(terms.dataset),
                title_zh = \(title.zh), title_en = \(title.en), expires_at = \(terms.terms.until.instant), statement_key = COALESCE(statement_key, \(statementKey)),
                purpose = COALESCE(purpose, \(purpose))
            WHERE id = \(id)::uuid
            """)
    }

    /// Counts what is here of a grant: after each delivery, and after its rows were taken away.
    public func countReceived(_ id: String) async throws {
        try await transaction { connection in
            let number = try await connection.execute("SELECT number FROM daylight.received_grant WHERE id = \(id)::uuid FOR UPDATE").first?.read(Int.self, 0)
            guard let number else { return }
            let version = try await connection.receivedVersion(number)
            let count: SQL = version == nil ? "0" : "(SELECT count(*) FROM received.\(identifier: "g\(number)"))"
            try await connection.execute(
                """
                UPDATE daylight.received_grant SET received_at = CASE WHEN version IS DISTINCT FROM \(version, as: .int4) AND \(version != nil) THEN now() ELSE received_at END,
                    version = \(version, as: .int4), row_count = \(count) WHERE id = \(id)::uuid
                """)
        }
    }

    /// Notes that there is nothing more to take.
    ///
    /// - Parameter pause: before the node is asked again.
    public func settleReceiving(_ id: String, pause: Duration) async throws {
        try await write(
            """
            UPDATE daylight.received_grant SET state = CASE WHEN version IS NULL THEN 'waiting' ELSE 'receiving' END, failures = 0, reason_zh = NULL, reason_en = NULL, checked_at = now(),
                next_try_at = now() + \(Self.interval(pause))
            WHERE id = \(id)::uuid AND state IN ('waiting', 'receiving', 'failed')
            """)
    }

    /// Notes that a turn failed.
    public func noteReceiving(_ reason: LocalizedText, of id: String, pause: Duration) async throws {
        try await write(
            """
            UPDATE daylight.received_grant SET state = 'failed', failures = failures + 1, reason_zh = \(reason.zh), reason_en = \(reason.en), next_try_at = now() + \(Self.interval(pause))
            WHERE id = \(id)::uuid AND state IN ('waiting', 'receiving', 'failed')
            """)
    }

    /// Notes that a grant is over: nothing is taken any more, and its keys are forgotten.
    public func endReceiving(_ id: String, reason: LocalizedText) async throws {
        try await write(
            """
            UPDATE daylight.received_grant SET state = 'ended', ended_at = now(), access_key = NULL, signing_key = NULL, failures = 0, reason_zh = \(reason.zh), reason_en = \(reason.en)
            WHERE id = \(id)::uuid AND state IN ('waiting', 'receiving', 'failed')
            """)
    }

    /// Disposes of what came by a grant, whether it is over or not. What is kept is that it was here, and since when it is not.
    ///
    /// - Returns: what was disposed of, as it stood; nil where there is no such grant, or nothing of it is here any more.
    public func disposeReceived(_ id: String) async throws -> ReceivedGrant? {
        try await transaction { connection in
            let row = try await connection.execute("SELECT \(Self.receivedColumns) FROM daylight.received_grant WHERE id = \(id)::uuid AND state <> 'disposed' FOR UPDATE").first
            guard let row else { return nil }
            let grant = try Self.received(row)
            try await connection.dropReceived(try row.integer("number"))
            try await connection.execute(
                """
                UPDATE daylight.received_grant SET state = 'disposed', disposed_at = now(), ended_at = COALESCE(ended_at, now()), access_key = NULL, signing_key = NULL, version = NULL,
                    row_count = 0, reason_zh = NULL, reason_en = NULL, failures = 0 WHERE id = \(id)::uuid
                """)
            return grant
        }
    }

    /// Disposes of what a delivery that was under way brought behind a disposal.
    public func disposeLeftovers() async throws {
        try await transaction { connection in
            let numbers: [Int] = try await connection.execute(
                """
                SELECT number FROM daylight.received_grant WHERE state = 'disposed' AND to_regclass('received.g' || number) IS NOT NULL FOR UPDATE
                """).map { try $0.read(0) }
            for number in numbers { try await connection.dropReceived(number) }
        }
    }

    // MARK: what is here

    /// The rows that came by a grant.
    ///
    /// - Parameter id: the grant's.
    /// - Returns: nil where none are here, or the grant has ended.
    public func receivedRows(_ id: String) async throws -> ReceivedRows? {
        let number = try await write(
            "SELECT number FROM daylight.received_grant WHERE id = \(id)::uuid AND state IN ('waiting', 'receiving', 'failed') AND expires_at > now()"
        ).first?.read(Int.self, 0)
        guard let number else { return nil }
        let version = try await mappingErrors {
            try await exchange.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { try await $0.receivedVersion(number) }
        }
        guard let version else { return nil }
        let rows = RowStream { [self] handoff in
            try await mappingErrors {
                try await deliveries.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                    try await connection.execute("SET LOCAL statement_timeout = \(raw: String(configuration.downloadTimeout * 1000))")
                    // What the answer's head says has to hold for its rows.
                    guard try await connection.receivedVersion(number) == version else { throw CancellationError() }
                    let rows = try await connection.receivedRows(number)
                    for try await chunk in connection.copyOut("COPY (\(rows)) TO STDOUT (FORMAT csv, HEADER)") { try await handoff.send(chunk) }
                }
            }
            return nil
        }
        return ReceivedRows(version: version, csv: rows)
    }
}

extension Connection {
    /// The version that is in a grant's table, as the copy itself says.
    fileprivate func receivedVersion(_ number: Int) async throws -> Int? {
        guard try await execute("SELECT to_regclass('received.daylight_copy') IS NOT NULL AND to_regclass(\("received.g\(number)")) IS NOT NULL")[0].read(Bool.self, 0) else { return nil }
        return try await execute("SELECT version FROM received.daylight_copy WHERE \"table\" = \("g\(number)")").first?.read(Int.self, 0)
    }

    /// All rows of a grant's table, in the order of its primary key: texts by their bytes, numbers by size.
    fileprivate func receivedRows(_ number: Int) async throws -> SQL {
        let columns = try await execute(
            """
            SELECT a.attname::text AS name, array_position(i.indkey::int2[], a.attnum) AS place
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
            WHERE a.attrelid = to_regclass(\("received.g\(number)")) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """
        ).map { (name: try $0.read(String.self, "name"), place: try $0.read(Int?.self, "place")) }
        let key = columns.filter { $0.place != nil }.sorted { ($0.place ?? 0) < ($1.place ?? 0) }.map(\.name)
        return "SELECT \(RowTable.columns(columns.map(\.name))) FROM received.\(identifier: "g\(number)") ORDER BY \(RowTable.columns(key))"
    }

    fileprivate func dropReceived(_ number: Int) async throws {
        try await execute("DROP TABLE IF EXISTS received.\(identifier: "g\(number)")")
        guard try await execute("SELECT to_regclass('received.daylight_copy') IS NOT NULL")[0].read(Bool.self, 0) else { return }
        try await execute("DELETE FROM received.daylight_copy WHERE \"table\" = \("g\(number)")")
    }
}
