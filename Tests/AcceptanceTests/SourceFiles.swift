import Foundation
import TestSupport

/// The real files beside the project, which never come into it.
enum SourceFiles {
    static let folder = Project.root.deletingLastPathComponent().appending(path: "shared/data")
    static let arePresent = FileManager.default.fileExists(atPath: folder.appending(path: "SOURCES.md").path)
    static let absence = "skipped: ../shared/data does not stand here"

    static func data(_ path: String) throws -> Data { try Data(contentsOf: folder.appending(path: path)) }

    /// The text of a file, decoded by the system's `iconv` and `zcat`: not by what is tested.
    static func text(_ path: String, charset: String = "UTF-8") async throws -> String {
        let file = folder.appending(path: path).path
        let read = path.hasSuffix(".gz") ? ["zcat", file] : ["cat", file]
        return try await output(of: ["sh", "-c", "\"$0\" \"$1\" | iconv -f \"$2\" -t UTF-8", read[0], read[1], charset])
    }

    /// Paths below a folder that end in `.csv`, relative to ``folder``, sorted.
    static func csvFiles(below path: String) throws -> [String] {
        let base = folder.appending(path: path)
        let names = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".csv") }.map { path + "/" + $0 }.sorted()
    }

    /// The records of such a text, the header first.
    static func records(_ path: String, charset: String = "UTF-8", delimiter: UInt8 = 0x2C) async throws -> [[String]] {
        let text = try await text(path, charset: charset)
        return await aside { PlainCSV.records(text, delimiter: delimiter) }
    }

    private static func output(of command: [String]) async throws -> String {
        let (status, output) = try await Installation.run(command, of: URL(filePath: "/usr/bin/env"))
        guard status == 0 else { throw InstallationError(message: "\(command) failed: \(output.suffix(500))") }
        return output
    }
}

/// A CSV reader that is as plain as can be, to compute what is expected: over characters, one after the other.
enum PlainCSV {
    static func records(_ text: String, delimiter: UInt8 = 0x2C) -> [[String]] {
        var records: [[String]] = []
        var record: [String] = []
        var field: [UInt8] = []
        var quoted = false
        var bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var index = 0
        func endField() {
            record.append(String(decoding: field, as: UTF8.self))
            field.removeAll(keepingCapacity: true)
        }
        func endRecord() {
            endField()
            if record != [""] { records.append(record) }
            record = []
        }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if quoted {
                if byte == 0x22 {
                    if index < bytes.count, bytes[index] == 0x22 {
                        field.append(byte)
                        index += 1
                    } else {
                        quoted = false
                    }
                } else {
                    field.append(byte)
                }
                continue
            }
            switch byte {
            case 0x22 where field.isEmpty: quoted = true
            case delimiter: endField()
            case 0x0A: endRecord()
            case 0x0D: if index >= bytes.count || bytes[index] != 0x0A { endRecord() }
            default: field.append(byte)
            }
        }
        if !field.isEmpty || !record.isEmpty { endRecord() }
        return records
    }

    /// The sum of decimals in a column, exact; empty ones count nothing.
    static func sum(_ records: some Sequence<[String]>, _ column: Int) -> Decimal {
        records.reduce(Decimal(0)) { $1[column].isEmpty ? $0 : $0 + (Decimal(string: $1[column]) ?? .nan) }
    }
}
