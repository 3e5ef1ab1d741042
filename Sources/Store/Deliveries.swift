public import Model
internal import Postgres

extension Store {
    static let deliveryColumns: SQL = """
        d.id, d.grant_id, d.from_version, d.to_version, d.digest, d.row_count, d.byte_count, d.started_at, d.finished_at, r.recorded_at
        """

    /// Keeps a delivery that begins.
    public func addDelivery(_ delivery: Delivery) async throws {
        try await write(
            """
            INSERT INTO daylight.delivery (id, grant_id, from_version, to_version, started_at)
            VALUES (\(delivery.id)::uuid, \(delivery.grant)::uuid, \(Int32(delivery.fromVersion)), \(Int32(delivery.toVersion)), \(delivery.startedAt.instant))
            """)
    }

    /// Notes what a delivery came to: once.
    public func finishDelivery(_ id: String, _ count: DeliveryCount) async throws {
        try await write(
            """
            UPDATE daylight.delivery SET digest = \(count.digest), row_count = \(count.rows), byte_count = \(count.bytes), finished_at = now()
            WHERE id = \(id)::uuid AND finished_at IS NULL
            """)
    }

    /// One delivery; nil where there is none.
    public func delivery(_ id: String) async throws -> Delivery? {
        guard id.isUUID else { return nil }
        return try await write(
            "SELECT \(Self.deliveryColumns) FROM daylight.delivery d LEFT JOIN daylight.receipt r ON r.delivery = d.id WHERE d.id = \(id)"
        ).first.map(Self.delivery)
    }

    /// A grant's deliveries, newest first.
    ///
    /// - Parameters:
    ///   - unreceipted: only those that were sent whole and have no receipt.
    ///   - last: the last one of the page before.
    public func deliveries(of grant: String, unreceipted: Bool, before last: (startedAt: Timestamp, id: String)?, limit: Int) async throws -> [Delivery] {
        var conditions: [SQL] = ["d.grant_id = \(grant)::uuid"]
        if unreceipted { conditions.append("r.delivery IS NULL AND d.finished_at IS NOT NULL") }
        if let last { conditions.append("(d.started_at, d.id) < (\(last.startedAt.instant), \(last.id)::uuid)") }
        return try await write(
            """
            SELECT \(Self.deliveryColumns) FROM daylight.delivery d LEFT JOIN daylight.receipt r ON r.delivery = d.id
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY d.started_at DESC, d.id DESC LIMIT \(limit)
            """
        ).map(Self.delivery)
    }

    /// The newest version that a grant's receiver signed for; nil where it signed for none.
    public func receiptedVersion(of grant: String) async throws -> Int? {
        try await write("SELECT max(to_version) AS version FROM daylight.receipt WHERE grant_id = \(grant)::uuid")[0].integerIfPresent("version")
    }

    /// When a version was released; nil where there is none.
    public func releaseTime(of dataset: String, version: Int) async throws -> Timestamp? {
        try await write("SELECT released_at FROM daylight.version WHERE dataset = \(dataset) AND number = \(version, as: .int4)").first.map { try $0.timestamp("released_at") }
    }

    static func delivery(_ row: Row) throws -> Delivery {
        var delivery = Delivery(
            id: try row.read("id"), grant: try row.read("grant_id"), fromVersion: try row.read("from_version"), toVersion: try row.read("to_version"),
            startedAt: try row.timestamp("started_at"))
        delivery.digest = try row.read("digest")
        delivery.rowCount = try row.read("row_count")
        delivery.byteCount = try row.read("byte_count")
        delivery.finishedAt = try row.timestampIfPresent("finished_at")
        delivery.receiptedAt = try row.timestampIfPresent("recorded_at")
        return delivery
    }
}
