import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: SourceFiles.arePresent, Comment(rawValue: SourceFiles.absence)), .serialized)
struct RefusedFileTests {
    @Test func aWrongCharsetIsRefusedWithItsLine() async throws {
        let path = "poverty/eu_structural_funds/EL__ListOfOperations_20160513.csv.gz"
        let header = try await SourceFiles.records(path, charset: "WINDOWS-1253", delimiter: 0x3B)[0]
        try await Installation.with { site in
            try await describe(site, header, key: 4, delimiter: ";")
            let answer = try await site.push("operations", try SourceFiles.data(path), gzip: true)
            #expect(answer.status == 422)
            let problem = try answer.json()
            let finding = try #require(problem["findings"]?[0])
            #expect(finding["code"]?.string == "F100")
            // the header is Greek: its first line already is no UTF-8
            #expect(finding["line"]?.int == 1)
            #expect(try await site.reader.get("/v1/datasets/operations/data.csv").status == 404)

            // with the right charset the same file is read, quoted newlines and all
            let right = try await site.push(
                "operations", try SourceFiles.data(path), gzip: true, headers: [("Content-Type", "text/csv; charset=windows-1253")])
            #expect(right.status == 201, "\(right.text.prefix(2000))")
            // counted in the file: 2,029 records about 342 operations
            #expect(try right.json()["record_count"]?.int == 2029)
            #expect(try right.json()["row_count"]?.int == 342)
        }
    }

    @Test func raggedRowsAreRefusedWithTheirLines() async throws {
        let path = "poverty/eu_structural_funds/FI__projektilista-2007-2013_old.csv.gz"
        let records = try await SourceFiles.records(path, charset: "WINDOWS-1252")
        let ragged = records.filter { $0.count != records[0].count }.count
        #expect(ragged > 0)
        try await Installation.with { site in
            try await describe(site, records[0], key: 0, delimiter: ",")
            let answer = try await site.push(
                "operations", try SourceFiles.data(path), gzip: true, headers: [("Content-Type", "text/csv; charset=windows-1252")])
            #expect(answer.status == 422)
            let problem = try answer.json()
            // a record with a stray quote is reported for that, ragged or not
            let widths = try await site.findings(of: problem, code: "F104")
            let quotes = try await site.findings(of: problem, code: "F102") + site.findings(of: problem, code: "F103")
            #expect(widths <= ragged && widths + quotes >= ragged)
            #expect(quotes < 100)
            let number = try #require(problem["push"]?.string)
            let first = try await site.pusher.get("/v1/pushes/\(number)/findings?limit=1&code=F104").json()
            // newlines inside quotes would shift it: the file has none before its first ragged row
            let expected = (records.firstIndex { $0.count != records[0].count } ?? 0) + 1
            #expect(first["data"]?[0]?["line"]?.int == expected)
            #expect(try await site.reader.get("/v1/datasets/operations/rows").status == 404)
        }
    }

    /// Gives each column of the header a field of its own, by exact name, newlines included.
    private func describe(_ site: Installation, _ header: [String], key: Int, delimiter: String) async throws {
        let fields = header.indices.map { "c\($0)|column \($0)|text" + ($0 == key ? "|required" : "") }.joined(separator: "\n")
        try await site.describe("operations", Descriptions.own("List of operations", department: site.department, fields: fields, key: ["c\(key)"]))
        let renames = try header.enumerated().map { index, name in
            let text = String(decoding: try JSONEncoder().encode([name]), as: UTF8.self).dropFirst().dropLast()
            return #"{"kind":"rename","from":\#(text),"to":"c\#(index)"}"#
        }
        try await site.map("operations", #"{"delimiter":"\#(delimiter)","steps":[\#(renames.joined(separator: ","))],"repeats":{"keep":"first"}}"#)
    }
}
