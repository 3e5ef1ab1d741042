import Crypto
import Foundation
import Ledger
import Model
import NIOCore
import Store

@testable import Publishing

/// What an intake made of a file.
struct IntakeOutcome: Equatable {
    /// Each row's columns, `_line` first, as PostgreSQL would read them; nil is null.
    var rows: [[String?]] = []
    var copy: [UInt8] = []
    var findings: [Finding] = []
    var rejected: [RejectedRecord] = []
    var counts: [FindingCount] = []
    var recordCount = 0
    var rowCount = 0
    var rejectedCount = 0
    var isInKeyOrder = false
    var isFatal = false
    var digest: String?
    var canonicalBytes: Int?

    /// `code line field value` of each finding.
    var told: [String] {
        findings.map { finding in
            let parts: [String?] = [finding.code.rawValue, finding.line.map { String($0) }, finding.field, finding.value]
            return parts.compactMap { $0 }.joined(separator: " ")
        }
    }

    /// The values of a column by its place in the schema.
    func column(_ index: Int) -> [String?] { rows.map { $0[index + 1] } }
}

/// Reads a file as a push would.
///
/// - Parameters:
///   - cuts: lengths of the chunks, over and over; nil is all at once.
func read(
    _ bytes: [UInt8], _ schema: TableSchema, _ mapping: Mapping? = nil, charset: String? = nil, isCompressed: Bool = false, keepsRecords: Bool = false,
    findingLimit: Int = 10_000, cuts: [Int]? = nil
) throws -> IntakeOutcome {
    let intake = try Intake(
        Intake.Settings(
            schema: schema, mapping: mapping, charset: charset, isCompressed: isCompressed, keepsRecords: keepsRecords, findingLimit: findingLimit))
    var outcome = IntakeOutcome()
    func fetch() {
        if let rows = intake.takeRows() { outcome.copy += Array(rows.readableBytesView) }
        outcome.findings += intake.takeFindings()
        outcome.rejected += intake.takeRejected()
    }
    var (place, turn) = (0, 0)
    while place < bytes.count {
        let length = min(max(cuts.map { $0[turn % $0.count] } ?? bytes.count, 1), bytes.count - place)
        let goesOn = intake.take(ByteBuffer(bytes: bytes[place..<place + length]))
        fetch()
        if !goesOn { break }
        place += length
        turn += 1
    }
    intake.finish()
    fetch()
    outcome.rows = unescaped(outcome.copy)
    outcome.counts = intake.counts
    (outcome.recordCount, outcome.rowCount, outcome.rejectedCount) = (intake.recordCount, intake.rowCount, intake.rejectedCount)
    (outcome.isInKeyOrder, outcome.isFatal) = (intake.isInKeyOrder, intake.isFatal)
    (outcome.digest, outcome.canonicalBytes) = (intake.canonical?.digest, intake.canonical?.bytes)
    return outcome
}

func read(_ text: String, _ schema: TableSchema, _ mapping: String? = nil, keepsRecords: Bool = false, cuts: [Int]? = nil) throws -> IntakeOutcome {
    try read(Array(text.utf8), schema, try mapping.map(Mapping.of), keepsRecords: keepsRecords, cuts: cuts)
}

/// Takes COPY text apart the plain way.
private func unescaped(_ copy: [UInt8]) -> [[String?]] {
    copy.split(separator: 0x0A, omittingEmptySubsequences: true).map { line in
        line.split(separator: 0x09, omittingEmptySubsequences: false).map { column in
            if column.elementsEqual([0x5C, 0x4E]) { return nil }
            var bytes: [UInt8] = []
            var isEscape = false
            for byte in column {
                if isEscape {
                    bytes.append(byte == 0x74 ? 0x09 : byte == 0x6E ? 0x0A : byte == 0x72 ? 0x0D : byte)
                    isEscape = false
                } else if byte == 0x5C {
                    isEscape = true
                } else {
                    bytes.append(byte)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension Mapping {
    static func of(_ json: String) throws -> Mapping { try JSON.decoder().decode(Mapping.self, from: Data(json.utf8)) }

    /// One step in JSON.
    static func step(_ json: String) -> String { #"{"steps":[\#(json)]}"# }
}

extension TableSchema {
    /// - Parameters:
    ///   - fields: a line for each: name, Chinese title, type, then any of `required`, `private`, `mask`, `alias=…`.
    ///   - key: the first field where it is empty.
    static func of(_ fields: String, key: [String] = [], checks: [Check] = []) -> TableSchema {
        let fields = fields.split(separator: "\n").map { line in
            let parts = line.split(separator: "|").map { String($0) }
            var field = Field(
                name: parts[0], title: LocalizedText(zh: parts[1], en: parts[0] + " in English"), type: FieldType(parts[2]) ?? .text, visibility: .public)
            for word in parts.dropFirst(3) {
                switch word {
                case "required": field.required = true
                case "private": field.visibility = .private
                case "mask": field.mask = .lastFour
                default: field.aliases.append(String(word.dropFirst("alias=".count)))
                }
            }
            return field
        }
        return TableSchema(fields: fields, primaryKey: key.isEmpty ? [fields[0].name] : key, checks: checks)
    }
}

extension Sequence<UInt8> {
    var sha256: String { SHA256.hash(data: Array(self)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
