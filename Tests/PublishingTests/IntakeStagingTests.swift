import Model
import NIOCore
import Postgres
import TestSupport
import Testing

@testable import Publishing

/// What the intake writes is what PostgreSQL reads.
struct IntakeStagingTests {
    private let schema = TableSchema.of(
        """
        n|整数|integer
        t|文本|text
        c|代码|code
        d|小数|decimal(12,3)
        on|日期|date
        at|时间|datetime
        yes|布尔|boolean
        p|期间|period
        place|位置|geo_point
        j|对象|json
        """, key: ["n", "t"])

    @Test func postgreSQLReadsWhatWasWritten() async throws {
        let text = #"""
            n,t,c,d,on,at,yes,p,place,j
            1,"tab	back\slash \N ""quote""
            second line",\.,-1.5,2020/1/2,2013-03-01 00:00+08:00,是,2020年3月,"116.30,39.9","{""a"": [1, ""x\ty""]}"
            9223372036854775807,,,,,,,,,
            -2,中文 '単引号',007,1e3,20200229,2013-03-01T00:00:00.25Z,f,2020Q4,"-0.50,0",null
            """#
        let outcome = try read(text, schema, keepsRecords: true)
        #expect(outcome.told == [] && outcome.rowCount == 3)
        let rows: [[String?]] = try await withTestDatabase(migrated: false) { db in
            try await db.database.withConnection { connection in
                try await connection.execute(
                    """
                    CREATE UNLOGGED TABLE public.staged (_line bigint NOT NULL, n bigint NOT NULL, t text COLLATE "C" NOT NULL DEFAULT '', c text, d numeric(12,3), \
                    "on" date, at timestamptz, yes boolean, p text, place text, j jsonb, _record text)
                    """)
                _ = try await connection.copyIn("COPY public.staged FROM STDIN") { writer in try await writer.write(ByteBuffer(bytes: outcome.copy)) }
                let columns = ["_line", "n", "t", "c", "d", "\"on\"", "at AT TIME ZONE 'UTC'", "yes", "p", "place", "j", "_record"].map { "(\($0))::text" }
                return try await connection.execute("SELECT \(raw: columns.joined(separator: ", ")) FROM public.staged ORDER BY _line").map { row in
                    try columns.indices.map { try row.read(String?.self, $0) }
                }
            }
        }
        #expect(rows.count == 3)
        #expect(
            Array(rows[0].dropLast()) == [
                "2", "1", "tab\tback\\slash \\N \"quote\"\nsecond line", "\\.", "-1.500", "2020-01-02", "2013-02-28 16:00:00", "true", "2020-03", "116.3,39.9",
                #"{"a": [1, "x\ty"]}"#,
            ])
        #expect(Array(rows[1]) == ["4", "9223372036854775807", ""] + Array(repeating: nil, count: 8) + ["9223372036854775807,,,,,,,,,"])
        #expect(
            Array(rows[2].dropLast()) == [
                "5", "-2", "中文 '単引号'", "007", "1000.000", "2020-02-29", "2013-03-01 00:00:00.25", "false", "2020-Q4", "-0.5,0", "null",
            ])
        #expect(rows[0].last == outcome.rows[0].last)
        #expect(rows[0].last??.hasPrefix("1,\"tab\tback\\slash") == true)
    }
}
