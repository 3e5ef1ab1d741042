public import Model
internal import Postgres

extension Store {
    /// Whoever writes entries shares it, whoever seals takes it alone for a moment: then no entry is under way whose number is lower than one that is sealed.
    private static let auditLock: SQL = "hashtextextended('exchange audit', 0)"

    private static let entryColumns: SQL = """
        c.number, c.at, c.request, c.stage, c.operation, c.target, c.key_id, c.department, c.grant_id, c.purpose, c.path, c.from_version, c.version, c.delivery, c.after_key, \
        c.last_key, c.row_count, c.byte_count, c.status, c.code, c.calls, c.nonce
        """

    /// Writes calls down. Numbers, times and nonces are PostgreSQL's; rows of a delivery are the delivery's.
    public func add(calls: [AuditEntry]) async throws {
        guard !calls.isEmpty else { return }
        let document = JSONB(try JSON.encode(calls))
        try await transaction { connection in
            try await connection.execute("SELECT pg_advisory_xact_lock_shared(\(Self.auditLock))")
            try await connection.execute(
                """
                INSERT INTO daylight.exchange_call (request, stage, operation, target, key_id, department, grant_id, purpose, path, from_version, version, delivery, after_key, last_key,
                    row_count, byte_count, status, code, calls)
                SELECT e.request, e.stage, e.operation, e.target, e.key, e.department, g.id, e.purpose, e.path, e.from_version, e.version, d.id, e.after, e.last,
                    coalesce(e.row_count, d.row_count), e.byte_count, e.status, e.code, e.calls
                FROM jsonb_array_elements(\(document)) WITH ORDINALITY AS x(value, place) CROSS JOIN LATERAL jsonb_to_record(x.value) AS e(request text, stage text, operation text, target text, key uuid, department text, "grant" text, purpose text, path text,
                    from_version integer, version integer, delivery uuid, after text[], last text[], row_count bigint, byte_count bigint, status integer, code text, calls integer)
                    LEFT JOIN daylight.share_grant g ON g.id = CASE WHEN e."grant" ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN e."grant"::uuid END
                    LEFT JOIN daylight.delivery d ON d.id = e.delivery
                ORDER BY x.place
                """)
        }
    }

    /// Calls, newest first.
    ///
    /// - Parameters:
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    ///   - last: the number of the last one of the page before.
    public func calls(_ filter: AuditFilter, datasets: [String], before last: Int?, limit: Int) async throws -> [AuditEntry] {
        var conditions: [SQL] = ["true"]
        if let since = filter.since { conditions.append("c.at >= \(since.instant)") }
        if let until = filter.until { conditions.append("c.at < \(until.instant)") }
        if let grant = filter.grant {
            guard grant.isUUID else { return [] }
            conditions.append("c.grant_id = \(grant)::uuid")
        }
        if let department = filter.department { conditions.append("c.department = \(department)") }
        if let isRefused = filter.isRefused { conditions.append("c.stage = 'ended' AND (c.status >= 400) = \(isRefused)") }
        if let part = filter.part { conditions.append(Self.isPart(of: part)) }
        if !datasets.isEmpty { conditions.append("EXISTS (SELECT FROM daylight.share_grant g WHERE g.id = c.grant_id AND g.dataset = ANY (\(datasets)))") }
        if let last { conditions.append("c.number < \(last)") }
        return try await write(
            "SELECT \(Self.entryColumns) FROM daylight.exchange_call c WHERE \(conditions.joined(separator: " AND ")) ORDER BY c.number DESC LIMIT \(limit)"
        ).map(Self.entry)
    }

    /// Whether a call is a department's own, or on what it gave or got.
    private static func isPart(of department: String) -> SQL {
        """
        (c.department = \(department) OR c.grant_id IN (SELECT g.id FROM daylight.share_grant g WHERE g.provider = \(department) OR g.receiver = \(department)))
        """
    }

    /// Entries by their numbers, in order.
    ///
    /// - Parameters:
    ///   - number: that of the entry before the first.
    ///   - part: nil says of each that its reader may see it.
    public func calls(after number: Int, upTo last: Int, part: String?, limit: Int) async throws -> [(entry: AuditEntry, isShown: Bool)] {
        let isShown: SQL = part.map(Self.isPart) ?? "true"
        return try await write(
            """
            SELECT \(Self.entryColumns), coalesce(\(isShown), false) AS is_shown FROM daylight.exchange_call c WHERE c.number > \(number) AND c.number <= \(last)
            ORDER BY c.number LIMIT \(limit)
            """
        ).map { (try Self.entry($0), try $0.read(Bool.self, "is_shown")) }
    }

    /// The newest entry so far and the time: none that comes later has a lower number or an earlier time.
    public func auditHead() async throws -> (last: Int, at: Timestamp) {
        try await transaction { connection in
            try await connection.execute("SELECT pg_advisory_xact_lock(\(Self.auditLock))")
            let row = try await connection.execute("SELECT coalesce(max(number), 0) AS last, clock_timestamp() AS at FROM daylight.exchange_call")[0]
            return (try row.read("last"), try row.timestamp("at"))
        }
    }

    /// The newest seal; nil before the first.
    public func auditSeal() async throws -> AuditSeal? {
        try await write("SELECT \(Self.sealColumns) FROM daylight.audit_seal ORDER BY number DESC LIMIT 1").first.map(Self.seal)
    }

    /// One seal; nil where there is none.
    public func auditSeal(_ number: Int) async throws -> AuditSeal? {
        try await write("SELECT \(Self.sealColumns) FROM daylight.audit_seal WHERE number = \(number, as: .int4)").first.map(Self.seal)
    }

    /// Seals, newest first.
    ///
    /// - Parameter last: the number of the last one of the page before.
    public func auditSeals(before last: Int?, limit: Int) async throws -> [AuditSeal] {
        let rest: SQL = last.map { "WHERE number < \($0, as: .int4)" } ?? ""
        return try await write("SELECT \(Self.sealColumns) FROM daylight.audit_seal \(rest) ORDER BY number DESC LIMIT \(limit)").map(Self.seal)
    }

    /// Keeps a seal and enters it into the ledger, all in one.
    ///
    /// - Returns: false where there is one of this number already; nothing is kept then.
    public func add(_ seal: AuditSeal, entry: LedgerEntry) async throws -> Bool {
        try await transaction { connection in
            let added = try await connection.execute(
                """
                INSERT INTO daylight.audit_seal (number, from_at, until_at, first_number, last_number, entries, digest, leaf)
                VALUES (\(seal.number, as: .int4), \(seal.from.instant), \(seal.until.instant), \(seal.first), \(seal.last), \(seal.count), \(seal.digest),
                    sha256('\\x00'::bytea || \(Bytea(entry.bytes))))
                ON CONFLICT (number) DO NOTHING
                """)
            guard added.affectedRows == 1 else { return false }
            try await connection.enter(entry)
            return true
        }
    }

    /// The leaf of a seal; nil while it has no place.
    public func leaf(ofAuditSeal number: Int) async throws -> (index: Int, entry: [UInt8])? {
        try await write(
            "SELECT index, entry FROM daylight.ledger_leaf WHERE kind = 'audit' AND hash = (SELECT leaf FROM daylight.audit_seal WHERE number = \(number, as: .int4))"
        ).first.map { (try $0.read("index"), try $0.read(Bytea.self, "entry").bytes) }
    }

    private static let sealColumns: SQL = "number, from_at, until_at, first_number, last_number, entries, digest"

    private static func seal(_ row: Row) throws -> AuditSeal {
        AuditSeal(
            number: try row.read("number"), from: try row.timestamp("from_at"), until: try row.timestamp("until_at"), first: try row.read("first_number"),
            last: try row.read("last_number"), count: try row.read("entries"), digest: try row.read("digest"))
    }

    private static func entry(_ row: Row) throws -> AuditEntry {
        var entry = AuditEntry(
            number: try row.read("number"), at: try row.timestamp("at"), request: try row.read("request"), stage: try row.word("stage"), operation: try row.read("operation"),
            target: try row.read("target"), key: try row.read("key_id"), department: try row.read("department"), grant: try row.read("grant_id"), purpose: try row.read("purpose"),
            calls: try row.read("calls"), nonce: try row.read("nonce"))
        entry.path = try row.read("path")
        entry.fromVersion = try row.read("from_version")
        entry.version = try row.read("version")
        entry.delivery = try row.read("delivery")
        entry.after = try row.read([String]?.self, "after_key")
        entry.last = try row.read([String]?.self, "last_key")
        entry.rowCount = try row.read("row_count")
        entry.byteCount = try row.read("byte_count")
        entry.status = try row.read("status")
        entry.code = try row.read("code")
        return entry
    }
}
