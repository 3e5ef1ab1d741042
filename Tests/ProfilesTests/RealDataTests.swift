import Foundation
import Model
import Profiles
import Testing

/// Values as departments really publish them, held against the shipped profiles.
@Suite struct RealDataTests {
    private let data = projectDirectory.deletingLastPathComponent().appending(path: "shared/data/environment")

    private func isThere(_ folder: URL) -> Bool {
        if FileManager.default.fileExists(atPath: folder.path) { return true }
        print("skipped: \(folder.lastPathComponent) is not there")
        return false
    }

    /// Reads one value and counts what is refused.
    private func canonical(_ value: String, _ check: ValueCheck, _ refused: inout [String: Int]) -> [UInt8] {
        var sink = ByteSink()
        if let code = Array(value.utf8).withUnsafeBytes({ check.check($0, into: &sink) }) { refused["\(code): \(value)", default: 0] += 1 }
        return sink.bytes
    }

    @Test func surfaceWaterFitsAndItsClassesFollowFromItsValues() throws {
        let folder = data.appending(path: "cn_surface_water/by_station_2021-04")
        guard isThere(folder) else { return }
        let schema = try Profile(json: json("schema/profiles/water-samples.json")).schema
        let checks = schema.fields.map { ValueCheck($0, defaultOffset: 480) }
        let formula = try #require(schema.derivations.first)
        let target = try #require(schema.fields.firstIndex { $0.name == "water_class" })
        var refused: [String: Int] = [:]
        var (rows, computed, agreed) = (0, 0, 0)
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)).compactMap { $0 as? URL }.filter { $0.pathExtension == "csv" }
        for file in files {
            let lines = try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline)
            let header = try #require(lines.first).split(separator: ",").map { String($0).replacing("\u{FEFF}", with: "") }
            let columns = header.map { name in schema.fields.firstIndex { $0.name == name || $0.title.zh == name || $0.aliases.contains(name) } }
            #expect(columns.allSatisfy { $0 != nil }, "every column is known by name, title or alias")
            for line in lines.dropFirst() {
                rows += 1
                var row = [[UInt8]](repeating: [], count: schema.fields.count)
                for (column, cell) in zip(columns, line.split(separator: ",", omittingEmptySubsequences: false)) {
                    guard let column, cell != "*", cell != "--" else { continue }
                    let value = schema.fields[column].type == .datetime ? "2021-" + cell : String(cell)
                    row[column] = canonical(value, checks[column], &refused)
                }
                withSlices(row) { slices in
                    let results = formula.results { slices[$0] }
                    if results.isEmpty || slices[target].isEmpty { return }
                    computed += 1
                    if results.allSatisfy({ Derivation.agrees(slices[$0.field], with: $0) }) { agreed += 1 }
                }
            }
        }
        #expect(rows == 24_156)
        #expect(refused.isEmpty, "\(refused.prefix(10))")
        #expect(computed > 5_000, "rows whose class is the same for rivers and lakes")
        #expect(Double(agreed) / Double(computed) > 0.98, "\(agreed) of \(computed) published classes are what the standard gives")
    }

    @Test func anHourOfBeijingFits() throws {
        let file = data.appending(path: "beijing_prsa/PRSA_Data_Dongsi_20130301-20170228.csv.gz")
        guard isThere(file) else { return }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let schema = try Profile(json: json("schema/profiles/air-hourly.json")).schema
        let names = ["PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3", "RAIN": "precipitation", "wd": "wind_direction", "WSPM": "wind_speed", "DEWP": "dew_point"]
        let lines = text.split(whereSeparator: \.isNewline)
        let header = try #require(lines.first).split(separator: ",").map { String($0).replacing("\"", with: "") }
        let checks = Dictionary(uniqueKeysWithValues: schema.fields.map { ($0.name, ValueCheck($0)) })
        var refused: [String: Int] = [:]
        var count = 0
        for line in lines.dropFirst() {
            for (column, cell) in zip(header, line.split(separator: ",", omittingEmptySubsequences: false)) where cell != "NA" {
                guard let name = names[column], let check = checks[name] else { continue }
                // What the mapping's `number` step with power −3 does to CO.
                _ = canonical(cell.replacing("\"", with: "") + (column == "CO" ? "e-3" : ""), check, &refused)
                count += 1
            }
        }
        #expect(lines.count == 35_065)
        #expect(count > 300_000)
        #expect(refused.isEmpty, "\(refused.prefix(10))")
    }
}
