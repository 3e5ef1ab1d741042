import Foundation
import Model
import Testing

@testable import Ledger

/// The tree over rows against the standard, word for word, and the text of a row's proof.
@Suite struct RowTreeTests {
    private static func record(_ number: Int) -> [UInt8] { Array("\(number),\"第 \(number) 行\n\",\(number % 7).50\n".utf8) }

    private static func build(_ records: [[UInt8]]) -> RowTree {
        var builder = RowTreeBuilder(keyPlaces: [0])
        for record in records { record.withUnsafeBytes { builder.add($0) } }
        return builder.finish(last: records.last ?? [])
    }

    @Test(arguments: [0, 1, 2, 3, 5, 255, 256, 257, 300, 511, 512, 513, 1000, 1023, 1024])
    func itsHeadIsTheStandards(_ size: Int) throws {
        let records = (0..<size).map(Self.record), tree = Self.build(records)
        #expect(tree.size == size)
        #expect(tree.head == NaiveTree.head(records[...]))
        #expect(tree.nodes.map(\.number) == Array(0..<(size + 255) / 256))
        #expect(tree.nodes.map(\.firstKey) == (0..<(size + 255) / 256).map { [String($0 * 256)] })
        #expect(tree.nodes.map(\.lastKey) == tree.nodes.dropLast().map { _ in nil } + tree.nodes.suffix(1).map { _ in [String(size - 1)] })
        #expect(RowTree.levels(size: size) == (size == 0 ? 0 : 1))
        for node in tree.nodes {
            #expect(node.hash == NaiveTree.head(records[(node.number * 256)..<min(size, node.number * 256 + 256)]))
        }
    }

    /// More than 256 blocks: the way goes through two levels of nodes.
    @Test(arguments: [65_537, 66_000]) func aRowsWayIsThatOfItsBlockAndOfTheNodesAbove(_ size: Int) throws {
        let records = (0..<size).map(Self.record), tree = Self.build(records)
        #expect(RowTree.levels(size: size) == 2 && Set(tree.nodes.map(\.level)) == [1, 2])
        #expect(tree.head == NaiveTree.head(records[...]))
        func hashes(_ level: Int, below parent: Int) -> [TreeHash] {
            tree.nodes.filter { $0.level == level && $0.number / 256 == parent }.compactMap { TreeHash($0.hash) }
        }
        for index in [0, 255, 256, 40_000, 65_535, 65_536, size - 1] {
            let block = index / 256
            let path =
                TreeHash.path(to: index % 256, in: records[(block * 256)..<min(size, block * 256 + 256)].map { .leaf($0) })
                + TreeHash.path(to: block % 256, in: hashes(1, below: block / 256)) + TreeHash.path(to: block / 256, in: hashes(2, below: 0))
            #expect(path.map(\.bytes) == NaiveTree.path(index, records[...]))
            #expect(ProofCheck.includes(.leaf(records[index]), at: index, size: size, proof: path, head: try #require(TreeHash(tree.head))))
        }
    }

    @Test func withoutAPublicKeyThereIsAHeadAndNoNodes() {
        var builder = RowTreeBuilder()
        Self.record(1).withUnsafeBytes { builder.add($0) }
        let tree = builder.finish(last: Self.record(1))
        #expect(tree.nodes.isEmpty && tree.head == NaiveTree.head([Self.record(1)][...]))
    }

    @Test func recordsEndOutsideQuotes() {
        let records = ["a,b\n", "\"x\ny\",\"\"\"\n\"\n", ",\n", "\"\"\n", "\"a,\"\"b\"\"\",中\n", "\"\\.\"\n"]
        var found: [String] = []
        let rest = Array((records.joined() + "\"cut\n").utf8).withUnsafeBytes { bytes in
            CanonicalRecords.forEach(in: bytes) { found.append(String(decoding: $0, as: UTF8.self)) }
        }
        #expect(found == records && rest == 5)
        #expect(records.map { CanonicalRecords.values(of: $0.utf8) } == [["a", "b"], ["x\ny", "\"\n"], ["", ""], [""], ["a,\"b\"", "中"], ["\\."]])
    }

    @Test func aProofIsReadBackAndNothingElseIs() throws {
        let signer = try #require(NoteSigner(name: "test.example/ledger", seed: Array(1...32)))
        let records = (0..<700).map(Self.record), tree = Self.build(records)
        let checkpoint = Checkpoint(origin: "test.example/ledger", size: 1, head: .leaf([1]))
        let release = InclusionProof(extra: [1], index: 0, path: [], checkpoint: try signer.sign(checkpoint.text))
        let path = NaiveTree.path(300, records[...]).compactMap { TreeHash($0) }
        let proof = RowProof(record: records[300], index: 300, path: path, release: release), text = proof.description
        #expect(RowProof(text) == proof)
        let head = Leaf.Release.RowTree(head: HexDigest.hexadecimal(tree.head), size: 700)
        #expect(proof.leads(to: head))
        #expect(!RowProof(record: records[301], index: 300, path: path, release: release).leads(to: head))
        #expect(!RowProof(record: records[300], index: 301, path: path, release: release).leads(to: head))
        #expect(!proof.leads(to: .init(head: head.head, size: 300)))
        #expect(!proof.leads(to: .init(head: head.head.uppercased(), size: 700)))
        for (old, new) in [
            ("daylight-row-proof/1", "daylight-row-proof/2"), ("record ", "row "), ("index 300", "index 0300"), ("index 300", "index -1"), ("\n\nc2sp", "\nc2sp"), ("index 300\n", ""),
            ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ] {
            #expect(RowProof(text.replacing(old, with: new)) == nil, "\(old) → \(new)")
        }
    }
}
