import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Postgres
import TestSupport
import Testing

/// The database goes away in the middle of deliveries and comes back: nothing is lost, nothing comes twice.
@Suite(.serialized) struct FailOverTests {
    private enum Fault: CaseIterable {
        /// The whole of PostgreSQL dies and starts again.
        case failOver
        /// Every connection of the server is ended, as by a proxy that changes over.
        case termination
    }

    private let cluster: Cluster?

    init() async throws {
        cluster = try await Cluster.make()
    }

    /// So many rows do not fit into what the two ends of a connection hold in between.
    private static let count = 40_000
    private static let text = String(repeating: "灯", count: 150)

    private static func rows(_ version: Int, _ numbers: Range<Int>) -> Data {
        let rows = numbers.lazy.filter { ($0 + version) % 17 != 0 }.map { "\($0),a,\(text)\(version),\($0).5\(version),2026-03-01T08:00:0\(version)+08:00\n" }
        return Data(("number,code,name,amount,at\n" + rows.joined()).utf8)
    }

    @Test func aDatabaseThatFailsOverDuringADeliveryLosesNothingAndDoublesNothing() async throws {
        guard let cluster else {
            print("SKIPPED aDatabaseThatFailsOverDuringADeliveryLosesNothingAndDoublesNothing: there is no initdb on this machine")
            return
        }
        do {
            try await cluster.start()
            try await ExchangeSite.with(shareType: "unconditional", server: cluster.url) { site, key in try await deliver(site, key, cluster) }
        } catch {
            await cluster.remove()
            throw error
        }
        await cluster.remove()
    }

    private func deliver(_ site: ExchangeSite, _ key: String, _ cluster: Cluster) async throws {
        let database = site.installation.database.database, receiver = site.installation.reader.with(key: key), purpose = [("Daylight-Purpose", "test")]
        func strike(_ fault: Fault) async throws {
            switch fault {
            case .failOver: try await cluster.failOver()
            case .termination:
                let ended = try await database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'daylight-tests'")
                #expect(ended.count > 0)
            }
        }
        /// Waits for the server, and for the connections of the test.
        func recover() async throws {
            try await eventually("the server is there again: \(site.installation.log.suffix(3000))") {
                for _ in 0..<8 { try await database.execute("SELECT 1") }
                return try await receiver.get("/health/ready").status == 200
            }
        }
        /// Reads an address whole, then again with a fault in the middle, and then whole once more.
        func read(_ target: String, _ fault: Fault) async throws {
            let whole = try await receiver.get(target, headers: purpose)
            try #require(whole.status == 200, "\(whole.text.prefix(500))")
            var request = HTTPClientRequest(url: receiver.baseURL + target)
            request.headers = ["Authorization": "Bearer \(key)", "Daylight-Purpose": "test"]
            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
            try #require(answer.status == .ok)
            var body = answer.body.makeAsyncIterator(), came = try #require(try await body.next())
            try await strike(fault)
            do {
                while var piece = try await body.next() { came.writeBuffer(&piece) }
                Issue.record("\(target): what came after \(fault) ended in due form, with \(came.readableBytes) of \(whole.body.count) bytes")
            } catch {
                #expect(came.readableBytes < whole.body.count && whole.body.starts(with: came.readableBytesView), "\(target): \(came.readableBytes) bytes")
            }
            try await recover()
            let again = try await receiver.get(target, headers: purpose)
            #expect(again.status == 200 && again.body == whole.body && again.header("Daylight-Since") == whole.header("Daylight-Since"), "\(target) after \(fault)")
        }
        func publish(_ version: Int, _ numbers: Range<Int>) async throws {
            try await site.installation.publish("lines", Self.rows(version, numbers), mode: version == 1 ? "replace" : "upsert")
        }

        try await publish(1, 0..<Self.count)
        try await site.good("receiver", ["key", "make", site.path("receiver.signing")])
        try await site.good("receiver", ["key", "register"])
        let grant = try #require(try await site.json("receiver", ["request", "lines"] + ExchangeSite.draft.filter { $0 != "--filter" && $0 != "number < 90" })["grant"]?.string)
        let file = site.path("lines.csv"), table = site.installation.database.url.replacing("?", with: "/copies?"), path = "/v1/exchange/grants/\(grant)"
        for fault in Fault.allCases { try await read(path + "/data.csv", fault) }
        for target in [file, table] { try await site.good("receiver", ["pull", grant, "--to", target]) }
        // From its cursor on: the version that it signed for.
        try await publish(2, 0..<Self.count)
        for fault in Fault.allCases { try await read(path + "/changes", fault) }
        #expect(try await receiver.get(path + "/changes", headers: purpose).header("Daylight-Since") == "1")

        // Copies that follow, one of them in the database that fails.
        let followers = try [file, table].map { try site.start("receiver", ["pull", grant, "--to", $0, "--follow", "--every", "1"]) }
        do {
            for version in 3...6 {
                try await publish(version, version * 1000..<version * 1000 + 9000)
                try await Task.sleep(for: .milliseconds(Int.random(in: 100...1500)))
                try await strike(version % 2 == 0 ? .termination : .failOver)
                try await recover()
            }
            try await eventually("both copies are in step: \(site.installation.log.suffix(3000))") {
                let held = try await database.execute("SELECT FROM public.daylight_copy WHERE version = 6 AND owed IS NULL")
                return try held.count == 1 && followers.allSatisfy(\.isRunning) && String(contentsOfFile: file + ".daylight", encoding: .utf8).contains(/"version" ?: ?6\b/)
            }
        } catch {
            for process in followers { await process.kill() }
            throw error
        }
        for process in followers { await process.kill() }
        try await check(site, grant, file: file, key: key)
    }

    /// Both copies are what is granted; whatever was sent whole was sent alike, signed for once, and is in the ledger.
    private func check(_ site: ExchangeSite, _ grant: String, file: String, key: String) async throws {
        let database = site.installation.database.database
        for target in [file, site.installation.database.url.replacing("?", with: "/copies?")] { try await site.good("receiver", ["pull", grant, "--to", target]) }
        let expected = try await site.granted(grant, key: key)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == expected)
        var rows = ""
        for try await chunk in database.copyOut(
            "COPY (SELECT number, code, name, amount, to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+08:00' AS at FROM public.copies ORDER BY code COLLATE \"C\", number) TO STDOUT (FORMAT csv, HEADER)")
        { rows += String(buffer: chunk) }
        #expect(rows == expected)
        let odd = try await database.execute("SELECT FROM daylight.delivery WHERE finished_at IS NOT NULL GROUP BY from_version, to_version HAVING count(DISTINCT digest) > 1")
        #expect(odd.isEmpty)
        let cut = try await database.execute("SELECT count(*) FROM daylight.delivery WHERE finished_at IS NULL")[0].read(Int.self, 0)
        #expect(cut >= 4)
        let receipts = try await database.execute("SELECT delivery::text FROM daylight.receipt r JOIN daylight.delivery d ON d.id = r.delivery WHERE d.finished_at IS NOT NULL ORDER BY r.recorded_at DESC")
        let all = try await database.execute("SELECT count(*) FROM daylight.receipt")[0].read(Int.self, 0)
        #expect(receipts.count == all && all >= 4)
        try await eventually("all receipts are in the ledger") {
            try await database.execute("SELECT count(*) FROM daylight.ledger_leaf WHERE kind = 'receipt'")[0].read(Int.self, 0) == all
        }
        try #require(all > 0)
        let last: String = try receipts[0].read(0)
        #expect(try await site.good("receiver", ["receipt", last, "--proof"]).contains("tlog-proof"))
    }
}
