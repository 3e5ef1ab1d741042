import Foundation
import NIOCore
import Postgres
import Testing

/// Values that go to the server and come back, and their spelling.
@Suite struct ValueTests {
    @Test func scalarsComeBackAsTheyWent() async throws {
        try await TestDatabase.with { test in
            func same<Value: PostgresBindable & PostgresReadable & Equatable>(_ values: Value...) async throws {
                for value in values {
                    #expect(try await test.database.execute("SELECT \(value)").first!.read(Value.self, 0) == value)
                    #expect(try await test.database.read("SELECT \(value)").first!.read(Value.self, 0) == value)
                    if Value.postgresType == .unknown { continue }
                    let type: String = try await test.database.read("SELECT pg_typeof(\(value))::text").first!.read(0)
                    #expect([Value.postgresType.name, "timestamp with time zone"].contains(type))
                }
            }
            try await same("", "北京市 \u{1F600} 'quoted' \\ \"double\" \n tab\t", "NULL", String(repeating: "长", count: 100_000))
            try await same(Int.min, -1, 0, 1, Int.max)
            try await same(Int64.min, Int64.max)
            try await same(Int32.min, Int32.max)
            try await same(Int16.min, Int16.max)
            try await same(true, false)
            try await same(UUID(), UUID())
            try await same(Bytea([]), Bytea(0...255))
            try await same(CivilDate(year: 2024, month: 2, day: 29)!, CivilDate(year: 0, month: 12, day: 31)!, CivilDate(year: 12_345, month: 1, day: 1)!)
            try await same(Instant(microsecondsSinceEpoch: 0), Instant(microsecondsSinceEpoch: -1), Instant.now)
            try await same(Numeric("-0.000")!, Numeric("123456789012345678901234567890.123456789")!, Numeric.nan, Numeric("-Infinity")!)
            try await same(Optional<Int>.none, Optional(5))
            try await same(["a", "b"], [])
            try await same([1, nil, 3])
            let json = try await test.database.execute("SELECT \(JSONB(#"{"a":1}"#)) ->> 'a'").first!
            #expect(try json.read(String.self, 0) == "1")
        }
    }

    @Test func randomNumericsKeepEveryDigit() async throws {
        try await TestDatabase.with { test in
            var generator = SystemRandomNumberGenerator()
            let numbers = (0..<2_000).map { _ -> Numeric in
                let whole = (0..<Int.random(in: 1...30)).map { _ in String(UInt8.random(in: 0...9, using: &generator)) }.joined()
                let fraction = (0..<Int.random(in: 0...30)).map { _ in String(UInt8.random(in: 0...9, using: &generator)) }.joined()
                return Numeric((Bool.random() ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction))!
            }
            let rows = try await test.database.execute(
                "SELECT v, v::text AS t FROM unnest(\(numbers)) WITH ORDINALITY AS u (v, n) ORDER BY n")
            for (number, row) in zip(numbers, rows) {
                #expect(try row.read(Numeric.self, "v").description == number.description)
                #expect(try row.read(String.self, "t") == number.description)
            }
            let sorted = try await test.database.execute("SELECT v FROM unnest(\(numbers)) v ORDER BY v").map { try $0.read(Numeric.self, 0) }
            #expect(sorted == numbers.sorted())
        }
    }

    @Test func randomDatesAndMomentsAgreeWithTheServer() async throws {
        try await TestDatabase.with { test in
            let days = (0..<2_000).map { _ in Int.random(in: -2_440_000...10_000_000) }
            let dates = days.map { CivilDate(daysSinceEpoch: $0)! }
            #expect(dates.map(\.daysSinceEpoch) == days)
            let rows = try await test.database.execute("SELECT v, v - DATE '1970-01-01' AS days FROM unnest(\(dates)) WITH ORDINALITY AS u (v, n) ORDER BY n")
            for (date, row) in zip(dates, rows) {
                #expect(try row.read(CivilDate.self, "v") == date)
                #expect(try row.read(Int.self, "days") == date.daysSinceEpoch)
            }
            let moments = (0..<2_000).map { _ in Instant(microsecondsSinceEpoch: .random(in: -200_000_000_000_000_000...900_000_000_000_000_000)) }
            let read = try await test.database.execute(
                "SELECT v, (extract(epoch FROM v) * 1000000)::bigint AS us FROM unnest(\(moments)) WITH ORDINALITY AS u (v, n) ORDER BY n")
            for (moment, row) in zip(moments, read) {
                #expect(try row.read(Instant.self, "v") == moment)
                #expect(try row.read(Int64.self, "us") == moment.microsecondsSinceEpoch)
                #expect(Instant(moment.description) == moment)
            }
        }
    }

    @Test func randomArraysKeepNullsAndAwkwardText() async throws {
        try await TestDatabase.with { test in
            let alphabet: [Character] = ["a", "\"", "\\", ",", "{", "}", " ", "'", "N", "U", "L", "中", "\n", "\t"]
            for _ in 0..<200 {
                let array: [String?] = (0..<Int.random(in: 0...20)).map { _ in
                    Int.random(in: 0...4) == 0 ? nil : String((0..<Int.random(in: 0...8)).map { _ in alphabet.randomElement()! })
                }
                let row = try await test.database.read("SELECT \(array) AS v, cardinality(\(array)) AS n").first!
                #expect(try row.read([String?].self, "v") == array)
                #expect(try row.read(Int.self, "n") == array.count)
            }
            let error = try await postgresError { _ = try await test.database.read("SELECT ARRAY[1, NULL]").first!.read([Int].self, 0) }
            #expect(error.code == .unreadableValue)
            let nested = try await postgresError { _ = try await test.database.read("SELECT ARRAY[[1], [2]]").first!.read([Int].self, 0) }
            #expect(nested.code == .unreadableValue)
        }
    }

    @Test func errorsNameTheColumn() async throws {
        try await TestDatabase.with { test in
            let row = try await test.database.read("SELECT 'secret' AS word, NULL AS gap, 99999999999 AS big").first!
            for (column, attempt) in [
                ("word", { _ = try row.read(Int.self, "word") }), ("gap", { _ = try row.read(String.self, "gap") }),
                ("big", { _ = try row.read(Int32.self, "big") }), ("absent", { _ = try row.read(Int.self, "absent") }),
            ] as [(String, () throws -> Void)] {
                let error = #expect(throws: PostgresError.self) { try attempt() }
                #expect(error?.message.contains(column) == true)
                #expect(error?.debugDescription.contains("secret") == false)
            }
        }
    }

    @Test func refusesTextWithANULInsteadOfCuttingIt() async throws {
        try await TestDatabase.with { test in
            for attempt in [
                { _ = try await test.database.read("SELECT \("a\0b", as: .text)") },
                { _ = try await test.database.execute("SELECT \(1), \(["a\0b"])") },
                { for try await _ in test.database.copyOut("COPY (SELECT \("a\0b", as: .text)) TO STDOUT") {} },
            ] as [() async throws -> Void] {
                let error = try await postgresError(attempt)
                #expect(error.code == .invalidParameter)
            }
        }
    }

    @Test func refusesMoreParametersThanTheProtocolCounts() async throws {
        try await TestDatabase.with { test in
            let most = (0..<65_535).map { "\($0)" as SQL }.joined(separator: ",")
            #expect(try await test.database.execute("SELECT cardinality(ARRAY[\(most)])").first!.read(Int.self, 0) == 65_535)
            let error = try await postgresError { try await test.database.execute("SELECT \(1) FROM (VALUES (\(most))) v") }
            #expect(error.code == .tooManyParameters)
        }
    }

    @Test func errorsTellStrangersNothing() async throws {
        try await TestDatabase.with { test in
            let error = try await postgresError { try await test.database.execute("SELECT internal_name FROM hidden_table WHERE a = \("secret")") }
            #expect(error.description == "The database refused the statement (SQLSTATE 42P01).")
            #expect("\(error)" == error.description)
            #expect(error.debugDescription.contains("hidden_table"))
            #expect(!error.debugDescription.contains("secret"))
        }
    }

    @Test(arguments: [
        ("1.0", "1.00", 0), ("-1", "1", -1), ("0", "-0.000", 0), ("9", "10", -1), ("-9", "-10", 1), ("1e3", "1000", 0),
        ("NaN", "Infinity", 1), ("NaN", "NaN", 0), ("-Infinity", "-999999", -1), ("0.09", "0.1", -1), ("007", "7.0", 0), ("1.5e-3", "0.0015", 0),
    ])
    func numericsAreOrderedByValue(left: String, right: String, order: Int) throws {
        let (left, right) = (try #require(Numeric(left)), try #require(Numeric(right)))
        #expect((left < right) == (order < 0))
        #expect((left > right) == (order > 0))
        #expect((left == right) == (order == 0))
        if order == 0 { #expect(left.hashValue == right.hashValue) }
    }

    @Test(arguments: ["", "-", ".", "1.2.3", "1e", "1e9999999", "0x10", " 1", "1 ", "１", "--1", "nan", "1,000"])
    func refusesWhatIsNoNumber(text: String) {
        #expect(Numeric(text) == nil)
    }

    @Test(arguments: [
        ("2023-02-29", nil), ("2024-02-29", "2024-02-29"), ("2024-13-01", nil), ("24-01-01", nil), ("0044-03-15 BC", "0044-03-15 BC"),
        ("2024-01-01 ", nil), ("infinity", nil), ("2024-1-1", nil),
    ])
    func datesAreReal(text: String, spelling: String?) {
        #expect(CivilDate(text)?.description == spelling)
    }

    @Test(arguments: [
        ("2024-05-01T12:30:00.25+08:00", "2024-05-01T04:30:00.25Z"), ("1969-12-31 23:59:59.999999+00", "1969-12-31T23:59:59.999999Z"),
        ("2024-05-01T12:30:00", nil), ("2024-05-01T24:00:00Z", nil), ("1900-01-01 00:00:00+08:05:43", "1899-12-31T15:54:17Z"),
        ("2024-05-01T12:30:00.1234567Z", nil),
    ])
    func momentsHaveAnOffset(text: String, spelling: String?) {
        #expect(Instant(text)?.description == spelling)
    }
}
