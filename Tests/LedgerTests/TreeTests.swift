import Foundation
import Ledger
import Testing

/// Heads and proofs against the vectors of Certificate Transparency and against RFC 6962 word for word.
@Suite struct TreeTests {
    /// The inputs and heads of the tests of Certificate Transparency (google/certificate-transparency, merkle_tree_test).
    private static let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map { [UInt8](hex: $0) }
    private static let heads = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func headsAreThoseOfTheVectors() {
        #expect(TreeHash.empty.bytes.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(Frontier().head == .empty)
        var frontier = Frontier()
        for (input, head) in zip(Self.inputs, Self.heads) {
            frontier.append(.leaf(input))
            #expect(frontier.head.bytes.hex == head)
        }
    }

    @Test func proofsAreThoseOfTheVectors() {
        var forest = Forest()
        for input in Self.inputs { forest.append(.leaf(input)) }
        #expect(forest.inclusion(0, 8).map(\.bytes.hex) == [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ])
        #expect(forest.inclusion(2, 3).map(\.bytes.hex) == ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"])
        #expect(forest.consistency(6, 8).map(\.bytes.hex) == [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ])
    }

    @Test func smallTreesAgreeWithTheStandardInEverything() {
        var naive = NaiveTree(), forest = Forest(), frontier = Frontier()
        for size in 1...70 {
            naive.entries.append([UInt8(size), 7])
            forest.append(.leaf(naive.entries[size - 1]))
            frontier.append(.leaf(naive.entries[size - 1]))
            let head = NaiveTree.head(naive.entries[...])
            #expect(frontier.head.bytes == head)
            #expect(forest.head(size).bytes == head)
            for index in 0..<size { #expect(forest.inclusion(index, size).map(\.bytes) == NaiveTree.path(index, naive.entries[...])) }
            for old in 1...size { #expect(forest.consistency(old, size).map(\.bytes) == NaiveTree.proof(old, naive.entries[...], true)) }
        }
    }

    @Test func proofsOfThousandsOfLeavesHoldAndNothingElseDoes() throws {
        var dice = Dice(state: 4)
        var forest = Forest(), frontier = Frontier(), heads: [TreeHash] = [.empty]
        for _ in 0..<4000 {
            let leaf = TreeHash.leaf((0..<Int.random(in: 0..<40, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) })
            forest.append(leaf)
            frontier.append(leaf)
            heads.append(frontier.head)
        }
        for _ in 0..<3000 {
            let size = Int.random(in: 1...4000, using: &dice), index = Int.random(in: 0..<size, using: &dice), old = Int.random(in: 0...size, using: &dice)
            let leaf = forest.hash(Subtree(height: 0, index: index))
            var path = forest.inclusion(index, size)
            #expect(ProofCheck.includes(leaf, at: index, size: size, proof: path, head: heads[size]))
            #expect(!ProofCheck.includes(leaf, at: index, size: size, proof: path, head: heads[size - 1]))
            #expect(!ProofCheck.includes(.node(leaf, leaf), at: index, size: size, proof: path, head: heads[size]))
            #expect(!ProofCheck.includes(leaf, at: index, size: size, proof: path + [leaf], head: heads[size]))
            if size > 1 {
                #expect(!ProofCheck.includes(leaf, at: index ^ 1, size: size, proof: path, head: heads[size]))
                let place = Int.random(in: 0..<path.count, using: &dice)
                path[place] = .node(path[place], leaf)
                #expect(!ProofCheck.includes(leaf, at: index, size: size, proof: path, head: heads[size]))
                #expect(!ProofCheck.includes(leaf, at: index, size: size, proof: Array(path.dropLast()), head: heads[size]))
            }
            let proof = forest.consistency(old, size)
            #expect(ProofCheck.isConsistent(from: (old, heads[old]), to: (size, heads[size]), proof: proof))
            guard old > 0, old < size else { continue }
            #expect(!ProofCheck.isConsistent(from: (old, heads[old - 1]), to: (size, heads[size]), proof: proof))
            #expect(!ProofCheck.isConsistent(from: (old, heads[old]), to: (size, heads[size - 1]), proof: proof))
            #expect(!ProofCheck.isConsistent(from: (old, heads[old]), to: (size, heads[size]), proof: Array(proof.dropLast())))
            #expect(!ProofCheck.isConsistent(from: (old, heads[old]), to: (size, heads[size]), proof: proof + [leaf]))
        }
        #expect(!ProofCheck.isConsistent(from: (0, heads[1]), to: (5, heads[5]), proof: []))
        #expect(!ProofCheck.isConsistent(from: (5, heads[5]), to: (5, heads[4]), proof: []))
        #expect(!ProofCheck.isConsistent(from: (6, heads[6]), to: (5, heads[5]), proof: []))
    }

    @Test func aFrontierIsMadeAgainFromTiles() throws {
        var forest = Forest(), frontier = Frontier(), nodes: [Subtree: TreeHash] = [:]
        var dice = Dice(state: 9)
        var next = 1
        for size in 1...67_000 {
            let leaf = TreeHash.leaf([UInt8(size & 255), UInt8(size >> 8 & 255), UInt8(size >> 16)])
            forest.append(leaf)
            frontier.append(leaf) { nodes[$0] = $1 }
            guard size == next else { continue }
            next += Int.random(in: 1..<3000, using: &dice)
            let again = try #require(
                Frontier(size: size) { level in Tile.unfinished(level: level, size: size).flatMap { forest.tile($0) } ?? [] })
            #expect(again == frontier)
            #expect(again.head == forest.head(size))
            #expect(Frontier(size: size + 1) { level in Tile.unfinished(level: level, size: size).flatMap { forest.tile($0) } ?? [] } == nil)
        }
        // Every node above the leaves that tiles of a level hold, and no other.
        #expect(nodes.count == 67_000 / 256 + 1)
        for (node, hash) in nodes { #expect(hash == forest.hash(node)) }
        #expect(nodes[Subtree(height: 16, index: 0)] != nil)
    }
}
