internal import Postgres

extension Store {
    /// Takes a job that one node does for all, or goes on holding it. Who holds it and falls silent loses it when the time is up.
    ///
    /// - Parameters:
    ///   - holder: names the process (UUID).
    ///   - time: for how long nobody else may take it, by PostgreSQL's clock.
    /// - Returns: whether the job is the holder's now.
    public func hold(job: String, as holder: String, for time: Duration) async throws -> Bool {
        let until: SQL = "clock_timestamp() + \(Int(time / .milliseconds(1))) * interval '1 millisecond'"
        return try await write(
            """
            INSERT INTO daylight.job AS j (name, holder, held_until) VALUES (\(job), \(holder)::uuid, \(until))
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
            WHERE j.holder = excluded.holder OR j.held_until < clock_timestamp()
            """
        ).affectedRows == 1
    }

    /// Gives a job back before its time is up.
    public func release(job: String, from holder: String) async throws {
        try await write("UPDATE daylight.job SET held_until = '-infinity' WHERE name = \(job) AND holder = \(holder)::uuid")
    }
}
