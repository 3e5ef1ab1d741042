public import Model
internal import Postgres

extension Store {
    private static let keyColumns: SQL = """
        id::text AS id, prefix, hash, label, department, scopes, datasets, networks::text[] AS networks, tier, created_at, expires_at, revoked_at
        """

    /// The key with this public prefix, also where it has expired or was revoked; nil where there is none.
    public func accessKey(prefix: String) async throws -> AccessKey? {
        let rows = try await write("SELECT \(Self.keyColumns) FROM daylight.access_key WHERE prefix = \(prefix, as: .text)")
        return try rows.first.map(Self.accessKey)
    }

    /// All keys, newest first.
    ///
    /// - Parameter department: only this department's.
    public func accessKeys(department: String? = nil) async throws -> [AccessKey] {
        let rows = try await write(
            """
            SELECT \(Self.keyColumns) FROM daylight.access_key
            WHERE \(department, as: .text)::text IS NULL OR department = \(department, as: .text) ORDER BY created_at DESC, id
            """
        )
        return try rows.map(Self.accessKey)
    }

    /// Keeps a new key; `id` and `createdAt` are given by the store.
    ///
    /// - Throws: `Problem` (`departmentNotFound`) for a department that is not known, `invalidParameter` for a network that is none.
    public func addAccessKey(_ key: AccessKey) async throws -> AccessKey {
        try await mappingErrors {
            do {
                let rows = try await writer.execute(
                    """
                    INSERT INTO daylight.access_key (prefix, hash, label, department, scopes, datasets, networks, tier, expires_at)
                    VALUES (\(key.prefix), \(key.hash), \(key.label), \(key.department), \(key.scopes.map(\.rawValue)), \(key.datasets),
                            \(key.networks)::text[]::cidr[], \(key.tier), \(key.expiresAt?.instant))
                    RETURNING \(Self.keyColumns)
                    """
                )
                return try Self.accessKey(rows[0])
            } catch let error as PostgresError where error.isForeignKeyViolation {
                throw Problem(.departmentNotFound, zh: "没有这个部门：\(key.department ?? "")", en: "there is no department \(key.department ?? "")")
            } catch let error as PostgresError where error.sqlState == .invalidTextRepresentation {
                throw Problem(.invalidParameter, zh: "网段应为 CIDR，例如 10.0.0.0/8", en: "networks are written in CIDR notation, such as 10.0.0.0/8")
            }
        }
    }

    /// Ends a key, now or at a given time; one that has ended already stays as it is.
    ///
    /// - Parameters:
    ///   - prefix: the key's public part.
    ///   - at: when it ends; now where it is nil.
    /// - Returns: the key; nil where there is none.
    public func revokeAccessKey(prefix: String, at: Timestamp? = nil) async throws -> AccessKey? {
        let rows = try await write(
            """
            UPDATE daylight.access_key SET revoked_at = LEAST(revoked_at, COALESCE(\(at?.instant), now()))
            WHERE prefix = \(prefix, as: .text) RETURNING \(Self.keyColumns)
            """
        )
        return try rows.first.map(Self.accessKey)
    }

    private static func accessKey(_ row: Row) throws -> AccessKey {
        AccessKey(
            id: try row.string("id"), prefix: try row.string("prefix"), hash: try row.string("hash"), label: try row.string("label"),
            department: try row.stringIfPresent("department"),
            // A scope that this program does not know allows nothing.
            scopes: try row.read([String].self, "scopes").compactMap(Scope.init), datasets: try row.read([String].self, "datasets"),
            networks: try row.read([String].self, "networks"), tier: try row.string("tier"), createdAt: try row.timestamp("created_at"),
            expiresAt: try row.timestampIfPresent("expires_at"), revokedAt: try row.timestampIfPresent("revoked_at")
        )
    }
}

extension SQLState {
    static let invalidTextRepresentation = SQLState(rawValue: "22P02")
}
