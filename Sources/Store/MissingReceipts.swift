public import Model
internal import Postgres

extension Store {
    /// Requests by whose grants something was delivered whole and not signed for, the oldest first. What a later receipt of the same grant covers is not missed.
    ///
    /// - Parameters:
    ///   - department: who got it; nil for every department.
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    ///   - time: only what was delivered before.
    public func requestsMissingReceipts(of department: String?, datasets: [String], before time: Timestamp, limit: Int) async throws -> [ShareRequest] {
        let own: SQL = department.map { "r.receiver = \($0)" } ?? "true"
        return try await write(
            """
            SELECT \(Self.requestColumns), o.count AS owed, o.since AS owed_since
            FROM daylight.share_request r,
                LATERAL (
                    SELECT count(*), min(d.finished_at) AS since FROM daylight.share_grant g JOIN daylight.delivery d ON d.grant_id = g.id
                    WHERE g.request = r.id AND d.finished_at < \(time.instant)
                        AND NOT EXISTS (SELECT FROM daylight.receipt t WHERE t.grant_id = d.grant_id AND t.to_version >= d.to_version)
                ) AS o
            WHERE r.state IN ('delivering', 'disposing') AND \(own) AND (cardinality(\(datasets)) = 0 OR r.dataset = ANY (\(datasets))) AND o.count > 0
            ORDER BY o.since, r.id LIMIT \(limit)
            """
        ).map { row in
            var request = try Self.request(row)
            request.receiptsMissing = MissingReceipts(count: try row.read("owed"), since: try row.timestamp("owed_since"))
            return request
        }
    }
}
