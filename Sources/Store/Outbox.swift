public import Model
import Postgres

/// A message with all that is sent of it.
public struct OutgoingMessage: Sendable, Hashable {
    /// The event's identifier.
    public let id: String
    public let type: String
    public let subject: String
    /// The event's data as JSON text, the same each time.
    public let data: String
    public let at: Timestamp
    public let attempts: Int
    public let expiresAt: Timestamp
}

extension Store {
    /// What is due for an endpoint: what was tried least first, so that one message that is never taken does not hold the others up.
    public func dueMessages(for endpoint: String, at now: Timestamp, horizon: Timestamp, limit: Int) async throws -> [OutgoingMessage] {
        try await write(
            """
            SELECT v.id, v.type, v.subject, v.data::text AS data, v.at, m.attempts, m.expires_at
            FROM (
                SELECT event, attempts, created_at, expires_at FROM daylight.webhook_message
                WHERE endpoint = \(endpoint)::uuid AND state = 'waiting' AND (next_at <= \(now.instant) OR next_at > \(horizon.instant))
                ORDER BY attempts, created_at, event LIMIT \(limit)
            ) AS m JOIN daylight.exchange_event v ON v.id = m.event
            ORDER BY m.attempts, m.created_at, m.event
            """
        ).map { row in
            OutgoingMessage(
                id: try row.read("id"), type: try row.read("type"), subject: try row.read("subject"), data: try row.read("data"), at: try row.timestamp("at"),
                attempts: try row.read("attempts"), expiresAt: try row.timestamp("expires_at"))
        }
    }

    /// Notes that messages were taken, also those that were given up while they were on their way.
    ///
    /// - Parameter revision: the endpoint's, as it was read.
    /// - Returns: whether the endpoint is still as it was read, and not disabled.
    public func messagesDelivered(_ messages: [String], to endpoint: String, revision: Int, at now: Timestamp) async throws -> Bool {
        let stands = try await write(
            """
            WITH taken AS (
                UPDATE daylight.webhook_message SET state = 'delivered', attempts = attempts + 1, settled_at = \(now.instant), last_failure = NULL
                WHERE endpoint = \(endpoint)::uuid AND event = ANY (\(messages)::uuid[]) AND state IN ('waiting', 'dead')
            )
            UPDATE daylight.endpoint SET failures = 0, failing_since = NULL, resume_at = '-infinity', delivered_at = \(now.instant) WHERE id = \(endpoint)::uuid
            RETURNING disabled_at IS NULL AND revision = \(Int32(revision)) AS stands
            """)
        return try stands.first?.read(Bool.self, "stands") ?? false
    }

    /// Notes that messages were not taken, and when they and their endpoint are tried again. However many were on their way at a time, the endpoint has failed once.
    ///
    /// - Parameter failures: of each message a status or a word; when it is tried again, nil where it is given up; and until when its endpoint is left alone.
    public func messagesFailed(_ failures: [(message: String, word: String, next: Timestamp?, resume: Timestamp)], to endpoint: String, at now: Timestamp) async throws {
        guard let last = failures.max(by: { $0.resume < $1.resume }) else { return }
        try await transaction { connection in
            try await connection.execute(
                """
                UPDATE daylight.endpoint SET failures = failures + 1, failing_since = coalesce(failing_since, \(now.instant)), resume_at = \(last.resume.instant),
                    last_failure = \(last.word)
                WHERE id = \(endpoint)::uuid
                """)
            for failure in failures {
                let state: SQL = failure.next.map { "next_at = \($0.instant)" } ?? "state = 'dead', settled_at = \(now.instant)"
                try await connection.execute(
                    """
                    UPDATE daylight.webhook_message SET attempts = attempts + 1, last_failure = \(failure.word), \(state)
                    WHERE endpoint = \(endpoint)::uuid AND event = \(failure.message)::uuid AND state = 'waiting'
                    """)
            }
        }
    }

    /// Tells an endpoint nothing more, and gives up what waits for it.
    public func disableEndpoint(_ id: String, reason: Endpoint.DisabledReason, failure: String?, at now: Timestamp) async throws {
        try await transaction { connection in
            try await connection.execute(
                """
                UPDATE daylight.endpoint SET disabled_at = coalesce(disabled_at, \(now.instant)), disabled_reason = coalesce(disabled_reason, \(reason.rawValue)),
                    last_failure = coalesce(\(failure), last_failure), revision = revision + 1
                WHERE id = \(id)::uuid
                """)
            try await connection.execute(
                """
                UPDATE daylight.webhook_message SET state = 'dead', settled_at = \(now.instant), last_failure = coalesce(\(failure), last_failure)
                WHERE endpoint = \(id)::uuid AND state = 'waiting'
                """)
        }
    }

    /// Gives up what was not taken in its time by endpoints that fail.
    ///
    /// - Parameter failures: an endpoint that failed less often may only have been silent while a clock was wrong.
    public func expireMessages(at now: Timestamp, failures: Int) async throws {
        try await write(
            """
            UPDATE daylight.webhook_message m SET state = 'dead', settled_at = \(now.instant) FROM daylight.endpoint e
            WHERE e.id = m.endpoint AND m.state = 'waiting' AND m.expires_at <= \(now.instant) AND e.failures >= \(Int32(failures))
            """)
    }

    /// Endpoints for which more waits than may.
    public func overfullEndpoints(most: Int) async throws -> [String] {
        try await write(
            """
            SELECT e.id FROM daylight.endpoint e
            WHERE e.disabled_at IS NULL AND EXISTS (SELECT FROM daylight.webhook_message m WHERE m.endpoint = e.id AND m.state = 'waiting' OFFSET \(most))
            """
        ).map { try $0.read(0) }
    }

    /// Forgets what was taken a week ago or given up a month ago, and events that nobody is told of any more.
    public func forgetMessages() async throws {
        try await write(
            """
            DELETE FROM daylight.webhook_message
            WHERE settled_at < now() - interval '7 days' AND (state = 'delivered' OR settled_at < now() - interval '30 days')
            """)
        try await write(
            """
            DELETE FROM daylight.exchange_event v
            WHERE v.at < now() - interval '40 days' AND NOT EXISTS (SELECT FROM daylight.webhook_message m WHERE m.event = v.id)
            """)
    }

    /// An endpoint's messages, newest first.
    ///
    /// - Parameters:
    ///   - state: only those; all where it is nil.
    ///   - last: the last one of the page before.
    public func messages(
        of endpoint: String, _ state: WebhookMessage.State?, before last: (createdAt: Timestamp, id: String)?, limit: Int
    ) async throws -> [WebhookMessage] {
        var conditions: [SQL] = ["m.endpoint = \(endpoint)::uuid"]
        if let state { conditions.append("m.state = \(state.rawValue)") }
        if let last { conditions.append("(m.created_at, m.event) < (\(last.createdAt.instant), \(last.id)::uuid)") }
        return try await write(
            """
            SELECT v.id, v.type, v.subject, m.state, m.attempts, m.created_at, CASE WHEN m.state = 'waiting' AND m.next_at > '-infinity' THEN m.next_at END AS next_at,
                m.expires_at, m.last_failure, m.settled_at
            FROM daylight.webhook_message m JOIN daylight.exchange_event v ON v.id = m.event
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY m.created_at DESC, m.event DESC LIMIT \(limit)
            """
        ).map { row in
            var message = WebhookMessage(
                id: try row.read("id"), type: try row.word(ExchangeEventType.self, "type"), subject: try row.read("subject"),
                state: try row.word(WebhookMessage.State.self, "state"), attempts: try row.read("attempts"), createdAt: try row.timestamp("created_at"),
                expiresAt: try row.timestamp("expires_at"))
            message.nextAttemptAt = try row.timestampIfPresent("next_at")
            message.lastFailure = try row.read("last_failure")
            message.settledAt = try row.timestampIfPresent("settled_at")
            return message
        }
    }

    /// Sends what was given up once more, under the same identifiers.
    ///
    /// - Parameters:
    ///   - messages: which; all that were given up where it is nil.
    ///   - expiry: when it is given up again.
    /// - Returns: how many wait now.
    public func replay(_ messages: [String]?, of endpoint: String, until expiry: Timestamp) async throws -> Int {
        let chosen: SQL = messages.map { "event = ANY (\($0)::uuid[])" } ?? "true"
        return try await transaction { connection in
            let waiting = try await connection.execute(
                """
                UPDATE daylight.webhook_message SET state = 'waiting', attempts = 0, next_at = '-infinity', expires_at = \(expiry.instant), settled_at = NULL
                WHERE endpoint = \(endpoint)::uuid AND state = 'dead' AND \(chosen)
                """
            ).affectedRows
            try await connection.execute("UPDATE daylight.endpoint SET failures = 0, resume_at = '-infinity' WHERE id = \(endpoint)::uuid")
            return waiting
        }
    }

    /// Tells both sides of deliveries that were sent whole and not signed for, once at each of these ages. One that a later receipt of the same grant covers is not missed.
    ///
    /// - Parameter days: ages, ascending.
    public func tellMissingReceipts(at now: Timestamp, days: [Int]) async throws {
        try await write(
            """
            SELECT daylight.tell(
                p.department, \(ExchangeEventType.receiptMissing.rawValue), 'grants/' || g.id,
                jsonb_build_object('grant', g.id, 'dataset', g.dataset, 'delivery', d.id, 'from_version', d.from_version, 'to_version', d.to_version, 'days', a.days),
                'receipt/' || d.id || '/' || a.days || '/' || p.side)
            FROM daylight.delivery d JOIN daylight.share_grant g ON g.id = d.grant_id,
                LATERAL (SELECT max(days) AS days FROM unnest(\(days.map { Int32($0) })) AS days WHERE d.finished_at <= \(now.instant) - days * interval '1 day') AS a,
                LATERAL (VALUES ('r', g.receiver), ('p', g.provider)) AS p (side, department)
            WHERE d.finished_at <= \(now.instant) - \(Int32(days.first ?? 1)) * interval '1 day'
                AND d.finished_at > \(now.instant) - \(Int32((days.last ?? 1) + 7)) * interval '1 day'
                AND NOT EXISTS (SELECT FROM daylight.receipt r WHERE r.grant_id = d.grant_id AND r.to_version >= d.to_version)
            """)
    }
}
