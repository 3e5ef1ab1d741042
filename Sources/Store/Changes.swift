public import Model
internal import Postgres

/// What one entry of the public record of changes tells of.
enum ChangeNote {
    case release(version: Int)
    case withdrawal(String, version: Int?)
    case description(revision: Int)
}

extension Connection {
    /// Adds to the public record of changes, in the transaction that makes the change. Its number is given at the commit.
    func record(_ note: ChangeNote, of dataset: String) async throws {
        switch note {
        case .release(let version):
            try await execute("INSERT INTO daylight.change (kind, dataset, version) VALUES ('release', \(dataset), \(version, as: .int4))")
        case .withdrawal(let id, let version):
            try await execute(
                "INSERT INTO daylight.change (kind, dataset, version, withdrawal) VALUES ('withdrawal', \(dataset), \(version, as: .int4), \(id)::uuid)")
        case .description(let revision):
            try await execute("INSERT INTO daylight.change (kind, dataset, revision) VALUES ('description', \(dataset), \(revision, as: .int4))")
        }
    }
}

extension Store {
    private static let changeColumns: SQL = """
        c.number, c.id, c.kind, c.dataset, c.title_zh, c.title_en, c.department, c.name_zh, c.name_en, c.version, c.revision, c.withdrawal, c.subject, c.reason_zh, \
        c.reason_en, c.changed_at
        """

    /// Changes in their order.
    ///
    /// - Parameters:
    ///   - number: only those with a higher number.
    ///   - dataset: only those of this dataset; nil for all.
    ///   - asksPrimary: whether a standby that may lag behind is passed by.
    public func changes(after number: Int, of dataset: String? = nil, limit: Int, asksPrimary: Bool = false) async throws -> [Change] {
        let own = dataset.map { " AND c.dataset = \($0, as: .text)" as SQL } ?? ""
        let sql: SQL = "SELECT \(Self.changeColumns) FROM published.change c WHERE c.number > \(number)\(own) ORDER BY c.number LIMIT \(limit)"
        return try await (asksPrimary ? write(sql) : readPooled(sql)).map(Self.change)
    }

    /// Changes, the newest first.
    ///
    /// - Parameters:
    ///   - number: only those with a lower number; nil for the newest.
    ///   - dataset: only those of this dataset; nil for all.
    public func newestChanges(before number: Int?, of dataset: String? = nil, limit: Int) async throws -> [Change] {
        let own = dataset.map { " AND c.dataset = \($0, as: .text)" as SQL } ?? ""
        return try await readPooled(
            "SELECT \(Self.changeColumns) FROM published.change c WHERE c.number < \(number ?? .max)\(own) ORDER BY c.number DESC LIMIT \(limit)"
        ).map(Self.change)
    }

    /// The highest number given so far; 0 where there is none.
    public func lastChange() async throws -> Int {
        try await write("SELECT COALESCE(max(number), 0) FROM daylight.change")[0].read(0)
    }

    private static func change(_ row: Row) throws -> Change {
        Change(
            number: try row.integer("number"), id: try row.string("id"), kind: try row.word(Change.Kind.self, "kind"), dataset: try row.string("dataset"),
            title: try row.stringIfPresent("title_zh").map { LocalizedText(zh: $0, en: try row.stringIfPresent("title_en")) },
            department: try row.string("department"), departmentName: try row.localized("name"), version: try row.integerIfPresent("version"),
            revision: try row.integerIfPresent("revision"),
            withdrawal: try row.stringIfPresent("withdrawal").map {
                .init(id: $0, subject: try row.word(Withdrawal.Subject.self, "subject"), reason: try row.localized("reason"))
            },
            changedAt: try row.timestamp("changed_at"))
    }
}
