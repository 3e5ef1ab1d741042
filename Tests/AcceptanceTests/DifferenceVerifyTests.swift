import Foundation
import TestSupport
import Testing

/// A stranger with an older file, a difference and two proofs, against the built server.
@Suite struct DifferenceVerifyTests {
    private static let fields = """
        number|序号|integer|required
        name|名称|text|
        code|编码|code|required
        amount|金额|decimal(10,2)|
        open|开放|boolean|
        at|时间|datetime|
        """

    @Test func aDifferenceIsProvenOfflineAndAnythingElseIsNot() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-difference-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appending(path: name).path }
        func keep(_ name: String, _ content: Data) throws { try content.write(to: folder.appending(path: name)) }
        try await Installation.with(environment: ["DAYLIGHT_LEDGER_NAME": "test.example/ledger"]) { site in
            // Numbers order otherwise than their text, and the key's fields otherwise than the columns.
            try await site.describe("lines", Descriptions.own("差异", department: site.department, fields: Self.fields, key: ["code", "number"]))
            var rows = (-20..<120).map { "\($0),名\($0),\($0 % 3 == 0 ? "甲" : "a"),\($0).50,true,2026-03-01T08:00:00+08:00" }
            for version in 1...3 {
                try await site.publish("lines", Data(("number,name,code,amount,open,at\n" + rows.joined(separator: "\n") + "\n").utf8))
                try keep("data\(version)", try await site.reader.get("/v1/datasets/lines/versions/\(version)/data.csv").body)
                try keep("proof\(version)", try await site.reader.get("/v1/datasets/lines/versions/\(version)/proof").body)
                rows.removeAll { $0.hasPrefix("\(version * 7),") || $0.hasPrefix("-\(version),") }
                rows = rows.map { $0.hasPrefix("1\(version),") ? "1\(version),\"改,\"\"名\"\"\n\",a,,false," : $0 }
                rows += ["\(200 + version),,a,1.00,,", "\(-200 - version),\"\",b,,,", "\(9 + version * 1000),x,a,2.00,,"]
            }
            try keep("key", try await site.reader.get("/ledger/key").body)
            for (from, to) in [(1, 2), (2, 3), (1, 3), (3, 3)] {
                try keep("diff\(from)\(to)", try await site.reader.get("/v1/datasets/lines/diff.csv?from=\(from)&to=\(to)").body)
            }
            func verify(_ difference: String, _ from: String, _ fromProof: Int, _ toProof: Int) async throws -> (status: Int32, output: String) {
                try await Installation.run(
                    ["verify", "--difference", path(difference), "--from", path(from), "--from-proof", path("proof\(fromProof)"), "--to-proof", path("proof\(toProof)"), "--key", path("key")],
                    environment: ["LC_ALL": "C"])
            }
            for (from, to) in [(1, 2), (2, 3), (1, 3), (3, 3)] {
                let proven = try await verify("diff\(from)\(to)", "data\(from)", from, to)
                #expect(proven.status == 0 && proven.output.contains("all that differs between versions \(from) and \(to) of lines"), "\(proven.output)")
            }
            #expect(try await verify("diff12", "data1", 1, 3).status == 1, "another version")
            #expect(try await verify("diff23", "data1", 1, 3).status == 1, "another difference")
            #expect(try await verify("diff12", "data2", 1, 2).status == 1, "another file")
            let text = try String(contentsOfFile: path("diff12"), encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            try keep("less", Data((lines.prefix(1) + lines.dropFirst(2)).joined(separator: "\n").utf8))
            #expect(try await verify("less", "data1", 1, 2).status == 1, "a row left out")
            try keep("other", Data(text.replacing("1.00", with: "7.00").utf8))
            #expect(try await verify("other", "data1", 1, 2).status == 1, "another value")
            for question in ["&fields=amount", "&code=a"] {
                try keep("part", try await site.reader.get("/v1/datasets/lines/diff.csv?from=1&to=2\(question)").body)
                let part = try await verify("part", "data1", 1, 2)
                #expect(part.status == 1, "\(question): \(part.output)")
            }
            #expect(try await verify("data1", "data1", 1, 2).status == 2, "no difference at all")
        }
    }
}
