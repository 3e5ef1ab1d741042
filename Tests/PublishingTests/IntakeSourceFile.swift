import Foundation
import TestSupport

/// A real file beside the project, read by the system's own tools and taken apart the plain way: what the intake is held against.
struct IntakeSourceFile: Sendable {
    static let folder = Project.root.deletingLastPathComponent().appending(path: "shared/data")
    static let arePresent = FileManager.default.fileExists(atPath: folder.appending(path: "SOURCES.md").path)
    static let absence = "skipped: ../shared/data does not stand here"

    let path: String
    let charset: String

    init(_ path: String, charset: String = "UTF-8") {
        (self.path, self.charset) = (path, charset)
    }

    var bytes: [UInt8] { get throws { Array(try Data(contentsOf: Self.folder.appending(path: path))) } }

    /// Records as strings, decoded by `iconv`; the header is the first.
    func records(delimiter: Character = ",") throws -> [[String]] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let reader = path.hasSuffix(".gz") ? "zcat" : "cat"
        process.arguments = ["-c", "\(reader) \"$0\" | iconv -f \"$1\" -t UTF-8", Self.folder.appending(path: path).path, charset]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Self.records(String(decoding: data, as: UTF8.self).unicodeScalars, delimiter.unicodeScalars.first ?? ",")
    }

    /// Paths of the CSV files below a folder, sorted.
    static func csvFiles(below path: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder.appending(path: path).path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".csv") }.map { path + "/" + $0 }.sorted()
    }

    /// Stands in a value after a quote that may not be there: in the middle of an unquoted value, or closed before the value's end.
    static let strayMark: Unicode.Scalar = "\u{FFFF}"

    private static func records(_ text: String.UnicodeScalarView, _ delimiter: Unicode.Scalar) -> [[String]] {
        var records: [[String]] = []
        var record: [String] = []
        var field = String.UnicodeScalarView()
        var isQuoted = false
        var wasQuoted = false
        var justLeft = false
        for scalar in text where scalar != "\u{FEFF}" {
            defer { justLeft = scalar == "\"" && wasQuoted && !isQuoted }
            if scalar == "\"", isQuoted || wasQuoted || field.isEmpty {
                // A quote inside quotes is written twice: that leaves them and enters them again.
                if justLeft { field.append(scalar) }
                isQuoted.toggle()
                wasQuoted = true
            } else if isQuoted {
                field.append(scalar)
            } else if scalar == delimiter || scalar == "\n" {
                record.append(String(field))
                field = String.UnicodeScalarView()
                wasQuoted = false
                if scalar == delimiter { continue }
                if record != [""] { records.append(record) }
                record = []
            } else if scalar != "\r" {
                field.append(scalar)
                if wasQuoted || scalar == "\"" { field.append(strayMark) }
            }
        }
        if !record.isEmpty || !field.isEmpty { records.append(record + [String(field)]) }
        return records
    }
}
