public import Model
internal import Postgres

extension Store {
    private static let departmentColumns: SQL = "uscc, name_zh, name_en, level, region, contact, node"

    /// One department; nil where the code is not known.
    public func department(_ uscc: String) async throws -> Department? {
        let rows = try await read("SELECT \(Self.departmentColumns) FROM published.department WHERE uscc = \(uscc, as: .text)")
        return try rows.first.map(Self.department)
    }

    /// Departments in the order of their codes.
    ///
    /// - Parameters:
    ///   - after: the last code of the page before.
    ///   - limit: at most so many.
    public func departments(after: String? = nil, limit: Int) async throws -> [Department] {
        let rows = try await read(
            """
            SELECT \(Self.departmentColumns) FROM published.department
            WHERE uscc > \(after ?? "", as: .text) COLLATE "C" ORDER BY uscc LIMIT \(limit)
            """
        )
        return try rows.map(Self.department)
    }

    /// Names of departments by code.
    public func departmentNames(_ codes: [String]) async throws -> [String: LocalizedText] {
        let rows = try await read("SELECT uscc, name_zh, name_en FROM published.department WHERE uscc = ANY (\(codes))")
        return try Dictionary(rows.map { (try $0.string("uscc"), try $0.localized("name")) }) { first, _ in first }
    }

    /// Adds departments and brings known ones up to date, all or nothing.
    ///
    /// - Parameter departments: their codes have been checked; each code once.
    /// - Returns: how many were added, and how many of the known ones changed.
    public func putDepartments(_ departments: [Department]) async throws -> Loaded {
        let contacts = try departments.map { try $0.contact.map { try JSON.encode($0) } }
        return try await transaction { connection in
            try await connection.notify(Self.referenceChannel)
            let rows = try await connection.execute(
                """
                WITH put AS (
                    INSERT INTO daylight.department AS d (uscc, name_zh, name_en, level, region, contact, node)
                    SELECT * FROM unnest(\(departments.map(\.uscc)), \(departments.map(\.name.zh)), \(departments.map(\.name.en)),
                                         \(departments.map(\.level.rawValue)), \(departments.map(\.region)), \(contacts)::text[]::jsonb[], \(departments.map(\.node)))
                    ON CONFLICT (uscc) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, level = excluded.level,
                        region = excluded.region, contact = COALESCE(excluded.contact, d.contact), node = COALESCE(excluded.node, d.node)
                    WHERE (d.name_zh, d.name_en, d.level, d.region, d.contact, d.node)
                        IS DISTINCT FROM (excluded.name_zh, excluded.name_en, excluded.level, excluded.region, COALESCE(excluded.contact, d.contact),
                                          COALESCE(excluded.node, d.node))
                    RETURNING xmax = 0 AS added
                )
                SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS changed FROM put
                """
            )
            return try Loaded(added: rows[0].integer("added"), changed: rows[0].integer("changed"))
        }
    }

    private static func department(_ row: Row) throws -> Department {
        Department(
            uscc: try row.string("uscc"), name: try row.localized("name"), level: try row.word(Department.Level.self, "level"),
            region: try row.string("region"), contact: try row.documentIfPresent(Contact.self, "contact"), node: try row.stringIfPresent("node")
        )
    }
}

/// What loading reference data did.
public struct Loaded: Sendable, Hashable {
    public var added: Int
    public var changed: Int

    public init(added: Int, changed: Int) {
        self.added = added
        self.changed = changed
    }
}
