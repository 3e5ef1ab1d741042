import NIOCore
@testable import Store
import Testing

struct HandoffTests {
    private struct Broken: Error {}

    private func all(_ handoff: Handoff) async throws -> [String] {
        var texts: [String] = []
        while let buffer = try await handoff.next() { texts.append(String(buffer: buffer)) }
        return texts
    }

    @Test func whatStandsBeforeTheRowsComesWithTheFirst() async throws {
        let handoff = Handoff(opening: ByteBuffer(string: "id\n"))
        try await handoff.send(ByteBuffer(string: "1\n"))
        try await handoff.send(ByteBuffer(string: "2\n"))
        handoff.end(.success(nil))
        #expect(try await all(handoff) == ["id\n", "1\n", "2\n"])
    }

    @Test func aReaderThatWaitsGetsItBeforeTheFirst() async throws {
        let handoff = Handoff(opening: ByteBuffer(string: "id\n"))
        let texts = Task { try await all(handoff) }
        try await Task.sleep(for: .milliseconds(20))
        try await handoff.send(ByteBuffer(string: "1\n"))
        handoff.end(.success(nil))
        #expect(try await texts.value == ["id\n", "1\n"])
    }

    @Test func itStandsByItselfWhereThereAreNoRows() async throws {
        let handoff = Handoff(opening: ByteBuffer(string: "id\n"))
        handoff.end(.success(nil))
        #expect(try await all(handoff) == ["id\n"])
        let waiting = Handoff(opening: ByteBuffer(string: "id\n"))
        let texts = Task { try await all(waiting) }
        try await Task.sleep(for: .milliseconds(20))
        waiting.end(.success(nil))
        #expect(try await texts.value == ["id\n"])
    }

    @Test func aFailureBeforeTheFirstRowIsToldByItself() async throws {
        let handoff = Handoff(opening: ByteBuffer(string: "id\n"))
        handoff.end(.failure(Broken()))
        await #expect(throws: Broken.self) { try await handoff.next() }
    }

    @Test(arguments: ["id\n", ""]) func nobodyWaitsForTheFirstRowOnceItIsOpen(opening: String) async throws {
        let handoff = Handoff(opening: ByteBuffer(string: opening))
        let first = Task { try await handoff.next() }
        try await Task.sleep(for: .milliseconds(20))
        handoff.open()
        #expect(try await first.value == ByteBuffer(string: opening))
        handoff.open()
        try await handoff.send(ByteBuffer(string: "1\n"))
        #expect(try await handoff.next() == ByteBuffer(string: "1\n"))
        handoff.end(.failure(Broken()))
        await #expect(throws: Broken.self) { try await handoff.next() }
        // The reader may come later than that.
        let early = Handoff(opening: ByteBuffer(string: opening))
        early.open()
        #expect(try await early.next() == ByteBuffer(string: opening))
        early.end(.success(nil))
        #expect(try await early.next() == nil)
    }
}
