import Catalogue
import Model
import Testing

@Suite struct CursorSealTests {
    private struct Place: Codable, Hashable {
        var at: Int
        var id: String
    }

    private let seal = CursorSeal(key: Array(repeating: 7, count: 32))
    private let place = Place(at: 12, id: "灯塔/?+=")

    @Test func whatWasSealedOpensForItsPurposeOnly() throws {
        let cursor = try seal.seal(place, for: "rows")
        #expect(try seal.open(Place.self, cursor, for: "rows") == place)
        #expect(throws: Problem.self) { try seal.open(Place.self, cursor, for: "datasets") }
        #expect(throws: Problem.self) { try CursorSeal(key: Array(repeating: 8, count: 32)).open(Place.self, cursor, for: "rows") }
    }

    @Test func aCursorIsSafeInAnAddress() throws {
        for number in 0..<200 {
            let cursor = try seal.seal(Place(at: number, id: String(repeating: "é", count: number % 7)), for: "rows")
            #expect(cursor.utf8.allSatisfy { ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D || $0 == 0x5F })
        }
    }

    @Test func noChangedCursorOpens() throws {
        let cursor = Array(try seal.seal(place, for: "rows"))
        for index in cursor.indices.dropLast() {
            var changed = cursor
            changed[index] = changed[index] == "A" ? "B" : "A"
            let problem = #expect(throws: Problem.self) { try seal.open(Place.self, String(changed), for: "rows") }
            #expect(problem?.code == .invalidCursor)
        }
        for text in ["", "x", "====", "a+b", String(repeating: "A", count: 5000), "灯塔"] {
            #expect(throws: Problem.self) { try seal.open(Place.self, text, for: "rows") }
        }
    }
}
