import Foundation
import Ledger
import Testing

/// Tiles by the specification: their addresses, and a reader that knows nothing but the specification.
@Suite struct TileTests {
    @Test func addressesAreSpelledAsTheSpecificationSays() {
        #expect(Tile(.hashes(level: 0), index: 1_234_067).path == "tile/0/x001/x234/067")
        #expect(Tile(.hashes(level: 3), index: 0, width: 8).path == "tile/3/000.p/8")
        #expect(Tile(.entries, index: 999).path == "tile/entries/999")
        #expect(Tile(.entries, index: 1000, width: 255).path == "tile/entries/x001/000.p/255")
    }

    @Test func addressesAreReadBackAndOthersAreNone() throws {
        var dice = Dice(state: 1)
        for _ in 0..<2000 {
            let level = Int.random(in: 0...63, using: &dice), index = Int.random(in: 0..<(1 << Int.random(in: 1...53, using: &dice)), using: &dice)
            let tile = Tile(Bool.random(using: &dice) ? .entries : .hashes(level: level), index: index, width: Int.random(in: 1...256, using: &dice))
            #expect(Tile(path: tile.path.dropFirst("tile/".count)) == tile)
        }
        for path in [
            "", "0", "0/", "0/0", "0/00", "0/0000", "0/x000/001", "0/001/002", "0/x001/x002", "0/x01/002", "64/000", "00/000", "-1/000", "+1/000", "a/000", "entries/",
            "0/000.p", "0/000.p/", "0/000.p/0", "0/000.p/256", "0/000.p/08", "0/000.p/-1", "0/.p/1", "0/000/", "0//000", "/0/000", "0/000.p/1/2", "0/٠٠٠", "0/1234567/000",
            "0/x001/x001/x001/x001/x001/x001/001",
        ] { #expect(Tile(path: path) == nil, "\(path)") }
    }

    @Test func aTreeHasTheTilesThatTheSpecificationCounts() {
        // The specification's own example: 70,000 leaves.
        func has(_ level: Int, _ index: Int, _ width: Int = 256) -> Bool { Tile(.hashes(level: level), index: index, width: width).isWithin(size: 70_000) }
        #expect(has(0, 272) && !has(0, 273) && has(0, 273, 112) && !has(0, 273, 113))
        #expect(has(1, 0) && has(1, 1, 17) && !has(1, 1, 18))
        #expect(has(2, 0, 1) && !has(2, 0, 2) && !has(3, 0, 1) && !has(63, 0, 1))
        #expect((0..<3).map { Tile.unfinished(level: $0, size: 70_000)?.width } == [112, 17, 1])
        #expect(Tile.levels(size: 70_000) == 3)
        #expect(Tile.unfinished(level: 0, size: 256) == nil)
        #expect(Tile.unfinished(level: 1, size: 256) == Tile(.hashes(level: 1), index: 0, width: 1))
        #expect([0, 1, 255, 256, 65_535, 65_536].map(Tile.levels) == [0, 1, 1, 2, 2, 3])
        #expect(!Tile(.hashes(level: 0), index: .max).isWithin(size: .max))
    }

    @Test func bundlesAreReadBackAndCutOnesAreNot() {
        var dice = Dice(state: 3)
        let entries = (0..<256).map { _ in (0..<Int.random(in: 0..<700, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) } } + [[UInt8](repeating: 1, count: 65535)]
        let bundle = EntryBundle.encode(entries)
        #expect(EntryBundle.decode(bundle) == entries)
        #expect(EntryBundle.decode(Array(bundle.dropLast())) == nil)
        #expect(EntryBundle.decode([0]) == nil)
        #expect(EntryBundle.decode([])?.isEmpty == true)
    }

    /// Computes the head of a log from its tiles alone, by the formula of the specification, fetching by address.
    private static func head(size: Int, fetch: (String) -> [UInt8]?) -> [UInt8]? {
        // Every hash that stands in a level's tiles; the highest level's and what is left over make the head.
        var rest: [(count: Int, hashes: [[UInt8]])] = []
        var level = 0
        while size >> (8 * level) > 0 {
            let count = size >> (8 * level), full = count / 256, width = count % 256
            if width > 0 {
                let n = String(format: "%03d", full % 1000), path = full >= 1000 ? "x\(String(format: "%03d", full / 1000))/\(n)" : n
                guard let bytes = fetch("tile/\(level)/\(path).p/\(width)"), bytes.count == 32 * width else { return nil }
                rest.append((level, stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<$0 + 32]) }))
            }
            // A full tile's own hash must stand in the level above.
            for index in 0..<full {
                let n = String(format: "%03d", index % 1000), path = index >= 1000 ? "x\(String(format: "%03d", index / 1000))/\(n)" : n
                guard let bytes = fetch("tile/\(level)/\(path)"), bytes.count == 8192 else { return nil }
                var row = stride(from: 0, to: 8192, by: 32).map { Array(bytes[$0..<$0 + 32]) }
                while row.count > 1 { row = stride(from: 0, to: row.count, by: 2).map { NaiveTree.hash([1] + row[$0] + row[$0 + 1]) } }
                let above = index / 256, place = index % 256, widest = min(256, full - above * 256)
                let up = fetch(widest == 256 ? "tile/\(level + 1)/\(String(format: "%03d", above))" : "tile/\(level + 1)/\(String(format: "%03d", above)).p/\(widest)")
                guard let up, Array(up[(place * 32)..<(place * 32 + 32)]) == row[0] else { return nil }
            }
            level += 1
        }
        // Peaks from left to right: the highest level's hashes first, each group folded as a tree of its own size.
        var peaks: [[UInt8]] = []
        for (_, hashes) in rest.reversed() {
            var start = 0
            while start < hashes.count {
                var width = 1
                while width * 2 <= hashes.count - start { width *= 2 }
                var row = Array(hashes[start..<start + width])
                while row.count > 1 { row = stride(from: 0, to: row.count, by: 2).map { NaiveTree.hash([1] + row[$0] + row[$0 + 1]) } }
                peaks.append(row[0])
                start += width
            }
        }
        guard var head = peaks.popLast() else { return NaiveTree.hash([]) }
        while let peak = peaks.popLast() { head = NaiveTree.hash([1] + peak + head) }
        return head
    }

    @Test func aReaderOfTilesFindsTheHead() throws {
        var forest = Forest()
        for size in 1...66_000 {
            forest.append(.leaf(Array(String(size).utf8)))
            guard [1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 66_000].contains(size) else { continue }
            let head = Self.head(size: size) { path in
                Tile(path: path.dropFirst("tile/".count)).flatMap { forest.tile($0) }.map { $0.flatMap(\.bytes) }
            }
            #expect(head == forest.head(size).bytes, "\(size)")
        }
    }
}
