public import Model
internal import Postgres

extension Store {
    /// How departments shared: what came from one instant on and before another one, and what has become of it by now.
    ///
    /// Everything is counted from what was written down when it happened. Late is who let its own clock run out: what the receiver, the authority or whom a correction
    /// was referred to left lying is not the provider's lateness. Working days are those of the loaded code lists; the day on which something came does not count.
    ///
    /// - Parameter department: only this one; nil for all that had anything.
    public func shareStatistics(from: Timestamp, to: Timestamp, department: String?) async throws -> [ShareStatistics] {
        func own(_ column: SQL) -> SQL { department == nil ? "true" : "\(column) = \(department)" }
        let rows = try await write(
            """
            WITH day AS MATERIALIZED (
                SELECT d::date AS day, count(*) FILTER (WHERE CASE
                        WHEN EXISTS (SELECT FROM published.code c WHERE c.list = 'make-up-workdays' AND c.code = to_char(d, 'YYYY-MM-DD')) THEN true
                        WHEN EXISTS (SELECT FROM published.code c WHERE c.list = 'public-holidays' AND c.code = to_char(d, 'YYYY-MM-DD')) THEN false
                        ELSE extract(isodow FROM d) < 6 END) OVER (ORDER BY d) AS number
                FROM generate_series(date_trunc('day', \(from.instant)::timestamptz), greatest(now(), \(to.instant)::timestamptz), interval '1 day') AS d
            ), asked AS (
                SELECT r.id, r.dataset, r.provider, r.state, r.created_at,
                    coalesce(r.state IN ('submitted', 'granted') AND r.due_at < now(), false)
                        OR EXISTS (SELECT FROM daylight.share_event e WHERE e.request = r.id AND e.event = 'overdue' AND e.state IN ('escalated', 'granted')) AS is_late,
                    EXISTS (SELECT FROM daylight.share_grant g WHERE g.request = r.id) AS is_granted,
                    (SELECT min(e.at) FROM daylight.share_event e WHERE e.request = r.id AND (e.event IN ('accept', 'refuse', 'uphold', 'dismiss') OR (e.event = 'submit' AND e.state = 'granted')))
                        AS answered_at
                FROM daylight.share_request r WHERE r.created_at >= \(from.instant) AND r.created_at < \(to.instant) AND \(own("r.provider"))
            ), requests AS (
                SELECT provider AS department, count(*) AS received, count(*) FILTER (WHERE is_granted) AS granted,
                    count(*) FILTER (WHERE NOT is_granted AND state IN ('refused', 'dismissed', 'negotiating', 'referred')) AS refused,
                    count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn, count(*) FILTER (WHERE state IN ('submitted', 'supplementing', 'escalated')) AS open,
                    count(*) FILTER (WHERE is_late) AS late,
                    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY (z.number - a.number)::double precision) AS times
                FROM asked LEFT JOIN day a ON a.day = created_at::date LEFT JOIN day z ON z.day = answered_at::date GROUP BY provider
            ), sent AS (
                SELECT g.provider AS department, count(*) AS begun, count(d.finished_at) AS finished, coalesce(sum(d.row_count), 0)::bigint AS rows,
                    coalesce(sum(d.byte_count), 0)::bigint AS bytes, count(s.delivery) AS receipts, count(*) FILTER (WHERE d.finished_at IS NOT NULL AND s.delivery IS NULL) AS missing,
                    (extract(epoch FROM now() - min(d.finished_at) FILTER (WHERE s.delivery IS NULL)) / 86400)::bigint AS oldest
                FROM daylight.delivery d JOIN daylight.share_grant g ON g.id = d.grant_id LEFT JOIN daylight.receipt s ON s.delivery = d.id
                WHERE d.started_at >= \(from.instant) AND d.started_at < \(to.instant) AND \(own("g.provider")) GROUP BY g.provider
            ), doubted AS (
                SELECT c.owner AS department, count(*) AS received, count(*) FILTER (WHERE c.state = 'corrected') AS corrected, count(*) FILTER (WHERE c.state = 'upheld') AS upheld,
                    count(*) FILTER (WHERE c.state = 'withdrawn') AS withdrawn, count(*) FILTER (WHERE c.state IN ('submitted', 'referred', 'escalated')) AS open,
                    count(*) FILTER (WHERE coalesce(c.state = 'submitted' AND c.due_at < now(), false) OR EXISTS (
                        SELECT FROM daylight.correction_event e WHERE e.correction = c.id AND e.event = 'overdue' AND NOT EXISTS (
                            SELECT FROM daylight.correction_event f WHERE f.correction = c.id AND f.number < e.number AND f.event = 'refer'))) AS late,
                    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY (z.number - a.number)::double precision) AS times
                FROM daylight.correction c LEFT JOIN day a ON a.day = c.created_at::date LEFT JOIN day z ON z.day = c.answered_at::date
                WHERE c.created_at >= \(from.instant) AND c.created_at < \(to.instant) AND \(own("c.owner")) GROUP BY c.owner
            )
            SELECT p.uscc, p.name_zh, p.name_en, coalesce(r.received, 0) AS r_received, coalesce(r.granted, 0) AS r_granted, coalesce(r.refused, 0) AS r_refused,
                coalesce(r.withdrawn, 0) AS r_withdrawn, coalesce(r.open, 0) AS r_open, coalesce(r.late, 0) AS r_late, r.times[1]::text AS r_median, r.times[2]::text AS r_p90,
                coalesce(s.begun, 0) AS s_begun, coalesce(s.finished, 0) AS s_finished, coalesce(s.rows, 0) AS s_rows, coalesce(s.bytes, 0) AS s_bytes,
                coalesce(s.receipts, 0) AS s_receipts, coalesce(s.missing, 0) AS s_missing, s.oldest AS s_oldest,
                coalesce(c.received, 0) AS c_received, coalesce(c.corrected, 0) AS c_corrected, coalesce(c.upheld, 0) AS c_upheld, coalesce(c.withdrawn, 0) AS c_withdrawn,
                coalesce(c.open, 0) AS c_open, coalesce(c.late, 0) AS c_late, c.times[1]::text AS c_median, c.times[2]::text AS c_p90,
                (SELECT jsonb_agg(jsonb_build_object('request', f.request, 'dataset', f.dataset, 'event', f.event, 'reason', f.note, 'at', to_char(f.at, 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+08:00'))
                    FROM (SELECT e.request, asked.dataset, e.event, e.note, e.at FROM daylight.share_event e JOIN asked ON asked.id = e.request
                        WHERE asked.provider = p.uscc AND e.event IN ('refuse', 'dismiss') ORDER BY e.at, e.request LIMIT 100) AS f) AS refusals
            FROM requests r FULL JOIN sent s USING (department) FULL JOIN doubted c USING (department) JOIN daylight.department p ON p.uscc = department ORDER BY p.uscc
            """)
        return try rows.map(Self.statistics)
    }

    private static func statistics(_ row: Row) throws -> ShareStatistics {
        func days(_ column: String) throws -> Double? { try row.stringIfPresent(column).flatMap { Double($0) } }
        return ShareStatistics(
            department: try row.read("uscc"), name: try row.localized("name"),
            requests: .init(
                received: try row.read("r_received"), granted: try row.read("r_granted"), refused: try row.read("r_refused"), withdrawn: try row.read("r_withdrawn"),
                open: try row.read("r_open"), late: try row.read("r_late"), medianWorkingDays: try days("r_median"), p90WorkingDays: try days("r_p90")),
            deliveries: .init(
                begun: try row.read("s_begun"), finished: try row.read("s_finished"), rows: try row.read("s_rows"), bytes: try row.read("s_bytes"),
                receipts: try row.read("s_receipts"), receiptsMissing: try row.read("s_missing"), oldestMissingDays: try row.read("s_oldest")),
            corrections: .init(
                received: try row.read("c_received"), corrected: try row.read("c_corrected"), upheld: try row.read("c_upheld"), withdrawn: try row.read("c_withdrawn"),
                open: try row.read("c_open"), late: try row.read("c_late"), medianWorkingDays: try days("c_median"), p90WorkingDays: try days("c_p90")),
            refusals: try row.documentIfPresent([ShareStatistics.Refusal].self, "refusals") ?? [])
    }
}
