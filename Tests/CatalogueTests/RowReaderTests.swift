import Foundation
import Model
import NIOCore
import Store
import TestSupport
import Testing

@testable import Catalogue

@Suite struct RowReaderTests {
    private struct Rows: Decodable { var data: [[String: String?]] }

    @Test func aDifferenceDoesNotTellWhatMaskedValuesMayBe() throws {
        var (old, new) = (Lighthouse.schema, Lighthouse.schema)
        let keeper = try #require(new.fields.firstIndex { $0.name == "keeper" })
        new.fields[keeper].values = ["张三"]
        #expect(try FieldChange.between(old, new).isEmpty)
        old.fields.remove(at: keeper)
        let changes = try FieldChange.between(old, new)
        #expect(changes.map(\.field) == ["keeper"] && changes.allSatisfy { !$0.new.contains("张三") })
    }

    private static func reader(_ store: Store) async throws -> RowReader {
        RowReader(store: store, released: ReleasedDatasets(store: store), seal: try await CursorSeal.load(from: store))
    }

    /// All pages of a question, each asked for with the cursor of the one before.
    private static func walk(
        _ reader: RowReader, _ dataset: String, _ parameters: [(name: String, value: String)], between: (Int) async throws -> Void = { _ in }
    ) async throws -> (codes: [String], versions: Set<Int>) {
        var codes: [String] = []
        var versions: Set<Int> = []
        var cursor: String?
        for round in 0..<500 {
            let all = parameters + (cursor.map { [(name: "cursor", value: $0)] } ?? [])
            let version = try await reader.version(of: dataset, number: try reader.versionNumber(in: all))
            let plan = try reader.plan(version, all)
            guard let answer = try await reader.answer(plan) else { continue }
            var buffer = ByteBuffer()
            answer.writeRows(into: &buffer)
            let rows = try #require(try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView)) as? [[String: Any]])
            codes += rows.compactMap { $0["code"] as? String }
            versions.insert(version.number)
            cursor = answer.next
            if cursor == nil { return (codes, versions) }
            try await between(round)
        }
        Issue.record("too many pages")
        return (codes, versions)
    }

    @Test(arguments: ["", "height", "-height", "steps,-name"]) func pagingMissesNothingWhileOthersRelease(sort: String) async throws {
        try await withTestDatabase { db in
            let rows = Lighthouse.rows(200)
            let release = try await db.publish(rows: rows)
            let store = try await db.openStore()
            let reader = try await Self.reader(store)
            let follower = Task { await reader.released.run() }
            var version = 1
            let parameters = [(name: "limit", value: "13"), (name: "fields", value: "code")] + (sort.isEmpty ? [] : [(name: "sort", value: sort)])
            let (codes, versions) = try await Self.walk(reader, release.dataset, parameters) { round in
                guard round % 3 == 1 else { return }
                version += 1
                var changed = rows[(round * 37) % 200]
                changed[2] = "\(round).00"
                changed[3] = "\(round)"
                var added = rows[0]
                added[0] = "N\(round)"
                try await release.release(version, rows: [changed, added], removing: version == 3 ? [[rows[199][0]!]] : [])
            }
            #expect(version > 3)
            #expect(versions == [1])
            #expect(codes.count == 200)
            #expect(Set(codes) == Set(rows.compactMap { $0[0] }))
            follower.cancel()
            await store.close()
        }
    }

    @Test func aCursorBelongsToItsQuestion() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(30))
            let store = try await db.openStore()
            let reader = try await Self.reader(store)
            let version = try await reader.version(of: release.dataset, number: nil)
            let parameters = [(name: "limit", value: "5"), (name: "steps__gte", value: "-30")]
            let cursor = try #require(try await reader.answer(reader.plan(version, parameters))?.next)
            _ = try reader.plan(version, parameters + [(name: "cursor", value: cursor)])
            for other in [
                [(name: "cursor", value: cursor)], [(name: "steps__gte", value: "-29"), (name: "cursor", value: cursor)],
                parameters + [(name: "sort", value: "name"), (name: "cursor", value: cursor)], parameters + [(name: "version", value: "2"), (name: "cursor", value: cursor)],
                parameters + [(name: "cursor", value: String(cursor.dropLast()))], parameters + [(name: "cursor", value: "")],
            ] {
                #expect { try reader.plan(version, other) } throws: { ($0 as? Problem)?.code == .invalidCursor }
            }
            await store.close()
        }
    }

    @Test func aRowIsFoundUntilItIsNot() async throws {
        try await withTestDatabase { db in
            let rows = Lighthouse.rows(10)
            let release = try await db.publish(rows: rows)
            let store = try await db.openStore()
            let reader = try await Self.reader(store)
            let version = try await reader.version(of: release.dataset, number: nil)
            let code = rows[4][0]!
            let plan = try #require(reader.plan(version, key: code))
            var buffer = ByteBuffer()
            try await reader.answer(plan)?.write(into: &buffer)
            #expect(String(buffer: buffer).hasPrefix("{\"data\":{\"code\":\"\(code)\","))
            #expect(String(buffer: buffer).hasSuffix("},\"meta\":{\"version\":1}}"))
            #expect(!String(buffer: buffer).contains("budget"))

            // A newer version came: the plan for the old one has to be made anew.
            try await release.release(2, rows: [], removing: [[code]])
            #expect(try await reader.answer(plan) == nil)
            let newer = try await reader.version(of: release.dataset, number: nil, fresh: true)
            let again = try #require(reader.plan(newer, key: code))
            await #expect { try await reader.answer(again) } throws: { ($0 as? Problem)?.code == .rowNotFound }
            try await release.withdraw(.rows, version: 1, keys: [code], reason: "涉及个人隐私")
            await #expect { try await reader.answer(again) } throws: { error in
                (error as? Problem)?.code == .rowWithdrawn && (error as? Problem)?.detail.zh.contains("涉及个人隐私") == true
            }
            await store.close()
        }
    }

    @Test func withdrawnThingsSayWhy() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(5))
            try await release.release(2, rows: [])
            try await release.withdraw(.version, version: 1)
            let store = try await db.openStore()
            let reader = try await Self.reader(store)
            await #expect { try await reader.version(of: release.dataset, number: 1) } throws: { ($0 as? Problem)?.code == .versionWithdrawn }
            await #expect { try await reader.version(of: release.dataset, number: 9) } throws: { ($0 as? Problem)?.code == .versionNotFound }
            await #expect { try await reader.version(of: "nothing", number: nil) } throws: { ($0 as? Problem)?.code == .datasetNotFound }
            #expect(try await reader.version(of: release.dataset, number: nil).number == 2)
            try await release.withdraw(.dataset)
            await #expect { try await reader.version(of: release.dataset, number: nil, fresh: true) } throws: { ($0 as? Problem)?.code == .datasetWithdrawn }
            await store.close()
        }
    }

    @Test func notificationsDropWhatIsKnown() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(5))
            let store = try await db.openStore()
            let released = ReleasedDatasets(store: store)
            let follower = Task { await released.run() }
            _ = try await released.find(release.dataset, version: nil)
            try await release.release(2, rows: [])
            var number = 1
            for _ in 0..<3000 where number != 2 {
                try await Task.sleep(for: .milliseconds(20))
                number = try await released.find(release.dataset, version: nil).number
            }
            #expect(number == 2)
            follower.cancel()
            await store.close()
        }
    }

    @Test func jsonHoldsEveryTypeExactly() async throws {
        try await withTestDatabase { db in
            let row: [String?] = [
                "L1", "a\"b\\c\n\u{1}汉字 longer than eight", "0.50", "-9223372036854775808", "true", "2024-02-29", "2013-03-01 00:00:00.5+08", "2023-Q4", "116.5,39.25",
                "{\"n\": [1, null]}", "张三丰", "12.00", "13900001234",
            ]
            let release = try await db.publish(rows: [row, ["L2", ""] + Array(repeating: nil, count: 11)])
            let store = try await db.openStore()
            let reader = try await Self.reader(store)
            let version = try await reader.version(of: release.dataset, number: nil)
            var buffer = ByteBuffer()
            try await reader.answer(reader.plan(version, []))?.writeRows(into: &buffer)
            #expect(
                String(buffer: buffer)
                    == #"[{"code":"L1","name":"a\"b\\c\n\u0001汉字 longer than eight","height":0.50,"steps":-9223372036854775808,"automated":true,"#
                    + #""lit_on":"2024-02-29","inspected_at":"2013-03-01T00:00:00.5+08:00","season":"2023-Q4","position":"116.5,39.25","#
                    + #""lamps":{"n": [1, null]},"keeper":"张**"},{"code":"L2","name":"","height":null,"steps":null,"automated":null,"lit_on":null,"#
                    + #""inspected_at":null,"season":null,"position":null,"lamps":null,"keeper":null}]"#)
            await store.close()
        }
    }
}
