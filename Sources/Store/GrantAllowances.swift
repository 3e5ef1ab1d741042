public import Model
internal import Postgres

extension Store {
    private static let now: SQL = "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"

    /// Spends one call, or looks whether rows are left, of a grant's rate, by PostgreSQL's clock.
    ///
    /// - Returns: what is left; and, where there was not one left, the seconds until there is.
    public func spend(_ unit: ShareRate.Unit, grant: String, quota: Int, seconds: Int) async throws -> (left: ShareAllowance, retryAfter: Int?) {
        let each = Self.nanoseconds(quota: quota, seconds: seconds), span = seconds * 1_000_000_000
        let cost = unit == .calls ? each : 0
        let row = try await write(
            """
            WITH spent AS (
                INSERT INTO daylight.grant_allowance AS a (grant_id, unit, full_at) VALUES (\(grant)::uuid, \(unit.rawValue), \(Self.now) + \(cost))
                ON CONFLICT (grant_id, unit) DO UPDATE SET full_at = greatest(a.full_at, \(Self.now)) + \(cost)
                WHERE greatest(a.full_at, \(Self.now)) + \(each) <= \(Self.now) + \(span)
                RETURNING full_at
            )
            SELECT EXISTS (SELECT FROM spent) AS allowed, greatest(coalesce((SELECT full_at FROM spent), o.full_at) - \(Self.now), 0) AS debt
            FROM (SELECT 1) AS one LEFT JOIN daylight.grant_allowance o ON o.grant_id = \(grant)::uuid AND o.unit = \(unit.rawValue)
            """)[0]
        let debt: Int = try row.read("debt"), second = 1_000_000_000
        let left = ShareAllowance(unit: unit, quota: quota, seconds: seconds, remaining: max(0, (span - debt) / each), reset: (debt + second - 1) / second)
        let isAllowed: Bool = try row.read("allowed")
        return (left, isAllowed ? nil : max(1, (debt + each - span + second - 1) / second))
    }

    /// Charges rows that were read, whether or not that many were left.
    public func charge(rows: Int, grant: String, quota: Int, seconds: Int) async throws {
        let each = Self.nanoseconds(quota: quota, seconds: seconds)
        // A year of debt is as good as any.
        let cost = min(rows, 31_622_400_000_000_000 / each) * each
        try await write(
            """
            INSERT INTO daylight.grant_allowance AS a (grant_id, unit, full_at) VALUES (\(grant)::uuid, 'rows', \(Self.now) + \(cost))
            ON CONFLICT (grant_id, unit) DO UPDATE SET full_at = greatest(a.full_at, \(Self.now)) + \(cost)
            """)
    }

    /// In which one unit comes back, rounded up.
    private static func nanoseconds(quota: Int, seconds: Int) -> Int { (seconds * 1_000_000_000 + quota - 1) / quota }
}
