public import Model
import Postgres

extension Store {
    /// The dataset that a push goes to; nil where there is none of this identifier.
    public func pushTarget(_ dataset: String) async throws -> PushTarget? {
        try await mappingErrors { try await writer.withConnection { try await PushTarget.read($0, dataset) } }
    }

    /// Notes a push that begins: state `receiving`, worked on by `worker`.
    public func createPush(_ record: PushRecord, worker: String) async throws {
        let push = record.push
        try await write(
            """
            INSERT INTO daylight.push (id, dataset, department, mode, state, dry_run, policy, key_id, schema, profile_id, profile_version, mapping,
                                       received_at, updated_at, worker, heartbeat_at)
            VALUES (\(push.id), \(push.dataset), \(push.department), \(push.mode.rawValue), \(push.state.rawValue), \(push.dryRun),
                    \(push.policy.rawValue), \(push.key), \(try JSONB(encoding: record.schema)), \(push.profile?.id), \(push.profile?.version),
                    \(try JSONB.encoding(record.mapping)), \(push.receivedAt.instant), \(push.receivedAt.instant), \(worker), now())
            """)
    }

    /// - Returns: nil where there is no such push, also where the identifier is no UUID.
    public func push(_ id: String) async throws -> PushRecord? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(PushRecord.columns) FROM daylight.push p WHERE p.id = \(id)").first.map { try PushRecord($0) }
    }

    /// A dataset's pushes, newest first.
    ///
    /// - Parameters:
    ///   - last: the last push of the page before; nil for the first page.
    ///   - limit: at most so many.
    public func pushes(of dataset: String, after last: (receivedAt: Timestamp, id: String)?, limit: Int) async throws -> [PushRecord] {
        var rest: SQL = ""
        if let last { rest = "AND (p.received_at, p.id) < (\(last.receivedAt.instant), \(last.id)::uuid)" }
        return try await write(
            """
            SELECT \(PushRecord.columns) FROM daylight.push p WHERE p.dataset = \(dataset) \(rest)
            ORDER BY p.received_at DESC, p.id DESC LIMIT \(limit)
            """
        ).map { try PushRecord($0) }
    }
}

extension Store {
    /// A sign of life, and how far the push has come.
    ///
    /// - Returns: false where the push is no longer being worked on: another process took this one for dead.
    public func beat(push: String, worker: String, bytes: Int) async throws -> Bool {
        try await write(
            """
            UPDATE daylight.push SET heartbeat_at = now(), byte_count = \(bytes)
            WHERE id = \(push) AND worker = \(worker) AND state IN ('receiving', 'checking')
            """
        ).affectedRows == 1
    }

    /// Moves a push from one state to the next, if it still is in the first.
    ///
    /// - Returns: whether it was.
    public func move(push: String, from: Push.State, to: Push.State) async throws -> Bool {
        try await write(
            "UPDATE daylight.push SET state = \(to.rawValue), updated_at = now() WHERE id = \(push) AND state = \(from.rawValue)"
        ).affectedRows == 1
    }

    /// Ends a push whose connection or server died, and frees its idempotency key, so that it can be sent again.
    ///
    /// Findings and rejected records of it go: nobody decided on them.
    public func failPush(_ push: String, reason: LocalizedText) async throws {
        try await transaction { connection in
            let failed = try await connection.execute(
                """
                UPDATE daylight.push SET state = 'failed', reason_zh = \(reason.zh), reason_en = \(reason.en), updated_at = now()
                WHERE id = \(push) AND state IN ('receiving', 'checking')
                """)
            if failed.affectedRows == 1 { try await Self.forget(push, connection) }
        }
    }

    /// Ends the pushes whose server has given no sign of life for so long.
    ///
    /// - Returns: their identifiers.
    public func failStalePushes(silentFor limit: Duration, reason: LocalizedText) async throws -> [String] {
        let limit = Int(limit.components.seconds)
        return try await transaction { connection in
            let failed = try await connection.execute(
                """
                UPDATE daylight.push SET state = 'failed', reason_zh = \(reason.zh), reason_en = \(reason.en), updated_at = now()
                WHERE id IN (SELECT id FROM daylight.push
                             WHERE state IN ('receiving', 'checking') AND heartbeat_at < now() - make_interval(secs => \(limit))
                             FOR UPDATE SKIP LOCKED)
                RETURNING id
                """
            ).map { try $0.read(String.self, 0) }
            for push in failed { try await Self.forget(push, connection) }
            return failed
        }
    }

    /// Drops staging tables that no push waits with any more.
    ///
    /// - Returns: how many there were.
    public func dropOrphanStaging() async throws -> Int {
        let orphans = try await write(
            """
            SELECT c.relname::text FROM pg_catalog.pg_class c
            WHERE c.relnamespace = 'staging'::regnamespace AND c.relkind = 'r'
              AND NOT EXISTS (SELECT FROM daylight.push p
                              WHERE 'p' || replace(p.id::text, '-', '') = c.relname AND p.state IN ('checking', 'ready', 'approved', 'scheduled'))
            """
        ).map { try $0.read(String.self, 0) }
        try await write(
            """
            DELETE FROM daylight.ended_row e WHERE NOT EXISTS (
                SELECT FROM daylight.push p WHERE p.id = e.push AND p.state IN ('checking', 'ready', 'approved', 'scheduled'))
            """)
        for name in orphans { try await write("DROP TABLE IF EXISTS staging.\(identifier: name)") }
        return orphans.count
    }

    private static func forget(_ push: String, _ connection: Connection) async throws {
        try await connection.execute("DELETE FROM daylight.idempotency WHERE push = \(push)")
        try await connection.execute("DELETE FROM daylight.finding WHERE push = \(push)")
        try await connection.execute("DELETE FROM daylight.finding_count WHERE push = \(push)")
        try await connection.execute("DELETE FROM daylight.rejected_record WHERE push = \(push)")
    }
}

extension PushTarget {
    /// Reads the dataset; with the row locked where a release needs it to stand still.
    static func read(_ connection: Connection, _ dataset: String, locked: Bool = false) async throws -> PushTarget? {
        let row = try await connection.execute(
            """
            SELECT d.id, d.number, d.department, d.state, d.description ->> 'push_policy' AS policy,
                   d.audience, d.share_type, d.schema, d.profile_id, d.profile_version,
                   (SELECT f.document ->> 'review_policy' FROM daylight.profile f WHERE f.id = d.profile_id AND f.version = d.profile_version)
                       AS review_policy,
                   (SELECT NULLIF(f.document -> 'publicity_window', 'null') FROM daylight.profile f WHERE f.id = d.profile_id AND f.version = d.profile_version)
                       AS publicity_window,
                   (SELECT NULLIF(f.document -> 'publicity_window', 'null') FROM daylight.profile f WHERE f.id = v.profile_id AND f.version = v.profile_version)
                       AS current_window,
                   d.mapping, d.current_version, coalesce(d.row_count, 0) AS row_count, v.profile_id AS current_profile_id,
                   v.profile_version AS current_profile_version, v.schema AS current_schema, v.digest AS current_digest, d.home_url
            FROM daylight.dataset d LEFT JOIN daylight.version v ON v.dataset = d.id AND v.number = d.current_version
            WHERE d.id = \(dataset) \(raw: locked ? "FOR UPDATE OF d" : "")
            """
        ).first
        guard let row else { return nil }
        let policy = try row.stringIfPresent("policy")
        var target = PushTarget(
            dataset: try row.read("id"), number: try row.read("number"), department: try row.read("department"), state: try row.word("state"),
            policy: policy.flatMap(PushPolicy.init(rawValue:)) ?? .strict, audience: try row.word("audience"), shareType: try row.word("share_type"), schema: try row.document(TableSchema.self, "schema"),
            profile: try row.profileReference(), reviewPolicy: try row.read("review_policy"),
            mapping: try row.documentIfPresent(Mapping.self, "mapping"), currentVersion: try row.read("current_version"),
            currentSchema: try row.documentIfPresent(TableSchema.self, "current_schema"),
            currentDigest: try row.read("current_digest"), rowCount: try row.read("row_count"))
        target.publicityWindow = try row.documentIfPresent(PublicityWindow.self, "publicity_window")
        target.currentWindow = try row.documentIfPresent(PublicityWindow.self, "current_window")
        target.home = try row.read("home_url")
        target.currentProfile = try row.stringIfPresent("current_profile_id").map {
            ProfileReference(id: $0, version: try row.integerIfPresent("current_profile_version"))
        }
        return target
    }
}

extension String {
    /// Whether it is a UUID in its usual spelling, so that PostgreSQL reads it.
    var isUUID: Bool {
        let groups = split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12] && groups.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
    }
}
