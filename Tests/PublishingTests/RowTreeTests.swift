import Ledger
import Model
import NIOCore
import Postgres
@testable import Publishing
import Store
import TestSupport
import Testing

/// However a version comes about, the tree in its leaf and the nodes that are kept are those of its canonical bytes.
@Suite struct RowTreeTests {
    /// The tree over the bytes that everybody gets of a version, made the plain way.
    private func tree(_ shop: Workshop, _ number: Int) async throws -> RowTree {
        let released = ReleasedDatasets(store: shop.store)
        let version = try await released.find(shop.dataset, version: number, fresh: true)
        var bytes: [UInt8] = []
        for try await chunk in shop.store.csv(version) { bytes += Array(chunk.readableBytesView) }
        var records: [[UInt8]] = []
        let rest = bytes.withUnsafeBytes { CanonicalRecords.forEach(in: $0) { records.append(Array($0)) } }
        #expect(rest == 0)
        var builder = RowTreeBuilder(keyPlaces: [0])
        for record in records.dropFirst() { record.withUnsafeBytes { builder.add($0) } }
        return builder.finish(last: records.last ?? [])
    }

    private func kept(_ shop: Workshop, _ version: Int) async throws -> [RowTree.Node] {
        try await shop.db.database.execute("SELECT level, number, hash, first_key, last_key FROM published.row_tree_node WHERE version = \(version) ORDER BY level, number").map { row in
            RowTree.Node(level: try row.read("level"), number: try row.read("number"), hash: try row.read(Bytea.self, "hash").bytes, firstKey: try row.read("first_key"), lastKey: try row.read("last_key"))
        }
    }

    private func leaf(_ shop: Workshop, _ version: Int) async throws -> Leaf.Release {
        let row = try await shop.db.database.execute("SELECT entry FROM daylight.ledger_pending WHERE kind = 'release' AND version = \(version)")[0]
        guard case .release(let leaf) = try Leaf(entry: row.read(Bytea.self, 0).bytes) else { throw Unexpected("another kind") }
        return leaf
    }

    private func check(_ shop: Workshop, _ version: Int) async throws {
        let expected = try await tree(shop, version), leaf = try await leaf(shop, version)
        #expect(leaf.rowTree?.size == expected.size && leaf.rowCount == expected.size)
        #expect(leaf.rowTree?.head == Workshop.hexadecimal(expected.head), "version \(version)")
        #expect(try await kept(shop, version) == expected.nodes, "version \(version)")
    }

    private func csv(_ numbers: some Sequence<Int>, _ name: String = "名") -> String {
        "code,name\n" + numbers.map { "C\(String(10_000 + $0).dropFirst()),\"\(name) \($0),\"\"\($0 % 3)\"\"\"\n" }.joined()
    }

    @Test func everyWayToAVersionMakesItsTree() async throws {
        try await Workshop.with { shop in
            // In key order: while the rows pass. In another order: when PostgreSQL has sorted them.
            try await shop.publish(csv(0..<700))
            try await shop.publish(csv((0..<600).reversed()))
            // Onto what stands: when the release has made the new state.
            try await shop.publish(csv(500..<900, "新"), .upsert)
            try await shop.publish(csv(900..<1200), .append)
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["C0901"], reason: WithdrawalTests.reason, by: shop.pusher)
            try await shop.publish("code,name\n")
            for version in [1, 2, 3, 5, 6] { try await check(shop, version) }
            #expect(try await leaf(shop, 5).rowCount == 1199)
        }
    }

    /// Pushes onto each other: the one that comes second is not the version that it was checked as.
    @Test func aTreeThatWasOvertakenIsMadeAnew() async throws {
        try await Workshop.with { shop in
            let (first, second) = (try await shop.push(csv(0..<300), .upsert), try await shop.push(csv(200..<600), .upsert))
            try await shop.release(first)
            try await shop.release(second)
            try await check(shop, 1)
            try await check(shop, 2)
            // One that was checked before there were trees.
            let third = try await shop.push(csv(0..<10))
            try await shop.db.database.execute("UPDATE daylight.push SET row_tree_head = NULL")
            try await shop.release(third)
            try await check(shop, 3)
        }
    }

    @Test func nodesGoWithWhatTheyAreOver() async throws {
        try await Workshop.with { shop in
            func count() async throws -> Int { try await shop.count("SELECT count(*) FROM daylight.row_tree_node") }
            let report = try await shop.push(csv(0..<300))
            #expect(try await count() == 2)
            _ = try await shop.publishing.review(
                report.push.id, decision: .refuse, legalBasis: "条例", note: "不宜公开", digest: report.push.digest ?? "", by: shop.reviewer)
            #expect(try await count() == 0)
            // What could only add to what stands keeps none, nor does what is only tried.
            try await shop.publish(csv(0..<300))
            _ = try await shop.push(csv(300..<301), .upsert)
            #expect(try await count() == 2)
            try await shop.publish(csv(0..<400))
            #expect(try await count() == 4)
            _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 1, reason: WithdrawalTests.reason, by: shop.pusher)
            let (gone1, left2) = (try await kept(shop, 1), try await kept(shop, 2))
            #expect(gone1.isEmpty && left2.count == 2)
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["C0001"], reason: WithdrawalTests.reason, by: shop.pusher)
            let (gone2, left3) = (try await kept(shop, 2), try await kept(shop, 3))
            #expect(gone2.isEmpty && left3.count == 2)
        }
    }

    @Test func rowsWithoutAPublicKeyHaveAHeadAndNoNodes() async throws {
        var schema = Workshop.schema
        schema.fields[0].visibility = .department
        try await Workshop.with(schema: schema) { shop in
            try await shop.publish(csv(0..<300))
            #expect(try await leaf(shop, 1).rowTree?.size == 300)
            #expect(try await kept(shop, 1).isEmpty)
        }
    }
}
