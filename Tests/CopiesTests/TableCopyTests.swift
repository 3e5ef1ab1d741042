import Copies
import Foundation
import Logging
import Model
import NIOCore
import NIOPosix
import Postgres
import TestSupport
import Testing

/// A copy in a table: rows, version and what is owed change in one transaction.
@Suite struct TableCopyTests {
    private static func open(_ db: TestDatabase, table: String = "lighthouse", again: Bool = false) async throws -> TableCopy {
        try await TableCopy.open(db.url, table: table, again: again, group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "daylight.tests"))
    }

    /// The table as CSV, in the order of the key.
    private static func text(_ db: TestDatabase, _ table: String = "lighthouse") async throws -> String {
        var text = ""
        for try await chunk in db.database.copyOut("COPY (SELECT * FROM public.\(identifier: table) ORDER BY code COLLATE \"C\", number::numeric) TO STDOUT (FORMAT csv, HEADER)") { text += String(buffer: chunk) }
        return text
    }

    private static let types: [String: ColumnType] = ["number": .bigint, "height": .numeric]

    @Test func aSnapshotAndThenChangesGiveEachVersion() async throws {
        try await withTestDatabase { db in
            let copy = try await Self.open(db)
            #expect(try await copy.held() == nil)
            try await Deliveries.give(0, 1, to: copy, types: Self.types)
            for (from, to) in [(1, 2), (2, 3), (3, 4), (4, 5)] {
                try await Deliveries.give(from, to, to: copy)
                #expect(try await Self.text(db) == Deliveries.state(to), "version \(to)")
            }
            try await Deliveries.give(0, 5, to: copy)
            #expect(try await Self.text(db) == Deliveries.state(5))
            let held = try #require(try await copy.held())
            #expect(held.version == 5 && held.owed?.delivery == "delivery-0-5" && held.grant == "grant")
            try await copy.settle("delivery-0-5")
            #expect(try await copy.held()?.owed == nil)
            let type = try await db.database.execute("SELECT data_type FROM information_schema.columns WHERE table_name = 'lighthouse' AND column_name = 'height'")
            #expect(try type[0].read(String.self, "data_type") == "numeric")
            // Somebody drops the table: all of it comes again.
            try await db.database.execute("DROP TABLE public.lighthouse")
            #expect(try await copy.held() == nil)
            await copy.close()
        }
    }

    @Test func whatIsCutOffOrDoesNotFitChangesNothing() async throws {
        try await withTestDatabase { db in
            let copy = try await Self.open(db)
            try await Deliveries.give(0, 1, to: copy)
            let before = try await Self.text(db)
            await #expect(throws: Deliveries.Broken.self) { try await Deliveries.give(1, 2, to: copy, breaking: true) }
            await #expect(throws: CopyFailure.self) { try await Deliveries.give(3, 4, to: copy) }
            let held = try await copy.held()
            #expect(try await Self.text(db) == before && held?.version == 1)
            // Somebody removed a row that changes: the copy says so.
            try await db.database.execute("DELETE FROM public.lighthouse WHERE number = '10'")
            await #expect(throws: CopyFailure.self) { try await Deliveries.give(1, 2, to: copy) }
            await copy.close()
            let again = try await Self.open(db, again: true)
            #expect(try await again.held() == nil)
            try await Deliveries.give(0, 2, to: again)
            #expect(try await Self.text(db) == Deliveries.state(2))
            await again.close()
        }
    }

    @Test func aSpooledDeliveryIsTakenWhenAllOfItIsThereAndRight() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-spool-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        func files() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: folder.path).count) ?? 0 }
        try await withTestDatabase { db in
            let table = try await Self.open(db), copy = SpooledCopy(table, folder: folder, longest: 1 << 20)
            await #expect(throws: Deliveries.Broken.self) { try await Deliveries.give(0, 1, to: copy, types: Self.types, breaking: true) }
            // Nothing was begun in the database.
            #expect(try await db.database.execute("SELECT to_regclass('public.lighthouse') IS NULL")[0].read(Bool.self, 0))
            for (from, to) in [(0, 1), (1, 2), (2, 3)] {
                try await Deliveries.give(from, to, to: copy, types: Self.types)
                #expect(try await Self.text(db) == Deliveries.state(to))
            }
            let incoming = Deliveries.incoming(3, 4)
            await #expect(throws: CopyFailure.self) {
                try await SpooledCopy(table, folder: folder, longest: 10).take(incoming, Deliveries.Pieces(text: Deliveries.changes(3, 4), isBroken: false)) { Deliveries.receipt(incoming, $0) }
            }
            #expect(files() == 0)
            #expect(try await copy.held()?.version == 3)
            // The order of the primary key is that of the canonical CSV, whatever the database's collation.
            let collation = try await db.database.execute("SELECT collation_name FROM information_schema.columns WHERE table_name = 'lighthouse' AND column_name = 'code'")
            #expect(try collation[0].read(String.self, 0) == "C")
            // What was withdrawn goes at once, and a whole state comes next.
            try await copy.empty()
            #expect(try await copy.held() == nil)
            #expect(try await db.database.execute("SELECT FROM public.lighthouse").count == 0)
            try await Deliveries.give(0, 5, to: copy, types: Self.types)
            #expect(try await Self.text(db) == Deliveries.state(5))
            await copy.close()
        }
    }

    @Test func otherColumnsThanWereGrantedAreNotTaken() async throws {
        try await withTestDatabase { db in
            let copy = try await Self.open(db)
            for (header, fields) in [(Deliveries.header, Set(["code", "number", "name"])), ("code,number,name,Height", ["code", "number", "name", "Height"]), ("code,number,name,name", ["code", "number", "name"])] {
                var incoming = Deliveries.incoming(0, 1)
                incoming.fields = fields
                let text = Deliveries.state(1).replacing(Deliveries.header, with: header), asked = incoming
                await #expect(throws: CopyFailure.self) { try await copy.take(asked, Deliveries.Pieces(text: text, isBroken: false)) { Deliveries.receipt(asked, $0) } }
            }
            #expect(try await copy.held() == nil)
            await copy.close()
        }
    }

    @Test func theServerEndsTheSessionInTheMiddle() async throws {
        try await withTestDatabase { db in
            let copy = try await Self.open(db)
            try await Deliveries.give(0, 1, to: copy)
            let before = try await Self.text(db), incoming = Deliveries.incoming(1, 2)
            await #expect(throws: (any Error).self) {
                try await copy.take(incoming, Deliveries.Pieces(text: Deliveries.changes(1, 2), isBroken: false)) { arrival in
                    try await db.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'daylight exchange pull' AND datname = current_database()")
                    return Deliveries.receipt(incoming, arrival)
                }
            }
            #expect(try await Self.text(db) == before)
            let held = try await copy.held()
            #expect(held?.version == 1)
            try await Deliveries.give(1, 2, to: copy)
            #expect(try await Self.text(db) == Deliveries.state(2))
            await copy.close()
        }
    }
}
