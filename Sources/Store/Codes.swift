public import Model
internal import Postgres

/// One code of a code list, with the time in which it holds.
public struct Code: Sendable, Hashable {
    public var code: String
    public var title: LocalizedText
    /// The code above it, for lists that are hierarchies.
    public var parent: String?
    /// Inclusive; since ever and for ever where they are nil.
    public var validFrom: CalendarDate?
    public var validTo: CalendarDate?

    public init(code: String, title: LocalizedText, parent: String? = nil, validFrom: CalendarDate? = nil, validTo: CalendarDate? = nil) {
        self.code = code
        self.title = title
        self.parent = parent
        self.validFrom = validFrom
        self.validTo = validTo
    }
}

/// A code list and its size.
public struct CodeListSummary: Sendable, Hashable {
    public var id: String
    public var count: Int
    public var loadedAt: Timestamp
}

extension Store {
    /// Loads code lists, all or nothing: codes are added or brought up to date, none is taken away.
    ///
    /// - Parameter lists: the codes of each list by its identifier; each (code, validFrom) of a list once.
    /// - Returns: what was done to each list.
    public func loadCodes(_ lists: [String: [Code]]) async throws -> [String: Loaded] {
        try await transaction { connection in
            var loaded: [String: Loaded] = [:]
            // In one order for everybody, so that two loads at once wait for each other instead of deadlocking.
            for (list, codes) in lists.sorted(by: { $0.key < $1.key }) { loaded[list] = try await Self.load(list, codes, connection) }
            try await connection.notify(Self.referenceChannel)
            return loaded
        }
    }

    private static func load(_ list: String, _ codes: [Code], _ connection: Connection) async throws -> Loaded {
        try await connection.execute("INSERT INTO daylight.code_list (id) VALUES (\(list)) ON CONFLICT (id) DO UPDATE SET loaded_at = now()")
        let rows = try await connection.execute(
            """
            WITH put AS (
                INSERT INTO daylight.code AS c (list, code, title_zh, title_en, parent, valid_from, valid_to)
                SELECT \(list, as: .text), n.code, n.title_zh, n.title_en, n.parent, COALESCE(n.valid_from, '0001-01-01'), n.valid_to
                FROM unnest(\(codes.map(\.code)), \(codes.map(\.title.zh)), \(codes.map(\.title.en)), \(codes.map(\.parent)),
                            \(codes.map { $0.validFrom?.civil }), \(codes.map { $0.validTo?.civil }))
                    AS n (code, title_zh, title_en, parent, valid_from, valid_to)
                ON CONFLICT (list, code, valid_from) DO UPDATE
                    SET title_zh = excluded.title_zh, title_en = excluded.title_en, parent = excluded.parent, valid_to = excluded.valid_to
                    WHERE (c.title_zh, c.title_en, c.parent, c.valid_to)
                        IS DISTINCT FROM (excluded.title_zh, excluded.title_en, excluded.parent, excluded.valid_to)
                RETURNING xmax = 0 AS added
            )
            SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS changed FROM put
            """
        )
        return try Loaded(added: rows[0].integer("added"), changed: rows[0].integer("changed"))
    }

    /// All lists, in the order of their identifiers.
    public func codeLists() async throws -> [CodeListSummary] {
        let rows = try await write(
            """
            SELECT l.id, l.loaded_at, (SELECT count(*) FROM daylight.code c WHERE c.list = l.id) AS count FROM daylight.code_list l ORDER BY l.id
            """
        )
        return try rows.map { CodeListSummary(id: try $0.string("id"), count: try $0.integer("count"), loadedAt: try $0.timestamp("loaded_at")) }
    }

    /// Which of these lists are loaded.
    public func knownCodeLists(among ids: [String]) async throws -> Set<String> {
        Set(try await write("SELECT id FROM daylight.code_list WHERE id = ANY (\(ids))").map { try $0.string("id") })
    }

    /// Titles of codes that hold today, by code; the newest where several do.
    public func codeTitles(_ list: String, _ codes: [String]) async throws -> [String: LocalizedText] {
        let rows = try await read(
            """
            SELECT DISTINCT ON (code) code, title_zh, title_en FROM published.code
            WHERE list = \(list, as: .text) AND code = ANY (\(codes)) ORDER BY code, valid_to DESC NULLS FIRST, valid_from DESC
            """
        )
        return try Dictionary(rows.map { (try $0.string("code"), try $0.localized("title")) }) { first, _ in first }
    }
}
