public import Model
import Postgres

/// What is known about an Idempotency-Key when a request with it arrives.
public enum IdempotencyClaim: Sendable, Hashable {
    /// It is new, and now this request's.
    case claimed
    /// A request with it is being worked on; `push` is nil for a moment only.
    case inProgress(push: String?)
    /// A request with it was answered.
    case finished(push: String, fingerprint: String, content: String, StoredAnswer)
}

extension Store {
    /// Claims an Idempotency-Key for a push.
    ///
    /// - Parameters:
    ///   - key: the header's value.
    ///   - keyID: the access key's identifier; each has its own Idempotency-Keys.
    ///   - fingerprint: SHA-256 of method, path and query.
    ///   - content: SHA-256 of the body, where the request said it.
    ///   - push: the push that the request will be.
    ///   - lifetime: answers older than that are forgotten.
    public func claim(
        idempotencyKey key: String, of keyID: String, fingerprint: String, content: String?, push: String, lifetime: Duration
    ) async throws -> IdempotencyClaim {
        let seconds = Int(lifetime.components.seconds)
        // The conflicting row is replaced only when it has expired; otherwise nothing comes back and it is read.
        let claimed = try await write(
            """
            INSERT INTO daylight.idempotency AS i (key_id, key, fingerprint, content, push)
            VALUES (\(keyID), \(key), \(fingerprint), \(content), \(push))
            ON CONFLICT (key_id, key) DO UPDATE
                SET fingerprint = excluded.fingerprint, content = excluded.content, push = excluded.push, status = NULL, body = NULL,
                    created_at = now(), finished_at = NULL
                WHERE i.created_at < now() - make_interval(secs => \(seconds)) AND i.finished_at IS NOT NULL
            RETURNING push
            """)
        if !claimed.isEmpty { return .claimed }
        let row = try await write(
            "SELECT fingerprint, content, push, status, body FROM daylight.idempotency WHERE key_id = \(keyID) AND key = \(key)"
        ).first
        guard let row else { return .inProgress(push: nil) }
        guard let status = try row.integerIfPresent("status") else { return .inProgress(push: try row.read("push")) }
        return .finished(
            push: try row.read("push"), fingerprint: try row.read("fingerprint"), content: try row.read("content"),
            StoredAnswer(status: status, body: try row.read("body")))
    }

    /// Gives an Idempotency-Key back: the request ended without an answer that should be repeated.
    public func release(idempotencyKeyOf push: String) async throws {
        try await write("DELETE FROM daylight.idempotency WHERE push = \(push) AND finished_at IS NULL")
    }

    /// Keeps the answer of the request that became this push.
    public func finish(idempotencyKeyOf push: String, content: String, _ answer: StoredAnswer) async throws {
        try await write(
            """
            UPDATE daylight.idempotency SET content = \(content), status = \(answer.status), body = \(answer.body), finished_at = now()
            WHERE push = \(push) AND finished_at IS NULL
            """)
    }

    /// Forgets answers that are older than `lifetime`, and claims whose process died before it noted the push.
    ///
    /// - Parameter silence: how long a claim may be without its push.
    /// - Returns: how many there were.
    public func forgetAnswers(olderThan lifetime: Duration, silentFor silence: Duration) async throws -> Int {
        try await write(
            """
            DELETE FROM daylight.idempotency i
            WHERE (i.finished_at IS NOT NULL AND i.created_at < now() - make_interval(secs => \(Int(lifetime.components.seconds))))
               OR (i.finished_at IS NULL AND i.created_at < now() - make_interval(secs => \(Int(silence.components.seconds)))
                   AND NOT EXISTS (SELECT FROM daylight.push p WHERE p.id = i.push))
            """
        ).affectedRows
    }
}
