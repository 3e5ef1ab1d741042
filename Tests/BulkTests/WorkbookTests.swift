import CSV
import Foundation
import Logging
import Model
import NIOCore
import Store
import TestSupport
import Testing

@testable import Bulk

@Suite struct WorkbookTests {
    /// The parts of a zip file, by name (PKWARE APPNOTE 4.3): as much of it as a workbook needs.
    private static func parts(_ bytes: [UInt8]) throws -> [String: String] {
        func number(_ place: Int, _ width: Int) -> Int { (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << ($1 * 8) } }
        let end = try #require(bytes.indices.dropLast(21).reversed().first { number($0, 4) == 0x0605_4B50 })
        var parts: [String: String] = [:]
        var entry = number(end + 16, 4)
        for _ in 0..<number(end + 10, 2) {
            #expect(number(entry, 4) == 0x0201_4B50)
            let (method, crc, size, whole, nameLength) = (number(entry + 10, 2), bytes[entry + 16..<entry + 20], number(entry + 20, 4), bytes[entry + 24..<entry + 28], number(entry + 28, 2))
            let name = String(decoding: bytes[entry + 46..<entry + 46 + nameLength], as: UTF8.self)
            let local = number(entry + 42, 4)
            let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
            #expect(method == 8)
            // Raw deflate between the head and the tail of gzip (RFC 1952).
            let gzip = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] + bytes[start..<start + size] + crc + whole
            var inflater = Inflater()
            var text: [UInt8] = [], room = [UInt8](repeating: 0, count: 64 * 1024)
            try gzip.withUnsafeBytes { bytes in try room.withUnsafeMutableBytes { room in try inflater.inflate(bytes, buffer: room) { piece in text += piece } } }
            try inflater.finish()
            parts[name] = String(decoding: text, as: UTF8.self)
            entry += 46 + nameLength + number(entry + 30, 2) + number(entry + 32, 2)
        }
        return parts
    }

    private static func field(_ name: String, _ type: FieldType) -> Field { Field(name: name, title: LocalizedText(zh: name), type: type, visibility: .public) }

    /// The sheet of one row of values.
    private static func sheet(_ values: [(FieldType, String)]) throws -> (sheet: String, styles: String, bytes: [UInt8]) {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).xlsx").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let fields = values.enumerated().map { field("f\($0)", $1.0) }
        let book = try Workbook(
            path: path, directory: FileManager.default.temporaryDirectory.path, fields: fields, created: Timestamp(microseconds: 1_700_000_000_000_000))
        book.nextRow()
        for (column, value) in values.enumerated() {
            var text = value.1
            try text.withUTF8 { try book.write(UnsafeRawBufferPointer($0), column: column) }
        }
        try book.close()
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let parts = try parts(bytes)
        return (try #require(parts["xl/worksheets/sheet1.xml"]), try #require(parts["xl/styles.xml"]), bytes)
    }

    @Test func nothingBecomesAFormulaAndNoNumberChanges() throws {
        let money = FieldType.decimal(precision: 20, scale: 2)
        let (sheet, styles, bytes) = try Self.sheet([
            (.text, "=1+1"), (.code, "007"), (money, "-12.50"), (money, "123456789012345678.25"), (.integer, "9007199254740993"), (.integer, "-5"), (.boolean, "true"),
            (.boolean, "false"), (.date, "2013-03-01"), (.datetime, "2013-03-01T00:00:00+08:00"), (.text, ""), (.text, "<a & \"b\">\u{1}\n汉"), (money, "1234567890123.40"),
        ])
        func cell(_ place: String) -> Substring? {
            guard let start = sheet.firstRange(of: "<c r=\"\(place)\"")?.lowerBound, let end = sheet[start...].firstRange(of: "</c>")?.lowerBound else { return nil }
            return sheet[start..<end]
        }
        #expect(!sheet.contains("<f>"))
        for (place, text) in [("A1", "f0"), ("A2", "=1+1"), ("B2", "007"), ("D2", "123456789012345678.25"), ("E2", "9007199254740993"), ("I2", "2013-03-01"), ("J2", "2013-03-01T00:00:00+08:00")] {
            #expect(cell(place)?.contains("t=\"inlineStr\"") == true && cell(place)?.contains(">\(text)</t>") == true, "\(place): \(cell(place) ?? "")")
        }
        for (place, value) in [("C2", "-12.5"), ("F2", "-5"), ("M2", "1234567890123.4")] {
            #expect(cell(place)?.contains("<v>\(value)</v>") == true && cell(place)?.contains("t=") == false, "\(place): \(cell(place) ?? "")")
        }
        #expect(cell("G2")?.contains("t=\"b\"><v>1</v>") == true && cell("H2")?.contains("<v>0</v>") == true)
        #expect(cell("K2") == nil)
        #expect(cell("L2")?.contains("&lt;a &amp; \"b\"&gt;_x0001_\n汉") == true, "\(cell("L2") ?? "")")
        // The digits of the field are shown, also where the last is 0.
        #expect(styles.contains("0.00"))
        #expect(try Self.sheet([(.text, "a")]).bytes == Self.sheet([(.text, "a")]).bytes, "one content, one file")
        #expect(bytes.count > 1000)
    }

    @Test func textThatLooksLikeAnEscapeIsText() throws {
        let sheet = try Self.sheet([(.text, "_x0041_ _x000D_ _x004_ _x00g0_ _x0041_x0042_"), (.text, "\u{1}"), (.text, "_x0041")]).sheet
        #expect(sheet.contains(">_x005F_x0041_ _x005F_x000D_ _x004_ _x00g0_ _x005F_x0041_x005F_x0042_</t>"), "\(sheet)")
        #expect(sheet.contains(">_x0001_</t>") && sheet.contains(">_x0041</t>"))
    }

    @Test func textThatIsLongerThanACellIsRefused() throws {
        #expect(try Self.sheet([(.text, String(repeating: "汉", count: Workbook.cellLimit))]).sheet.contains("汉汉"))
        let problem = #expect(throws: Problem.self) { try Self.sheet([(.text, String(repeating: "汉", count: Workbook.cellLimit + 1))]) }
        #expect(problem?.code == .formatUnsuitable)
    }

    @Test func aVersionIsAWorkbook() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(400))
            let store = try await db.openStore()
            let directory = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)").path
            let bulk = try Bulk(Bulk.Configuration(directory: directory), store: store, released: ReleasedDatasets(store: store), logger: Logger(label: "daylight.tests"))
            let version = try await bulk.version(of: release.dataset, number: nil)
            var bytes: [UInt8] = []
            if case .followed(let stream) = try await bulk.snapshot(version, as: .workbook) { for try await buffer in stream { bytes += buffer.readableBytesView } }
            let sheet = try #require(try Self.parts(bytes)["xl/worksheets/sheet1.xml"])
            #expect(sheet.ranges(of: "<row ").count == 401)
            #expect(sheet.contains(">L100000</t>") && !sheet.contains("<f>"))
            let kept = try #require(bulk.rendered(version, as: .workbook))
            #expect(kept.size == bytes.count)
            // Only the three files of the version are left: nothing of what the library put aside.
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            #expect(files == ["lighthouse-1-\(version.digest)-\(kept.digest).xlsx", "lighthouse-1-\(version.digest).csv"])
            await bulk.close()
            await store.close()
            try FileManager.default.removeItem(atPath: directory)
        }
    }
}
