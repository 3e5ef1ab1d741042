public import Model
internal import Postgres

extension Store {
    /// Public holidays and make-up days as they were loaded, and the years whose calendar was announced.
    ///
    /// - Returns: days with whether they are working days; an entry that does not hold on its own day is left out.
    public func workDays() async throws -> (years: [Int], days: [(day: CalendarDate, isWorking: Bool)]) {
        let rows = try await read(
            """
            SELECT list, code FROM published.code WHERE list IN ('public-holidays', 'make-up-workdays')
                AND (length(code) = 4 OR (code BETWEEN valid_from::text AND COALESCE(valid_to, 'infinity')::text))
            ORDER BY list DESC, code
            """
        )
        var years: [Int] = []
        var days: [(day: CalendarDate, isWorking: Bool)] = []
        for row in rows {
            let code = try row.string("code")
            if let day = CalendarDate(code) { days.append((day, try row.string("list") == "make-up-workdays")) } else if let year = Int(code) { years.append(year) }
        }
        return (years, days)
    }
}
