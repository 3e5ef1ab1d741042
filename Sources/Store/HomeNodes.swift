public import Model
internal import Postgres

extension Store {
    private static let homeNodeColumns: SQL = """
        n.id, n.url, n.state, n.ledger_key, n.ledger_size, n.ledger_head, n.cursor, n.error_zh, n.error_en, n.failures, n.next_try_at, n.added_at, n.checked_at, \
        (SELECT count(*) FROM daylight.dataset d WHERE d.home_node = n.id AND d.state = 'published') AS datasets
        """

    /// Begins to follow a node, or goes on after it was removed.
    ///
    /// - Parameters:
    ///   - url: as ``HomeNode/address(_:)`` gives it.
    ///   - key: the verifier key of its ledger, where it is known from elsewhere.
    /// - Returns: nil where another key is remembered of it.
    public func addHomeNode(_ url: String, key: String?) async throws -> HomeNode? {
        try await write(
            """
            WITH n AS (
                INSERT INTO daylight.home_node AS n (url, ledger_key) VALUES (\(url), \(key))
                ON CONFLICT (url) DO UPDATE SET ledger_key = COALESCE(n.ledger_key, excluded.ledger_key), next_try_at = now(), failures = 0,
                    state = CASE WHEN n.state <> 'removed' THEN n.state WHEN n.checked_at IS NULL THEN 'beginning' ELSE 'following' END
                WHERE excluded.ledger_key IS NULL OR n.ledger_key IS NULL OR n.ledger_key = excluded.ledger_key
                RETURNING *)
            SELECT \(Self.homeNodeColumns) FROM n
            """
        ).first.map(Self.homeNode)
    }

    /// Follows a node no more. What came from it stays as it is.
    ///
    /// - Returns: whether it was followed.
    public func removeHomeNode(_ url: String) async throws -> Bool {
        try await write(
            "UPDATE daylight.home_node SET state = 'removed', error_zh = NULL, error_en = NULL WHERE url = \(url) AND state <> 'removed'"
        ).affectedRows == 1
    }

    /// Nodes that are or were followed, in the order in which they were added.
    public func homeNodes() async throws -> [HomeNode] {
        try await write("SELECT \(Self.homeNodeColumns) FROM daylight.home_node n ORDER BY n.added_at, n.url").map(Self.homeNode)
    }

    /// The same as everybody may see it.
    public func publishedHomeNodes() async throws -> [HomeNode] {
        try await readPooled("SELECT * FROM published.home_node WHERE state <> 'removed' ORDER BY added_at, url LIMIT 1000").map(Self.homeNode)
    }

    /// The node of an address; nil where it never was followed.
    public func homeNode(at url: String) async throws -> HomeNode? {
        try await write("SELECT \(Self.homeNodeColumns) FROM daylight.home_node n WHERE n.url = \(url)").first.map(Self.homeNode)
    }

    /// One of them; nil where there is none of this identifier.
    public func homeNode(_ id: String) async throws -> HomeNode? {
        try await write("SELECT \(Self.homeNodeColumns) FROM daylight.home_node n WHERE n.id = \(id)::uuid").first.map(Self.homeNode)
    }

    /// Remembers the key that a node showed first.
    public func keep(ledgerKey key: String, of node: String) async throws {
        try await write("UPDATE daylight.home_node SET ledger_key = \(key) WHERE id = \(node)::uuid AND ledger_key IS NULL")
    }

    /// Remembers a verified head; an older one than is known changes nothing.
    ///
    /// - Parameter checkpoint: the head as it was signed.
    public func keep(_ head: HomeNode.Head, checkpoint: String, of node: String) async throws {
        try await write(
            """
            UPDATE daylight.home_node SET ledger_size = \(head.size), ledger_head = \(Bytea(head.hash)), ledger_checkpoint = \(checkpoint)
            WHERE id = \(node)::uuid AND (ledger_head IS NULL OR ledger_size < \(head.size))
            """)
    }

    /// Notes that all changes up to a number were looked into.
    ///
    /// - Parameter isAll: whether there was none behind it.
    public func advance(_ node: String, to cursor: Int, isAll: Bool) async throws {
        try await write(
            """
            UPDATE daylight.home_node SET cursor = \(cursor), failures = 0, error_zh = NULL, error_en = NULL,
                state = CASE WHEN state = 'removed' OR (state = 'beginning' AND NOT \(isAll)) THEN state ELSE 'following' END,
                checked_at = CASE WHEN \(isAll) THEN now() ELSE checked_at END
            WHERE id = \(node)::uuid
            """)
    }

    /// When a node is to be asked again.
    public func ask(_ node: String, after pause: Duration) async throws {
        try await write("UPDATE daylight.home_node SET next_try_at = now() + \(Self.interval(pause)) WHERE id = \(node)::uuid")
    }

    /// Notes that a turn failed.
    ///
    /// - Parameters:
    ///   - state: `unreachable` or `refused`.
    ///   - pause: how long nobody tries again.
    public func note(_ error: LocalizedText, of node: String, as state: HomeNode.State, pause: Duration) async throws {
        try await write(
            """
            UPDATE daylight.home_node SET state = \(state.rawValue), error_zh = \(error.zh), error_en = \(error.en ?? error.zh), failures = failures + 1,
                next_try_at = now() + \(Self.interval(pause))
            WHERE id = \(node)::uuid AND state <> 'removed'
            """)
    }

    static func interval(_ duration: Duration) -> SQL { "\(Int(duration / .milliseconds(1))) * interval '1 millisecond'" }

    private static func homeNode(_ row: Row) throws -> HomeNode {
        let head = try row.read(Bytea?.self, "ledger_head").map { HomeNode.Head(size: try row.integer("ledger_size"), hash: $0.bytes) }
        return HomeNode(
            id: try row.string("id"), url: try row.string("url"), state: try row.word("state"), ledgerKey: try row.stringIfPresent("ledger_key"), head: head,
            cursor: try row.integer("cursor"), error: try row.stringIfPresent("error_zh").map { LocalizedText(zh: $0, en: try row.stringIfPresent("error_en")) },
            failures: try row.integer("failures"), nextTryAt: try row.timestamp("next_try_at"), addedAt: try row.timestamp("added_at"),
            checkedAt: try row.timestampIfPresent("checked_at"), datasets: try row.integer("datasets"))
    }
}

extension Store {
    /// Notes that something of a node is not taken.
    ///
    /// - Parameter pause: before it is tried again; doubled with each failure, up to an hour.
    public func note(_ kind: HomeTrouble.Kind, _ message: LocalizedText, of dataset: String, version: Int?, node: String, pause: Duration) async throws {
        try await write(
            """
            INSERT INTO daylight.home_trouble AS t (node, dataset, kind, version, message_zh, message_en, next_try_at)
            VALUES (\(node)::uuid, \(dataset), \(kind.rawValue), \(version, as: .int4), \(message.zh), \(message.en ?? message.zh), now() + \(Self.interval(pause)))
            ON CONFLICT (node, dataset) DO UPDATE SET kind = excluded.kind, version = excluded.version, message_zh = excluded.message_zh,
                message_en = excluded.message_en, failures = t.failures + 1,
                next_try_at = now() + LEAST(interval '1 hour', (excluded.next_try_at - now()) * power(2, LEAST(t.failures, 20)))
            """)
    }

    /// Notes that it was taken after all.
    public func settleTrouble(with dataset: String, of node: String) async throws {
        try await write("DELETE FROM daylight.home_trouble WHERE node = \(node)::uuid AND dataset = \(dataset)")
    }

    /// Datasets of a node that are to be tried again.
    public func dueTroubles(of node: String, limit: Int) async throws -> [String] {
        try await write(
            "SELECT dataset FROM daylight.home_trouble WHERE node = \(node)::uuid AND next_try_at <= now() ORDER BY next_try_at, dataset LIMIT \(limit)"
        ).map { try $0.read(0) }
    }

    /// How many datasets of a node are not taken.
    public func troubleCount(of node: String) async throws -> Int {
        try await write("SELECT count(*) FROM daylight.home_trouble WHERE node = \(node)::uuid")[0].read(0)
    }

    /// What is not taken, as everybody may see it, the oldest first.
    public func troubles(limit: Int) async throws -> [HomeTrouble] {
        try await readPooled("SELECT * FROM published.home_trouble ORDER BY since, node, dataset LIMIT \(limit)").map { row in
            HomeTrouble(
                node: try row.string("node"), dataset: try row.string("dataset"), kind: try row.word("kind"), version: try row.integerIfPresent("version"),
                message: try row.localized("message"), failures: try row.integer("failures"), since: try row.timestamp("since"), nextTryAt: try row.timestamp("next_try_at"))
        }
    }
}
