internal import Crypto
public import Foundation
public import Model
internal import Postgres

/// A key whose secret is known, as only tests know it.
public struct TestKey: Sendable {
    public let id: String
    public let prefix: String
    /// What goes into `Authorization: Bearer`.
    public let text: String
}

extension TestDatabase {
    /// A credit code with a right check character, another one for each number.
    public static func creditCode(_ number: Int) -> String {
        let digits = String(number % 1_000_000_000)
        return Identifiers.creditCode(body: "11130631" + String(repeating: "0", count: 9 - digits.count) + digits) ?? ""
    }

    /// Adds a department.
    ///
    /// - Parameters:
    ///   - number: tells departments of one test apart; the credit code is made from it.
    ///   - region: GB/T 2260 code.
    @discardableResult
    public func addDepartment(_ number: Int = 1, name: String = "灯塔管理局", level: Department.Level = .county, region: String = "130631") async throws -> Department {
        let department = Department(uscc: Self.creditCode(number), name: LocalizedText(zh: name, en: "Lighthouse Office \(number)"), level: level, region: region)
        try await database.execute(
            """
            INSERT INTO daylight.department (uscc, name_zh, name_en, level, region)
            VALUES (\(department.uscc), \(department.name.zh), \(department.name.en), \(level.rawValue), \(region))
            """
        )
        return department
    }

    /// Adds a key and says its secret.
    @discardableResult
    public func addKey(
        _ scopes: [Scope], department: String? = nil, datasets: [String] = [], networks: [String] = [], tier: String = "registered", expiresAt: Date? = nil
    ) async throws -> TestKey {
        let random = UUID().uuidString.lowercased().replacing("-", with: "")
        let prefix = String(random.prefix(10))
        let text = "dk_\(prefix)_\(random)\(random)"
        let hash = SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
        let expiry = expiresAt.map { Instant(microsecondsSinceEpoch: Timestamp($0).microseconds) }
        let rows = try await database.execute(
            """
            INSERT INTO daylight.access_key (prefix, hash, label, department, scopes, datasets, networks, tier, expires_at)
            VALUES (\(prefix), \(hash), 'test', \(department), \(scopes.map(\.rawValue)), \(datasets), \(networks)::text[]::cidr[], \(tier), \(expiry))
            RETURNING id::text
            """
        )
        return TestKey(id: try rows[0].read(String.self, "id"), prefix: prefix, text: text)
    }

    /// Adds a dataset as a draft, with its own schema.
    ///
    /// - Returns: its number, which names its tables.
    @discardableResult
    public func addDataset(
        _ id: String = "lighthouse", department: String, description: DatasetDescription? = nil, schema: TableSchema = Lighthouse.schema, mapping: Mapping? = nil
    ) async throws -> Int {
        var content = description ?? Lighthouse.description(department: department)
        if content.profile == nil, content.schema == nil { content.schema = schema }
        let rows = try await database.execute(
            """
            INSERT INTO daylight.dataset (id, department, description, schema, mapping, mapping_revision)
            VALUES (\(id), \(department), \(JSONB(try JSON.encode(content))), \(JSONB(try JSON.encode(schema))),
                    \(try mapping.map { JSONB(try JSON.encode($0)) }), \(Int32(mapping == nil ? 0 : 1)))
            RETURNING number
            """
        )
        return try rows[0].read(Int.self, "number")
    }
}
