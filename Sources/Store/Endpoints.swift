public import Model
import Postgres

/// What is needed to send something to an endpoint.
public struct EndpointTarget: Sendable, Hashable {
    public let id: String
    public let url: String
    /// Which state of it this is.
    public let revision: Int
    /// Keys of the HMAC: the one that stands, then the one before as long as it signs too.
    public let secrets: [[UInt8]]
    /// Failures since something was taken last.
    public let failures: Int
}

extension Store {
    private static let endpointColumns: SQL = """
        e.id, e.department, e.url, e.label, e.events, e.revision, e.created_at, e.disabled_at, e.disabled_reason, e.failing_since, e.last_failure, e.delivered_at, \
        (SELECT count(*) FROM daylight.webhook_message m WHERE m.endpoint = e.id AND m.state = 'waiting') AS waiting, \
        (SELECT count(*) FROM daylight.webhook_message m WHERE m.endpoint = e.id AND m.state = 'dead') AS dead
        """

    /// Keeps a new endpoint.
    ///
    /// - Parameters:
    ///   - secret: 32 bytes.
    ///   - key: the access key's identifier.
    ///   - most: how many a department may have.
    /// - Returns: false where it has as many already; nothing is kept then.
    /// - Throws: `Problem` (`departmentNotFound`).
    public func addEndpoint(_ endpoint: Endpoint, secret: [UInt8], by key: String, most: Int) async throws -> Bool {
        try await transaction { connection in
            // One after another for each department, so that the count holds.
            guard try await !connection.execute("SELECT FROM daylight.department WHERE uscc = \(endpoint.department) FOR NO KEY UPDATE").isEmpty else {
                throw Problem(.departmentNotFound, zh: "没有这个部门：\(endpoint.department.prefix(32))", en: "there is no department \(endpoint.department.prefix(32))")
            }
            let count: Int = try await connection.execute("SELECT count(*) FROM daylight.endpoint WHERE department = \(endpoint.department)")[0].read(0)
            guard count < most else { return false }
            try await connection.execute(
                """
                INSERT INTO daylight.endpoint (id, department, url, label, events, secret, created_by, created_at)
                VALUES (\(endpoint.id)::uuid, \(endpoint.department), \(endpoint.url), \(endpoint.label), \(endpoint.events.map(\.rawValue)), \(Bytea(secret)), \(key)::uuid,
                    \(endpoint.createdAt.instant))
                """)
            return true
        }
    }

    /// One endpoint; nil where there is none.
    public func endpoint(_ id: String) async throws -> Endpoint? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.endpointColumns) FROM daylight.endpoint e WHERE e.id = \(id)").first.map(Self.endpoint)
    }

    /// Endpoints, the oldest first.
    ///
    /// - Parameters:
    ///   - department: whose; nil for all.
    ///   - last: the last one of the page before.
    public func endpoints(of department: String?, after last: (createdAt: Timestamp, id: String)?, limit: Int) async throws -> [Endpoint] {
        var conditions: [SQL] = ["true"]
        if let department { conditions.append("e.department = \(department)") }
        if let last { conditions.append("(e.created_at, e.id) > (\(last.createdAt.instant), \(last.id)::uuid)") }
        return try await write(
            """
            SELECT \(Self.endpointColumns) FROM daylight.endpoint e WHERE \(conditions.joined(separator: " AND ")) ORDER BY e.created_at, e.id LIMIT \(limit)
            """
        ).map(Self.endpoint)
    }

    /// Changes an endpoint that still is as it was read. One that is enabled begins afresh.
    ///
    /// - Returns: false where it has changed meanwhile.
    public func changeEndpoint(_ endpoint: Endpoint, from revision: Int, disabled reason: Endpoint.DisabledReason?, at now: Timestamp) async throws -> Bool {
        let disabled: SQL = reason.map { "coalesce(disabled_at, \(now.instant)), disabled_reason = coalesce(disabled_reason, \($0.rawValue))" } ?? "NULL, disabled_reason = NULL"
        return try await write(
            """
            UPDATE daylight.endpoint SET url = \(endpoint.url), label = \(endpoint.label), events = \(endpoint.events.map(\.rawValue)), disabled_at = \(disabled),
                failures = 0, failing_since = NULL, resume_at = '-infinity', revision = revision + 1
            WHERE id = \(endpoint.id)::uuid AND revision = \(Int32(revision))
            """
        ).affectedRows == 1
    }

    /// Gives an endpoint another secret; the one before signs too until a time.
    public func rotateSecret(ofEndpoint id: String, to secret: [UInt8], until time: Timestamp) async throws {
        try await write(
            """
            UPDATE daylight.endpoint SET old_secret = secret, old_secret_until = \(time.instant), secret = \(Bytea(secret)), revision = revision + 1 WHERE id = \(id)::uuid
            """)
    }

    /// Removes an endpoint that still is as it was read, with all that waits for it.
    ///
    /// - Returns: false where it has changed meanwhile.
    public func removeEndpoint(_ id: String, revision: Int) async throws -> Bool {
        try await write("DELETE FROM daylight.endpoint WHERE id = \(id)::uuid AND revision = \(Int32(revision))").affectedRows == 1
    }

    /// Endpoints for which something is due, the one that waited longest first.
    ///
    /// - Parameters:
    ///   - horizon: a time further ahead than any wait: what waits for longer was written by a clock that went wrong, and is due.
    ///   - busy: endpoints that are being sent to.
    ///   - failing: at most so many of those that failed the last time.
    public func dueEndpoints(at now: Timestamp, horizon: Timestamp, except busy: [String], limit: Int, failing: Int) async throws -> [EndpointTarget] {
        try await write(
            """
            SELECT id, url, revision, secret, failures, old_secret FROM (
                SELECT e.id, e.url, e.revision, e.secret, e.failures, CASE WHEN e.old_secret_until > \(now.instant) THEN e.old_secret END AS old_secret, e.delivered_at,
                    row_number() OVER (PARTITION BY e.failures > 0 ORDER BY e.delivered_at NULLS FIRST, e.id) AS place
                FROM daylight.endpoint e
                WHERE e.disabled_at IS NULL AND (e.resume_at <= \(now.instant) OR e.resume_at > \(horizon.instant)) AND e.id <> ALL (\(busy)::uuid[])
                    AND EXISTS (SELECT FROM daylight.webhook_message m WHERE m.endpoint = e.id AND m.state = 'waiting' AND (m.next_at <= \(now.instant) OR m.next_at > \(horizon.instant)))
            ) AS due
            WHERE failures = 0 OR place <= \(failing) ORDER BY delivered_at NULLS FIRST, id LIMIT \(limit)
            """
        ).map { row in
            let secrets = [try row.read(Bytea.self, "secret").bytes] + (try row.read(Bytea?.self, "old_secret").map { [$0.bytes] } ?? [])
            return EndpointTarget(
                id: try row.read("id"), url: try row.read("url"), revision: try row.read("revision"), secrets: secrets, failures: try row.read("failures"))
        }
    }

    /// Those of some URLs at which somebody wants to be told.
    public func standingEndpoints(at urls: [String]) async throws -> [String] {
        try await write("SELECT DISTINCT url FROM daylight.endpoint WHERE url = ANY (\(urls)) AND disabled_at IS NULL").map { try $0.read(0) }
    }

    private static func endpoint(_ row: Row) throws -> Endpoint {
        var endpoint = Endpoint(
            id: try row.read("id"), department: try row.read("department"), url: try row.read("url"), label: try row.read("label"),
            events: try row.read([String].self, "events").compactMap(ExchangeEventType.init(rawValue:)), waiting: try row.read("waiting"), dead: try row.read("dead"),
            createdAt: try row.timestamp("created_at"), revision: try row.read("revision"))
        endpoint.disabledAt = try row.timestampIfPresent("disabled_at")
        endpoint.disabledReason = try row.stringIfPresent("disabled_reason").flatMap(Endpoint.DisabledReason.init(rawValue:))
        endpoint.failingSince = try row.timestampIfPresent("failing_since")
        endpoint.lastFailure = try row.read("last_failure")
        endpoint.deliveredAt = try row.timestampIfPresent("delivered_at")
        endpoint.state = endpoint.disabledAt != nil ? .disabled : endpoint.failingSince != nil ? .failing : .enabled
        return endpoint
    }
}
