import Copies
import Crypto
import Foundation
import Model
import NIOCore

/// Deliveries as a server makes them: the state of a version, or what changed between two.
enum Deliveries {
    static let key = [KeyField(name: "code", isNumber: false), KeyField(name: "number", isNumber: true)]
    static let header = "code,number,name,height"

    /// Versions from 1 on, each row by its key, in the order of the keys; numbers are ordered by size, values have quotes, commas and line ends in them.
    static let versions: [[Row]] = [
        [Row("A", -10, #""say ""hi"", twice""#, "1.50"), Row("A", 2, "plain", ""), Row("A", 10, "\"two\nlines\"", "3.00"), Row("\"b,c\"", 1, "", "4.00")],
        [Row("A", -10, #""say ""hi"", twice""#, "1.50"), Row("A", 3, "added", "9.00"), Row("A", 10, "changed", "3.00"), Row("\"b,c\"", 1, "", "4.00"), Row("c", 0, "last", "")],
        [Row("A", 3, "added", "9.00"), Row("c", 0, "last", "5.00")],
        [],
        [Row("A", -100, "first", ""), Row("A", -11, "second", "0.01"), Row("zebra", 12345678901, "\"\"", "")],
    ]

    struct Row: Equatable {
        let code: String
        let number: Int
        let rest: [String]

        init(_ code: String, _ number: Int, _ rest: String...) { (self.code, self.number, self.rest) = (code, number, rest) }

        var key: String { "\(code),\(number)" }
        var line: String { ([code, String(number)] + rest).joined(separator: ",") }
        var plainCode: String { code.hasPrefix("\"") ? String(code.dropFirst().dropLast()) : code }

        static func precedes(_ a: Row, _ b: Row) -> Bool { a.plainCode == b.plainCode ? a.number < b.number : Array(a.plainCode.utf8).lexicographicallyPrecedes(Array(b.plainCode.utf8)) }
    }

    /// The CSV of a version.
    static func state(_ version: Int) -> String { ([header] + versions[version - 1].map(\.line)).map { $0 + "\n" }.joined() }

    /// What changed; everything where it begins at 0.
    static func changes(_ from: Int, _ to: Int) -> String {
        let old = versions[from - 1], new = versions[to - 1]
        var lines: [(Row, String)] = []
        for row in new {
            guard let before = old.first(where: { $0.key == row.key }) else {
                lines.append((row, "added,\(row.line)"))
                continue
            }
            if before != row { lines.append((row, "changed,\(row.line)")) }
        }
        for row in old where !new.contains(where: { $0.key == row.key }) { lines.append((row, "removed,\(row.key),,")) }
        return (["_change,\(header)"] + lines.sorted { Row.precedes($0.0, $1.0) }.map(\.1)).map { $0 + "\n" }.joined()
    }

    static func incoming(_ from: Int, _ to: Int, types: [String: ColumnType] = [:]) -> Incoming {
        Incoming(grant: "grant", dataset: "lighthouse", delivery: "delivery-\(from)-\(to)", fromVersion: from, toVersion: to, key: key, types: types)
    }

    static func receipt(_ incoming: Incoming, _ arrival: Arrival) -> ReceiptStatement {
        ReceiptStatement(
            grant: incoming.grant, delivery: incoming.delivery, dataset: incoming.dataset, fromVersion: incoming.fromVersion, toVersion: incoming.toVersion, digest: arrival.digest,
            rowCount: arrival.rows, receivedAt: Timestamp(microseconds: 0))
    }

    /// Hands a delivery to a copy, in small pieces.
    static func give(_ from: Int, _ to: Int, to copy: some LocalCopy, types: [String: ColumnType] = [:], breaking isBroken: Bool = false) async throws {
        let text = from == 0 ? state(to) : changes(from, to), incoming = incoming(from, to, types: types)
        try await copy.take(incoming, Pieces(text: text, isBroken: isBroken)) { arrival in
            guard arrival.digest == SHA256.hash(data: Data(text.utf8)).map({ String(format: "%02x", $0) }).joined() else { throw Broken() }
            return receipt(incoming, arrival)
        }
    }

    struct Broken: Error {}

    struct Pieces: AsyncSequence, Sendable {
        typealias Element = ByteBuffer

        let text: String
        let isBroken: Bool

        struct AsyncIterator: AsyncIteratorProtocol {
            var rest: Substring.UTF8View
            let isBroken: Bool

            mutating func next() async throws -> ByteBuffer? {
                guard !rest.isEmpty else { return nil }
                if isBroken, rest.count < 20 { throw Broken() }
                let piece = rest.prefix(7)
                rest = rest.dropFirst(7)
                return ByteBuffer(bytes: piece)
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: Substring(text).utf8, isBroken: isBroken) }
    }
}
