internal import Model
internal import Postgres
public import RateLimit

/// What a key used of one class of action in one day.
public struct KeyUsage: Sendable, Hashable {
    public var keyID: String
    public var action: ActionClass
    public var requests: Int
    /// Units charged.
    public var units: Int
    /// Requests refused.
    public var refused: Int

    public init(keyID: String, action: ActionClass, requests: Int, units: Int, refused: Int) {
        (self.keyID, self.action, self.requests, self.units, self.refused) = (keyID, action, requests, units, refused)
    }
}

extension Store {
    /// Gives a node's sign of life.
    ///
    /// - Returns: nodes that gave theirs within the last five seconds, this one counted.
    public func nodeLives(_ id: String) async throws -> Int {
        let rows = try await atOnce(
            """
            WITH beat AS (INSERT INTO daylight.node (id, seen_at) VALUES (\(id)::uuid, clock_timestamp())
                          ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at)
            SELECT count(*) + 1 FROM daylight.node WHERE id <> \(id)::uuid AND seen_at > clock_timestamp() - interval '5 seconds'
            """)
        return try rows[0].read(0)
    }

    /// A node stops.
    public func nodeLeaves(_ id: String) async throws {
        try await atOnce("DELETE FROM daylight.node WHERE id = \(id)::uuid")
    }

    /// Charges what a node has let through and sets aside what it wants, each question on its own.
    ///
    /// - Returns: the answers, in the order of the questions.
    public func settle(_ questions: [Settlement]) async throws -> [Settled] {
        let rows = try await atOnce(
            """
            SELECT s.granted, s.debt
            FROM (SELECT * FROM unnest(\(questions.map { Int16($0.client.kindNumber) }), \(questions.map { Int64(bitPattern: $0.client.number) }),
                      \(questions.map(\.action.rawValue)), \(questions.map(\.limit.emissionInterval)), \(questions.map { Int64($0.limit.quota) }),
                      \(questions.map { Int64(($0.charge * 1000).rounded(.up)) }), \(questions.map { Int64($0.want) })) WITH ORDINALITY AS q(kind, client, action, unit, quota, charge, want, place)
                  -- always in this order, or two nodes could wait for one another
                  ORDER BY kind, client, action) q,
                LATERAL daylight.settle(q.kind, q.client, q.action, q.unit, q.quota, q.charge, q.want) s
            ORDER BY q.place
            """)
        return try rows.map { Settled(granted: try $0.integer("granted"), debt: Double(try $0.integer("debt")) / 1000) }
    }

    /// Forgets quotas that are full again and nodes that are gone.
    public func sweepSharedLimits() async throws {
        try await write("DELETE FROM daylight.allowance WHERE full_at < extract(epoch FROM clock_timestamp()) * 1000000000")
        try await write("DELETE FROM daylight.node WHERE seen_at < clock_timestamp() - interval '1 hour'")
        try await write("DELETE FROM daylight.key_usage WHERE day < CURRENT_DATE - 35")
    }

    /// Adds to what keys used today.
    public func add(_ usage: [KeyUsage]) async throws {
        try await write(
            """
            INSERT INTO daylight.key_usage AS u (key_id, day, action, requests, units, refused)
            SELECT k.id, CURRENT_DATE, n.action, n.requests, n.units, n.refused
            FROM unnest(\(usage.map(\.keyID)), \(usage.map(\.action.rawValue)), \(usage.map { Int64($0.requests) }), \(usage.map { Int64($0.units) }),
                        \(usage.map { Int64($0.refused) })) AS n(key_id, action, requests, units, refused)
            JOIN daylight.access_key k ON k.id = n.key_id::uuid
            ORDER BY k.id, n.action
            ON CONFLICT (key_id, day, action) DO UPDATE
            SET requests = u.requests + EXCLUDED.requests, units = u.units + EXCLUDED.units, refused = u.refused + EXCLUDED.refused
            """)
    }

    /// What a key used today, by class of action.
    public func usage(ofKey id: String) async throws -> [KeyUsage] {
        try await write("SELECT action, requests, units, refused FROM daylight.key_usage WHERE key_id = \(id)::uuid AND day = CURRENT_DATE").map { row in
            KeyUsage(
                keyID: id, action: try row.word(ActionClass.self, "action"), requests: try row.integer("requests"), units: try row.integer("units"),
                refused: try row.integer("refused"))
        }
    }

    /// A statement for which requests wait: better no answer than a late one.
    @discardableResult
    private func atOnce(_ sql: SQL) async throws -> RowSet {
        try await mappingErrors { try await writer.execute(sql, deadline: .now + .seconds(1)) }
    }
}
