import NIOCore
import Postgres
import Testing

@Suite struct CopyTests {
    private struct Refusal: Error {}

    @Test func streamsOutExactlyWhatIsThere() async throws {
        try await TestDatabase.with { test in
            var text = ""
            var buffers = 0
            for try await buffer in test.database.copyOut("COPY (SELECT i, 'row ' || i FROM generate_series(1, \(200_000)) i) TO STDOUT (FORMAT csv)") {
                text += String(buffer: buffer)
                buffers += 1
                #expect(buffer.readableBytes <= 300_000)
                #expect(text.last == "\n")
            }
            #expect(buffers > 5)
            #expect(text == (1...200_000).map { "\($0),row \($0)\n" }.joined())
        }
    }

    @Test func quotesTheValuesOfACopy() async throws {
        try await TestDatabase.with { test in
            let awkward = #"it's \ "quoted" 北京"#
            let absent: Int? = nil
            var text = ""
            let sql: SQL = "COPY (SELECT \(awkward, as: .text), \(absent), \([1, 2])) TO STDOUT"
            for try await buffer in test.database.copyOut(sql) { text += String(buffer: buffer) }
            #expect(text == #"it's \\ "quoted" 北京"# + "\t\\N\t{1,2}\n")
        }
    }

    @Test func aReaderThatLeavesStopsTheStatementAndKeepsTheConnection() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            let pid: Int = try await test.database.execute("SELECT pg_backend_pid()").first!.read(0)
            for try await buffer in test.database.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") {
                #expect(buffer.readableBytes > 0)
                break
            }
            let began = ContinuousClock.now
            let again: Int = try await test.database.execute("SELECT pg_backend_pid()").first!.read(0)
            #expect(again == pid)
            #expect(ContinuousClock.now - began < .seconds(60))
        }
    }

    @Test func cancellingTheTaskStopsACopyAndKeepsTheConnection() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.withConnection { connection in
                let (buffers, arrived) = AsyncStream.makeStream(of: Int.self)
                let task = Task {
                    for try await buffer in connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") {
                        arrived.yield(buffer.readableBytes)
                    }
                }
                for await size in buffers where size > 0 { break }
                task.cancel()
                let error = await #expect(throws: PostgresError.self) { try await task.value }
                #expect(error?.code == .cancelled)
                let rows = try await connection.execute("SELECT 1")
                #expect(rows.count == 1)
            }
        }
    }

    @Test func aDeadlineStopsACopyThatSendsNothing() async throws {
        try await TestDatabase.with { test in
            let error = try await postgresError {
                for try await _ in test.database.copyOut("COPY (SELECT pg_sleep(30)) TO STDOUT", deadline: .now + .milliseconds(200)) {}
            }
            #expect(error.code == .deadlineExceeded)
        }
    }

    @Test func reportsARefusedCopyOut() async throws {
        try await TestDatabase.with { test in
            let error = try await postgresError { for try await _ in test.database.copyOut("COPY nothing_here TO STDOUT") {} }
            #expect(error.sqlState == .undefinedTable)
            let late = try await postgresError {
                for try await _ in test.database.copyOut("COPY (SELECT 1 / (5 - i) FROM generate_series(1, 10) i) TO STDOUT") {}
            }
            #expect(late.sqlState == SQLState(rawValue: "22012"))
            let wrong = try await postgresError { for try await _ in test.database.copyOut("SELECT 1") {} }
            #expect(wrong.code == .misuse)
            try await test.database.execute("SELECT 1")
        }
    }

    @Test func loadsWhatIsWritten() async throws {
        try await TestDatabase.with { test in
            try await test.database.execute("CREATE TABLE loaded (a int, b text)")
            let rows = try await test.database.withConnection { connection in
                try await connection.copyIn("COPY loaded FROM STDIN (FORMAT csv)") { writer in
                    // Pieces of all sizes, which also end inside rows.
                    var buffer = ByteBuffer()
                    for number in 1...100_000 {
                        buffer.writeString("\(number),row \(number)\n")
                        if number % 997 == 0, let piece = buffer.readSlice(length: buffer.readableBytes - 3) { try await writer.write(piece) }
                    }
                    buffer.writeString(String(repeating: "0,long\n", count: 100_000))
                    try await writer.write(buffer)
                }
            }
            #expect(rows == 200_000)
            let sum: Int = try await test.database.execute("SELECT sum(a) FROM loaded").first!.read(0)
            #expect(sum == 5_000_050_000)
        }
    }

    @Test func aWriterThatThrowsLoadsNothing() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.execute("CREATE TABLE aborted (a int)")
            await #expect(throws: Refusal.self) {
                try await test.database.withConnection { connection in
                    _ = try await connection.copyIn("COPY aborted FROM STDIN") { writer in
                        for _ in 0..<10 { try await writer.write(ByteBuffer(string: String(repeating: "1\n", count: 100_000))) }
                        throw Refusal()
                    }
                }
            }
            #expect(try await test.database.execute("SELECT * FROM aborted").isEmpty)
        }
    }

    @Test func aRefusedRowIsReportedAndNothingIsLoaded() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.execute("CREATE TABLE refused (a int)")
            let error = try await postgresError {
                try await test.database.withConnection { connection in
                    _ = try await connection.copyIn("COPY refused FROM STDIN") { writer in
                        try await writer.write(ByteBuffer(string: "1\nnot a number\n"))
                        let million = ByteBuffer(string: String(repeating: "1\n", count: 1_000_000))
                        for _ in 0..<20 { try await writer.write(million) }
                    }
                }
            }
            #expect(error.sqlState == SQLState(rawValue: "22P02"))
            #expect(try await test.database.execute("SELECT * FROM refused").isEmpty)
        }
    }

    @Test func cancellingTheTaskAbortsACopyIn() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.execute("CREATE TABLE stopped (a int)")
            let task = Task {
                try await test.database.withConnection { connection in
                    try await connection.copyIn("COPY stopped FROM STDIN") { writer in
                        let chunk = ByteBuffer(string: String(repeating: "1\n", count: 200_000))
                        while true { try await writer.write(chunk) }
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(300))
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { _ = try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await test.database.execute("SELECT * FROM stopped").isEmpty)
        }
    }

    @Test func refusesACopyOutsideCopy() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.execute("CREATE TABLE stray (a int)")
            for statement in ["COPY stray FROM STDIN", "COPY (SELECT generate_series(1, 100000)) TO STDOUT"] {
                let error = try await postgresError { try await test.database.execute(SQL(raw: statement)) }
                #expect(error.code == .misuse)
            }
            #expect(try await test.database.execute("SELECT * FROM stray").isEmpty)
        }
    }
}
