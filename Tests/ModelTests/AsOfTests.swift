import Model
import Testing

@Suite struct AsOfTests {
    private static func read(_ parameters: (name: String, value: String)...) throws -> Timestamp? { try Timestamp.asOf(in: parameters) }

    @Test(arguments: [
        "2026-03-01T00:00:00+08:00", "2026-03-01T00:00:00 08:00", "2026-02-28T16:00:00Z", "2026-02-28T11:00:00-05:00", "2026-02-28t16:00:00.000000z",
    ]) func everySpellingOfAnInstantIsThatInstant(text: String) throws {
        #expect(try Self.read((name: "as_of", value: text))?.description == "2026-03-01T00:00:00+08:00")
    }

    @Test(arguments: ["", "2026-03-01", "2026-03-01T00:00:00", "yesterday", "2026-02-30T00:00:00Z", "2026-03-01T00:00:00 +08:00", "1"])
    func whatIsNoTimeWithOffsetIsRefused(text: String) {
        #expect { try Self.read((name: "as_of", value: text)) } throws: { error in
            let problem = error as? Problem
            return problem?.code == .invalidParameter && problem?.places.map(\.place) == ["as_of"]
        }
    }

    @Test func itStandsAloneAndOnce() throws {
        let good = "2026-03-01T00:00:00+08:00"
        #expect(try Self.read() == nil)
        #expect(try Self.read((name: "version", value: "3")) == nil)
        #expect(throws: Problem.self) { try Self.read((name: "as_of", value: good), (name: "version", value: "1")) }
        #expect(throws: Problem.self) { try Self.read((name: "as_of", value: good), (name: "as_of", value: good)) }
    }
}
