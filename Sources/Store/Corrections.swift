public import Model
internal import Postgres

/// A correction that is being changed, in one transaction, with its row locked.
///
/// Confined to the task that opened it.
public final class CorrectionChange {
    let connection: Connection
    public private(set) var correction: Correction

    init(connection: Connection, correction: Correction) {
        self.connection = connection
        self.correction = correction
    }

    /// Which correction an Idempotency-Key stands for already; nil where it is this one's from now on.
    public func claim(_ claim: ShareClaim) async throws -> (request: String, fingerprint: String)? {
        try await Store.claim(claim, request: correction.id, connection)
    }

    /// Stores the correction as it is now, and what happened to it.
    ///
    /// - Parameters:
    ///   - event: the event's word.
    ///   - department: on whose behalf; nil for a clock.
    ///   - key: the access key's identifier.
    ///   - told: departments that are told, each with the grant that the value came by.
    ///   - entry: what the ledger says of it.
    public func store(
        _ next: Correction, event: String, department: String?, key: String?, note: String?, told: [(department: String, grant: String?)] = [], entry: LedgerEntry? = nil
    ) async throws {
        var next = next
        next.revision = correction.revision + 1
        let leaf: SQL = entry.map { "sha256('\\x00'::bytea || \(Bytea($0.bytes)))" } ?? "leaf"
        try await connection.execute(
            """
            UPDATE daylight.correction SET state = \(next.state.rawValue), assignee = \(next.assignee), referrals = \(Int32(next.referrals)), clock = \(next.clock?.name.rawValue),
                clock_started_at = \(next.clock?.startedAt.instant), due_at = \(next.clock?.dueAt.instant), due_provisional = \(next.clock?.provisional ?? false),
                late = \(next.late), answer = \(next.answer), mended_version = \(next.mendedVersion.map { Int32($0) }), answered_at = \(next.answeredAt?.instant), leaf = \(leaf),
                revision = \(Int32(next.revision)), updated_at = \(next.updatedAt.instant)
            WHERE id = \(next.id)::uuid
            """)
        try await Store.add(event, to: next, department: department, key: key, note: note, connection)
        try await Store.tell(told, of: next, event: event, connection)
        if let entry { try await connection.enter(entry) }
        if next.audience == .public { try await connection.notifyChange(of: next.dataset) }
        correction = next
    }
}

extension Store {
    private static let shownColumns: SQL = """
        c.id, c.dataset, c.version, c.key, c.field, c.owner, c.audience, c.state, c.assignee, c.referrals, c.clock, c.clock_started_at, c.due_at, c.due_provisional, c.late, \
        c.answer, c.mended_version, c.answered_at, c.revision, c.created_at, c.updated_at
        """
    private static let publicColumns: SQL = "\(shownColumns), c.origin"
    private static let allColumns: SQL = """
        \(shownColumns), CASE WHEN c.reporter IS NULL THEN 'reader' ELSE 'department' END AS origin, c.reporter, c.doubt, c.proposed, c.evidence, \
        (SELECT encode(s.salt, 'hex') FROM daylight.ledger_salt s WHERE s.subject = c.id) AS salt
        """

    /// How many corrections of strangers may wait for an answer.
    public struct CorrectionLimits: Sendable, Hashable {
        /// About one field of one row.
        public var perField = 5
        /// About one dataset.
        public var perDataset = 1000

        public init() {}
    }

    /// Keeps a new correction, and tells departments of it. The same doubt of the same origin that still waits for its answer is not kept twice.
    ///
    /// - Parameters:
    ///   - key: the access key's identifier; nil for a stranger, whose doubts are bounded in number.
    ///   - values: the key's canonical values.
    /// - Returns: the correction that there is already; nil for a new one.
    /// - Throws: `Problem` (`tooManyCorrections`).
    public func addCorrection(
        _ correction: Correction, values: [String], key: String?, limits: CorrectionLimits, told: [(department: String, grant: String?)]
    ) async throws -> Correction? {
        try await transaction { connection in
            try await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(\("correction " + correction.dataset, as: .text), 0))")
            let open: SQL = "c.state IN ('submitted', 'referred', 'escalated') AND c.dataset = \(correction.dataset)"
            let same = try await connection.execute(
                """
                SELECT \(Self.allColumns) FROM daylight.correction c WHERE \(open) AND c.key = \(correction.key) AND c.field = \(correction.field)
                    AND c.version = \(correction.version, as: .int4) AND c.reporter IS NOT DISTINCT FROM \(correction.reporter)
                    AND c.proposed IS NOT DISTINCT FROM \(correction.proposed) AND c.doubt = \(correction.doubt) LIMIT 1
                """
            ).first.map(Self.correction)
            if let same { return same }
            if correction.origin == .reader {
                let counts = try await connection.execute(
                    """
                    SELECT count(*)::integer AS dataset, (count(*) FILTER (WHERE c.key = \(correction.key) AND c.field = \(correction.field)))::integer AS field
                    FROM daylight.correction c WHERE \(open) AND c.reporter IS NULL
                    """)[0]
                if try counts.read(Int.self, "field") >= limits.perField || counts.read(Int.self, "dataset") >= limits.perDataset {
                    throw Problem(
                        .tooManyCorrections, zh: "已有多条校核等待答复，请待答复后再提", en: "several corrections of this wait for an answer already; come back when they are answered")
                }
            }
            try await connection.execute(
                """
                INSERT INTO daylight.correction (id, dataset, version, key, key_values, field, owner, reporter, audience, state, doubt, proposed, evidence, clock, clock_started_at,
                    due_at, due_provisional, created_at, updated_at)
                VALUES (\(correction.id)::uuid, \(correction.dataset), \(correction.version, as: .int4), \(correction.key), \(values), \(correction.field), \(correction.owner),
                    \(correction.reporter), \(correction.audience.rawValue), \(correction.state.rawValue), \(correction.doubt), \(correction.proposed),
                    \(try JSONB.encoding(correction.evidence)), \(correction.clock?.name.rawValue), \(correction.clock?.startedAt.instant),
                    \(correction.clock?.dueAt.instant), \(correction.clock?.provisional ?? false), \(correction.createdAt.instant), \(correction.createdAt.instant))
                """)
            try await Self.add("submit", to: correction, department: correction.reporter, key: key, note: nil, connection)
            try await Self.tell(told, of: correction, event: "doubted", connection)
            // The row shows it: what is kept of the dataset has to be read anew.
            if correction.audience == .public { try await connection.notifyChange(of: correction.dataset) }
            return nil
        }
    }

    static func add(_ event: String, to correction: Correction, department: String?, key: String?, note: String?, _ connection: Connection) async throws {
        try await connection.execute(
            """
            INSERT INTO daylight.correction_event (correction, number, event, state, department, key_id, note, at)
            VALUES (\(correction.id)::uuid, \(Int32(correction.revision)), \(event), \(correction.state.rawValue), \(department), \(key)::uuid, \(note), \(correction.updatedAt.instant))
            """)
    }

    static func tell(_ told: [(department: String, grant: String?)], of correction: Correction, event: String, _ connection: Connection) async throws {
        for (department, grant) in told {
            try await connection.execute(
                """
                INSERT INTO daylight.correction_notice (correction, department, grant_id, event, at)
                VALUES (\(correction.id)::uuid, \(department), \(grant)::uuid, \(event), \(correction.updatedAt.instant))
                """)
        }
    }

    /// Locks a correction for a change and lends it to the closure; commits when that returns.
    ///
    /// - Returns: nil where there is no such correction.
    public func changeCorrection<T>(_ id: String, isolation: isolated (any Actor)? = #isolation, _ body: (CorrectionChange) async throws -> T) async throws -> T? {
        guard id.isUUID else { return nil }
        return try await transaction { connection in
            guard let row = try await connection.execute("SELECT \(Self.allColumns) FROM daylight.correction c WHERE c.id = \(id) FOR UPDATE OF c").first else { return nil }
            return try await body(CorrectionChange(connection: connection, correction: try Self.correction(row)))
        }
    }

    /// One correction as those see it who have a part in it; nil where there is none.
    public func correction(_ id: String) async throws -> Correction? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.allColumns) FROM daylight.correction c WHERE c.id = \(id)").first.map(Self.correction)
    }

    /// One correction as everybody sees it; nil where there is none that everybody may see.
    public func publishedCorrection(_ id: String) async throws -> Correction? {
        guard id.isUUID else { return nil }
        return try await read("SELECT \(Self.publicColumns) FROM published.correction c WHERE c.id = \(id, as: .uuid)").first.map(Self.correction)
    }

    /// Corrections as everybody sees them, newest first.
    ///
    /// - Parameter last: the last one of the page before.
    public func publishedCorrections(_ filter: CorrectionFilter, before last: (createdAt: Timestamp, id: String)?, limit: Int) async throws -> [Correction] {
        let conditions = Self.conditions(filter, before: last)
        return try await readPooled(
            "SELECT \(Self.publicColumns) FROM published.correction c WHERE \(conditions) ORDER BY c.created_at DESC, c.id DESC LIMIT \(limit)"
        ).map(Self.correction)
    }

    /// Corrections that a department may know of, newest first: those that everybody may, those in which it has a part, and those that it was told of.
    ///
    /// - Parameter department: nil for all that there are.
    public func corrections(
        _ filter: CorrectionFilter, for department: String?, before last: (createdAt: Timestamp, id: String)?, limit: Int
    ) async throws -> [Correction] {
        let known: SQL = department.map {
            """
            ((c.audience = 'public' AND c.state <> 'withdrawn') OR c.owner = \($0) OR c.reporter = \($0) OR c.assignee = \($0)
                OR EXISTS (SELECT FROM daylight.correction_notice n WHERE n.correction = c.id AND n.department = \($0)))
            """
        } ?? "true"
        return try await write(
            """
            SELECT \(Self.allColumns) FROM daylight.correction c WHERE \(known) AND \(Self.conditions(filter, before: last))
            ORDER BY c.created_at DESC, c.id DESC LIMIT \(limit)
            """
        ).map(Self.correction)
    }

    private static func conditions(_ filter: CorrectionFilter, before last: (createdAt: Timestamp, id: String)?) -> SQL {
        var conditions: [SQL] = ["true"]
        if let dataset = filter.dataset { conditions.append("c.dataset = \(dataset, as: .text)") }
        if let key = filter.key { conditions.append("c.key = \(key, as: .text)") }
        if let state = filter.state { conditions.append("c.state = \(state.rawValue, as: .text)") }
        if let late = filter.late { conditions.append("(c.late OR coalesce(c.due_at < now(), false)) = \(late)") }
        if !filter.datasets.isEmpty { conditions.append("c.dataset = ANY (\(filter.datasets))") }
        if let last { conditions.append("(c.created_at, c.id) < (\(last.createdAt.instant), \(last.id)::uuid)") }
        return conditions.joined(separator: " AND ")
    }

    /// Whether a department was told of a correction.
    public func wasTold(_ department: String, of correction: String) async throws -> Bool {
        try await !write("SELECT FROM daylight.correction_notice WHERE correction = \(correction)::uuid AND department = \(department) LIMIT 1").isEmpty
    }

    /// Departments that were told of a correction, each with the grant that the value came by.
    public func told(of correction: String) async throws -> [(department: String, grant: String?)] {
        try await write(
            "SELECT DISTINCT ON (department) department, grant_id FROM daylight.correction_notice WHERE correction = \(correction)::uuid ORDER BY department, number DESC"
        ).map { (try $0.read("department"), try $0.read("grant_id")) }
    }

    /// Corrections that somebody has to answer, the first due first.
    ///
    /// - Parameters:
    ///   - department: which has to answer them as owner or because they were referred to it; nil for every department's; none where `isDepartment` is false.
    ///   - isAuthority: those that the authority has to see to as well.
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    public func correctionInbox(department: String?, isDepartment: Bool, isAuthority: Bool, datasets: [String], limit: Int) async throws -> [Correction] {
        let owned: SQL = department == nil ? "true" : "c.owner = \(department)"
        let referred: SQL = department == nil ? "c.assignee IS NOT NULL" : "c.assignee = \(department)"
        return try await write(
            """
            SELECT \(Self.allColumns) FROM daylight.correction c
            WHERE ((\(isDepartment) AND ((c.state = 'submitted' AND \(owned)) OR (c.state = 'referred' AND \(referred))))
                OR (\(isAuthority) AND (c.state = 'escalated' OR (c.state = 'referred' AND c.assignee IS NULL))))
                AND (cardinality(\(datasets)) = 0 OR c.dataset = ANY (\(datasets)))
            ORDER BY c.due_at NULLS FIRST, c.id LIMIT \(limit)
            """
        ).map(Self.correction)
    }

    /// What departments are told, the newest first.
    ///
    /// - Parameters:
    ///   - department: nil for all departments'.
    ///   - since: only what happened from this instant on.
    public func correctionNotices(for department: String?, datasets: [String], since: Timestamp, limit: Int) async throws -> [CorrectionNotice] {
        let own: SQL = department == nil ? "true" : "n.department = \(department)"
        return try await write(
            """
            SELECT n.number, n.department, n.grant_id, n.correction, c.dataset, c.key, c.field, n.event, n.at
            FROM daylight.correction_notice n JOIN daylight.correction c ON c.id = n.correction
            WHERE \(own) AND n.at >= \(since.instant) AND (cardinality(\(datasets)) = 0 OR c.dataset = ANY (\(datasets))) ORDER BY n.number DESC LIMIT \(limit)
            """
        ).map(Self.notice)
    }

    /// What departments are told, the oldest first: for whoever sends it on.
    ///
    /// - Parameter number: that of the last one which was sent.
    public func correctionNotices(after number: Int, limit: Int) async throws -> [CorrectionNotice] {
        try await write(
            """
            SELECT n.number, n.department, n.grant_id, n.correction, c.dataset, c.key, c.field, n.event, n.at
            FROM daylight.correction_notice n JOIN daylight.correction c ON c.id = n.correction WHERE n.number > \(number) ORDER BY n.number LIMIT \(limit)
            """
        ).map(Self.notice)
    }

    private static func notice(_ row: Row) throws -> CorrectionNotice {
        CorrectionNotice(
            number: try row.read("number"), department: try row.read("department"), grant: try row.read("grant_id"), correction: try row.read("correction"),
            dataset: try row.read("dataset"), key: try row.read("key"), field: try row.read("field"), event: try row.read("event"), at: try row.timestamp("at"))
    }

    /// What happened to a correction, oldest first.
    public func correctionEvents(of correction: String) async throws -> [CorrectionEvent] {
        try await write("SELECT number, event, state, department, note, at FROM daylight.correction_event WHERE correction = \(correction)::uuid ORDER BY number").map { row in
            CorrectionEvent(
                number: try row.read("number"), event: try row.read("event"), state: try row.word("state"), department: try row.read("department"),
                note: try row.read("note"), at: try row.timestamp("at"))
        }
    }

    /// Corrections whose clock has run out, the longest due first.
    public func dueCorrections(at now: Timestamp, limit: Int) async throws -> [String] {
        try await write("SELECT id FROM daylight.correction WHERE due_at < \(now.instant) ORDER BY due_at, id LIMIT \(limit)").map { try $0.read(0) }
    }

    /// Corrections whose clock counts days that were not announced when it was started.
    public func provisionalCorrections(limit: Int) async throws -> [String] {
        try await write("SELECT id FROM daylight.correction WHERE due_provisional AND due_at IS NOT NULL ORDER BY due_at LIMIT \(limit)").map { try $0.read(0) }
    }

    /// Moves the due time of a running clock, which is no event.
    public func moveClock(ofCorrection id: String, to clock: RunningClock) async throws {
        try await write(
            """
            UPDATE daylight.correction SET due_at = \(clock.dueAt.instant), due_provisional = \(clock.provisional)
            WHERE id = \(id)::uuid AND clock = \(clock.name.rawValue) AND clock_started_at = \(clock.startedAt.instant)
            """)
    }

    /// The leaf that witnesses the answer of a correction; nil while it has no place.
    public func leaf(ofCorrection id: String) async throws -> (index: Int, entry: [UInt8])? {
        try await write(
            "SELECT index, entry FROM daylight.ledger_leaf WHERE kind = 'correction' AND hash = (SELECT leaf FROM daylight.correction WHERE id = \(id)::uuid)"
        ).first.map { (try $0.read("index"), try $0.read(Bytea.self, "entry").bytes) }
    }

    private static func correction(_ row: Row) throws -> Correction {
        var correction = Correction(
            id: try row.read("id"), dataset: try row.read("dataset"), version: try row.read("version"), key: try row.read("key"), field: try row.read("field"),
            owner: try row.read("owner"), origin: try row.word("origin"), audience: try row.word("audience"), state: try row.word("state"), assignee: try row.read("assignee"),
            referrals: try row.read("referrals"), late: try row.read("late"), createdAt: try row.timestamp("created_at"), updatedAt: try row.timestamp("updated_at"),
            revision: try row.read("revision"))
        if try row.stringIfPresent("clock") != nil {
            correction.clock = RunningClock(
                name: try row.word("clock"), startedAt: try row.timestamp("clock_started_at"), dueAt: try row.timestamp("due_at"), provisional: try row.read("due_provisional"))
        }
        correction.answer = try row.read("answer")
        correction.mendedVersion = try row.read("mended_version")
        correction.answeredAt = try row.timestampIfPresent("answered_at")
        guard row.rows.column("doubt") != nil else { return correction }
        correction.reporter = try row.read("reporter")
        correction.doubt = try row.read("doubt")
        correction.proposed = try row.read("proposed")
        correction.evidence = try row.documentIfPresent(Correction.Evidence.self, "evidence")
        correction.salt = try row.read("salt")
        return correction
    }
}
