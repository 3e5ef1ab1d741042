public import Model
import Postgres

/// What a share request needs to know of the dataset that it is about.
public struct ShareSubject: Sendable {
    public var dataset: String
    /// Names its tables.
    public var number: Int
    public var title: LocalizedText
    public var department: String
    public var state: Dataset.State
    public var audience: Audience
    public var shareType: ShareType
    public var legalBasis: String?
    public var reason: String?
    /// The newest version's, nil before the first release.
    public var currentVersion: Int?
    public var schema: TableSchema?
    /// The address of the node where it is at home; nil for this installation's own.
    public var home: String?
}

/// A request that is being changed, in one transaction, with its row locked.
///
/// Confined to the task that opened it.
public final class ShareChange {
    let connection: Connection
    public private(set) var request: ShareRequest

    init(connection: Connection, request: ShareRequest) {
        self.connection = connection
        self.request = request
    }

    /// The dataset, as it stands.
    public func subject() async throws -> ShareSubject? { try await Store.subject(request.dataset, connection) }

    /// Which request an Idempotency-Key stands for already; nil where it is this one's from now on.
    public func claim(_ claim: ShareClaim) async throws -> (request: String, fingerprint: String)? {
        try await Store.claim(claim, request: request.id, connection)
    }

    /// Stores the request as it is now, and what happened to it.
    ///
    /// - Parameters:
    ///   - event: the event's word.
    ///   - department: on whose behalf; nil for a clock.
    ///   - key: the access key's identifier.
    public func store(_ next: ShareRequest, event: String, department: String?, key: String?, note: String?) async throws {
        var next = next
        next.revision = request.revision + 1
        try await connection.execute(
            """
            UPDATE daylight.share_request SET state = \(next.state.rawValue), terms = \(JSONB(encoding: next.terms)), legal_basis = \(next.legalBasis),
                scenario = \(next.scenario), clock = \(next.clock?.name.rawValue), clock_started_at = \(next.clock?.startedAt.instant), due_at = \(next.clock?.dueAt.instant),
                due_provisional = \(next.clock?.provisional ?? false), late = \(next.late), supplement_asked = \(next.supplementAsked), reason = \(next.reason),
                revision = \(Int32(next.revision)), updated_at = \(next.updatedAt.instant)
            WHERE id = \(next.id)
            """)
        try await Store.add(event, to: next, department: department, key: key, note: note, connection)
        request = next
    }

    /// Makes the grant.
    ///
    /// - Parameters:
    ///   - predicate: which rows, held against the schema; nil for all.
    ///   - entry: what the ledger says of it.
    public func add(_ grant: ShareGrant, subject: ShareSubject, predicate: Predicate?, entry: LedgerEntry) async throws {
        try await Store.add(grant, subject: subject, predicate: predicate, entry: entry, connection)
    }

    /// The grant as it stands; nil where there is none that has not ended.
    public func grant() async throws -> ShareGrant? {
        try await connection.execute("SELECT \(Store.grantColumns) FROM daylight.share_grant WHERE request = \(request.id) AND ended_at IS NULL").first.map(Store.grant)
    }

    /// Moves the grant's end to another time.
    public func extend(to time: Timestamp) async throws {
        try await connection.execute("UPDATE daylight.share_grant SET expires_at = \(time.instant) WHERE request = \(request.id) AND ended_at IS NULL")
    }

    /// Ends the grant: from the commit on nothing can be read by it.
    ///
    /// - Parameter entry: makes what the ledger says of it.
    public func endGrant(at time: Timestamp, entry: (ShareGrant) throws -> LedgerEntry) async throws {
        let ended = try await connection.execute(
            "UPDATE daylight.share_grant SET ended_at = \(time.instant) WHERE request = \(request.id) AND ended_at IS NULL RETURNING \(Store.grantColumns), number")
        guard let row = ended.first else { return }
        try await connection.enter(try entry(try Store.grant(row)))
        let number: Int = try row.read("number")
        // The views give nothing any more; dropping them would wait for whoever still reads.
        for view in [GrantView.rows(number), GrantView.gone(number)] { try await connection.execute("REVOKE SELECT ON \(view) FROM daylight_exchange") }
    }
}

extension Store {
    static let requestColumns: SQL = """
        r.id, r.dataset, r.provider, r.receiver, r.state, r.terms, r.legal_basis, r.scenario, r.method, r.clock, r.clock_started_at, r.due_at, r.due_provisional, r.late, \
        r.supplement_asked, r.reason, r.revision, r.created_at, r.updated_at, (SELECT g.id FROM daylight.share_grant g WHERE g.request = r.id) AS grant_id
        """

    /// What a request needs to know of a dataset; nil where there is none.
    public func shareSubject(_ dataset: String) async throws -> ShareSubject? {
        try await transaction { try await Self.subject(dataset, $0) }
    }

    fileprivate static func subject(_ dataset: String, _ connection: Connection) async throws -> ShareSubject? {
        try await connection.execute(
            """
            SELECT d.id, d.number, d.title_zh, d.title_en, d.department, d.state, d.audience, d.share_type, d.description ->> 'legal_basis' AS legal_basis,
                d.description ->> 'reason' AS reason, d.current_version, v.schema, d.home_url
            FROM daylight.dataset d LEFT JOIN daylight.version v ON v.dataset = d.id AND v.number = d.current_version
            WHERE d.id = \(dataset)
            """
        ).first.map { row in
            ShareSubject(
                dataset: try row.read("id"), number: try row.read("number"), title: try row.localized("title"), department: try row.read("department"),
                state: try row.word("state"), audience: try row.word("audience"), shareType: try row.word("share_type"), legalBasis: try row.read("legal_basis"), reason: try row.read("reason"),
                currentVersion: try row.read("current_version"), schema: try row.documentIfPresent(TableSchema.self, "schema"),
                home: try row.read("home_url"))
        }
    }

    /// Keeps a new request, with its grant where it has one already.
    ///
    /// - Parameters:
    ///   - claim: the Idempotency-Key that it came with.
    ///   - key: the access key's identifier.
    ///   - grant: makes the grant, in the same transaction.
    /// - Returns: the request that the Idempotency-Key stands for already; nothing is kept then. Nil for a new one.
    /// - Throws: `Problem` (`departmentNotFound`).
    public func addShareRequest(
        _ request: ShareRequest, claim: ShareClaim?, key: String, note: String?, isolation: isolated (any Actor)? = #isolation, grant: (ShareChange) async throws -> Void
    ) async throws -> (request: String, fingerprint: String)? {
        try await transaction { connection in
            if let claim, let earlier = try await Self.claim(claim, request: request.id, connection) { return earlier }
            guard try await !connection.execute("SELECT FROM daylight.department WHERE uscc = \(request.receiver)").isEmpty else {
                throw Problem(.departmentNotFound, zh: "没有这个部门：\(request.receiver.prefix(32))", en: "there is no department \(request.receiver.prefix(32))")
            }
            try await connection.execute(
                """
                INSERT INTO daylight.share_request (id, dataset, provider, receiver, state, terms, legal_basis, scenario, method, clock, clock_started_at, due_at,
                    due_provisional, created_at, updated_at)
                VALUES (\(request.id), \(request.dataset), \(request.provider), \(request.receiver), \(request.state.rawValue), \(JSONB(encoding: request.terms)),
                    \(request.legalBasis), \(request.scenario), \(request.method.rawValue), \(request.clock?.name.rawValue), \(request.clock?.startedAt.instant),
                    \(request.clock?.dueAt.instant), \(request.clock?.provisional ?? false), \(request.createdAt.instant), \(request.createdAt.instant))
                """)
            try await Self.add("submit", to: request, department: request.receiver, key: key, note: note, connection)
            try await grant(ShareChange(connection: connection, request: request))
            return nil
        }
    }

    static func claim(_ claim: ShareClaim, request: String, _ connection: Connection) async throws -> (request: String, fingerprint: String)? {
        let added = try await connection.execute(
            """
            INSERT INTO daylight.share_idempotency (key_id, key, fingerprint, request) VALUES (\(claim.keyID)::uuid, \(claim.key), \(claim.fingerprint), \(request)::uuid)
            ON CONFLICT (key_id, key) DO NOTHING
            """)
        if added.affectedRows == 1 { return nil }
        return try await connection.execute(
            "SELECT request, fingerprint FROM daylight.share_idempotency WHERE key_id = \(claim.keyID)::uuid AND key = \(claim.key)"
        ).first.map { (try $0.read("request"), try $0.read("fingerprint")) }
    }

    fileprivate static func add(_ event: String, to request: ShareRequest, department: String?, key: String?, note: String?, _ connection: Connection) async throws {
        try await connection.execute(
            """
            INSERT INTO daylight.share_event (request, number, event, state, department, key_id, note, at)
            VALUES (\(request.id), \(Int32(request.revision)), \(event), \(request.state.rawValue), \(department), \(key)::uuid, \(note), \(request.updatedAt.instant))
            """)
    }

    /// Locks a request for a change and lends it to the closure; commits when that returns.
    ///
    /// - Returns: nil where there is no such request.
    public func changeShareRequest<T>(_ id: String, isolation: isolated (any Actor)? = #isolation, _ body: (ShareChange) async throws -> T) async throws -> T? {
        guard id.isUUID else { return nil }
        return try await transaction { connection in
            guard let row = try await connection.execute("SELECT \(Self.requestColumns) FROM daylight.share_request r WHERE r.id = \(id) FOR UPDATE OF r").first
            else { return nil }
            return try await body(ShareChange(connection: connection, request: try Self.request(row)))
        }
    }

    /// One request; nil where there is none.
    public func shareRequest(_ id: String) async throws -> ShareRequest? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.requestColumns) FROM daylight.share_request r WHERE r.id = \(id)").first.map(Self.request)
    }

    /// Requests, newest first.
    ///
    /// - Parameter last: the last one of the page before.
    public func shareRequests(_ filter: ShareFilter, before last: (createdAt: Timestamp, id: String)?, limit: Int) async throws -> [ShareRequest] {
        var conditions: [SQL] = ["true"]
        if let department = filter.department { conditions.append("(r.provider = \(department) OR r.receiver = \(department))") }
        if !filter.states.isEmpty { conditions.append("r.state = ANY (\(filter.states.map(\.rawValue)))") }
        if let late = filter.late { conditions.append("(r.late OR coalesce(r.due_at < now(), false)) = \(late)") }
        if let dataset = filter.dataset { conditions.append("r.dataset = \(dataset)") }
        if !filter.datasets.isEmpty { conditions.append("r.dataset = ANY (\(filter.datasets))") }
        if let last { conditions.append("(r.created_at, r.id) < (\(last.createdAt.instant), \(last.id)::uuid)") }
        return try await write(
            """
            SELECT \(Self.requestColumns) FROM daylight.share_request r WHERE \(conditions.joined(separator: " AND "))
            ORDER BY r.created_at DESC, r.id DESC LIMIT \(limit)
            """
        ).map(Self.request)
    }

    /// Requests on which somebody has to act, the first due first.
    ///
    /// - Parameters:
    ///   - department: which has to act in them; nil for every department's.
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    ///   - provider: the states in which the caller's task lies as provider; `receiver` and `authority` likewise.
    public func shareInbox(
        department: String?, datasets: [String], provider: [ShareRequest.State], receiver: [ShareRequest.State], authority: [ShareRequest.State], limit: Int
    ) async throws -> [ShareRequest] {
        let own: SQL = department == nil ? "true" : "r.provider = \(department)"
        let asked: SQL = department == nil ? "true" : "r.receiver = \(department)"
        return try await write(
            """
            SELECT \(Self.requestColumns) FROM daylight.share_request r
            WHERE ((r.state = ANY (\(provider.map(\.rawValue))) AND \(own)) OR (r.state = ANY (\(receiver.map(\.rawValue))) AND \(asked))
                OR r.state = ANY (\(authority.map(\.rawValue)))) AND (cardinality(\(datasets)) = 0 OR r.dataset = ANY (\(datasets)))
            ORDER BY r.due_at NULLS FIRST, r.id LIMIT \(limit)
            """
        ).map(Self.request)
    }

    /// What happened to a request, oldest first.
    public func shareEvents(of request: String) async throws -> [ShareEvent] {
        try await write("SELECT number, event, state, department, note, at FROM daylight.share_event WHERE request = \(request) ORDER BY number").map { row in
            ShareEvent(
                number: try row.read("number"), event: try row.read("event"), state: try row.word("state"), department: try row.read("department"),
                note: try row.read("note"), at: try row.timestamp("at"))
        }
    }

    /// Requests whose clock has run out, or whose grant has come to its end, the longest due first.
    public func dueShareRequests(at now: Timestamp, limit: Int) async throws -> [String] {
        try await write(
            """
            SELECT id FROM (
                (SELECT r.id, r.due_at AS due FROM daylight.share_request r WHERE r.due_at < \(now.instant) ORDER BY r.due_at LIMIT \(limit))
                UNION (SELECT g.request, g.expires_at FROM daylight.share_grant g WHERE g.ended_at IS NULL AND g.expires_at <= \(now.instant) ORDER BY g.expires_at LIMIT \(limit))
            ) AS due ORDER BY due, id LIMIT \(limit)
            """
        ).map { try $0.read(0) }
    }

    /// Requests whose clock counts days that were not announced when it was started.
    public func provisionalShareRequests(limit: Int) async throws -> [String] {
        try await write("SELECT id FROM daylight.share_request WHERE due_provisional AND due_at IS NOT NULL ORDER BY due_at LIMIT \(limit)").map { try $0.read(0) }
    }

    /// Moves the due time of a running clock, which is no event.
    public func moveClock(of request: String, to clock: RunningClock) async throws {
        try await write(
            """
            UPDATE daylight.share_request SET due_at = \(clock.dueAt.instant), due_provisional = \(clock.provisional)
            WHERE id = \(request) AND clock = \(clock.name.rawValue) AND clock_started_at = \(clock.startedAt.instant)
            """)
    }

    /// Forgets Idempotency-Keys of more than a week ago.
    public func forgetShareClaims() async throws {
        try await write("DELETE FROM daylight.share_idempotency WHERE created_at < now() - interval '7 days'")
    }

    static func request(_ row: Row) throws -> ShareRequest {
        var request = ShareRequest(
            id: try row.read("id"), dataset: try row.read("dataset"), provider: try row.read("provider"), receiver: try row.read("receiver"), state: try row.word("state"),
            terms: try row.document(ShareTerms.self, "terms"), legalBasis: try row.read("legal_basis"), scenario: try row.read("scenario"), method: try row.word("method"),
            late: try row.read("late"), supplementAsked: try row.read("supplement_asked"), reason: try row.read("reason"), grant: try row.read("grant_id"),
            createdAt: try row.timestamp("created_at"), updatedAt: try row.timestamp("updated_at"), revision: try row.read("revision"))
        if try row.stringIfPresent("clock") != nil {
            request.clock = RunningClock(
                name: try row.word("clock"), startedAt: try row.timestamp("clock_started_at"), dueAt: try row.timestamp("due_at"), provisional: try row.read("due_provisional"))
        }
        return request
    }
}
