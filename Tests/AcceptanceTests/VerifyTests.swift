import Foundation
import TestSupport
import Testing

/// A stranger with a file, a proof and a key, and both verifiers, against the built server.
@Suite struct VerifyTests {
    /// Files of one test.
    struct Folder {
        let url: URL

        init() throws {
            url = FileManager.default.temporaryDirectory.appending(path: "daylight-verify-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        func path(_ name: String) -> String { url.appending(path: name).path }

        @discardableResult
        func keep(_ name: String, _ content: Data) throws -> String {
            try content.write(to: url.appending(path: name))
            return path(name)
        }

        @discardableResult
        func keep(_ name: String, _ text: String) throws -> String { try keep(name, Data(text.utf8)) }
    }

    /// Asks both verifiers, which must be of one opinion.
    static func verify(_ arguments: [String], language: String = "C") async throws -> (status: Int32, output: String) {
        let own = try await Installation.run(["verify"] + arguments, environment: ["LC_ALL": language])
        let other = try await Installation.run(["python3", "-B", Project.file("docs/verify/verify.py").path] + arguments, of: URL(filePath: "/usr/bin/env"))
        #expect(own.status == other.status, "\(own.output) / \(other.output)")
        return own
    }

    /// Nobody should have to trust much: it can be read at once.
    @Test func theSecondVerifierIsShort() throws {
        let lines = try String(contentsOf: Project.file("docs/verify/verify.py"), encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 151 && lines.allSatisfy { $0.count <= 180 })
    }

    @Test func aFileIsProvenOfflineAndAnythingElseIsNot() async throws {
        let folder = try Folder()
        defer { try? FileManager.default.removeItem(at: folder.url) }
        try await Installation.with(environment: ["DAYLIGHT_LEDGER_NAME": "test.example/ledger"]) { site in
            try await site.describe("proven", Descriptions.own("存证", department: site.department, fields: FaultTests.fields, key: ["id"]))
            let start = try folder.keep("start", try await site.reader.get("/ledger/checkpoint").body)
            for version in 1...3 {
                try await site.publish("proven", Data("id,name,amount\n1,一,\(version).00\n2,\"二,三\",2.50\n".utf8))
                try folder.keep("data\(version)", try await site.reader.get("/v1/datasets/proven/versions/\(version)/data.csv").body)
                let proof = try await site.reader.get("/v1/datasets/proven/versions/\(version)/proof")
                #expect(proof.status == 200)
                try folder.keep("proof\(version)", proof.body)
            }
            let old = try folder.keep("old", try await site.reader.get("/ledger/checkpoint").body)
            let key = try folder.keep("key", try await site.reader.get("/ledger/key").body)

            // A server that dies takes nothing with it and goes on with the same log.
            await site.kill()
            try await site.restart()
            try await site.publish("proven", Data("id,name,amount\n1,一,4.00\n".utf8))
            _ = try await site.reader.get("/v1/datasets/proven/versions/4/proof")
            #expect(try await site.reader.get("/ledger/key").body == Data(contentsOf: URL(filePath: key)))

            let size = try #require(try String(contentsOfFile: old, encoding: .utf8).split(separator: "\n").dropFirst().first)
            let consistency = try folder.keep("consistency", try await site.reader.get("/ledger/consistency?old=\(size)").body)
            let both = try await Self.verify(["--old", old, "--consistency", consistency, "--key", key])
            #expect(both.status == 0 && both.output.contains("only added to"), "\(both.output)")
            let begun = String(decoding: try Data(contentsOf: URL(filePath: start)), as: UTF8.self).split(separator: "\n")[1]
            let whole = try folder.keep("whole", try await site.reader.get("/ledger/consistency?old=\(begun)").body)
            #expect(try await Self.verify(["--old", start, "--consistency", whole, "--key", key]).status == 0)
            #expect(try await Self.verify(["--old", start, "--consistency", consistency, "--key", key]).status != 0)

            for version in 1...3 {
                let proven = try await Self.verify([folder.path("data\(version)"), "--proof", folder.path("proof\(version)"), "--key", key])
                #expect(proven.status == 0, "\(proven.output)")
                for word in ["proven", "version \(version)", site.department, "test.example/ledger", "2 rows"] { #expect(proven.output.contains(word), "\(proven.output)") }
            }
            let chinese = try await Installation.run(
                ["verify", folder.path("data1"), "--proof", folder.path("proof1"), "--key", try String(contentsOfFile: key, encoding: .utf8)], environment: ["LC_ALL": "zh_CN.UTF-8"])
            #expect(chinese.status == 0 && chinese.output.contains("已证明") && chinese.output.contains("第 1 版"))

            // Another version's file, a file with one byte changed, another place, a leaf or head that was touched, another key.
            let proof = try String(contentsOfFile: folder.path("proof1"), encoding: .utf8)
            let data = try String(contentsOfFile: folder.path("data1"), encoding: .utf8)
            #expect(try await Self.verify([folder.path("data2"), "--proof", folder.path("proof1"), "--key", key]).status == 1)
            try folder.keep("changed", data.replacing("1.00", with: "7.00"))
            let changed = try await Self.verify([folder.path("changed"), "--proof", folder.path("proof1"), "--key", key])
            #expect(changed.status == 1 && changed.output.contains("NOT proven"), "\(changed.output)")
            let line = try #require(proof.split(separator: "\n").first { $0.hasPrefix("extra ") })
            let leaf = try #require(Data(base64Encoded: String(line.dropFirst(6))))
            let forged = Data(String(decoding: leaf, as: UTF8.self).replacing(#""version":1"#, with: #""version":9"#).utf8).base64EncodedString()
            let number = try #require(proof.split(separator: "\n").first { $0.hasPrefix("index ") })
            for (name, text) in [
                "leaf": proof.replacing(line, with: "extra " + forged), "index": proof.replacing(number + "\n", with: "index 0\n"), "head": proof.replacing("test.example/ledger\n", with: "test.example/other\n"),
            ] {
                try folder.keep(name, text)
                #expect(try await Self.verify([folder.path("data1"), "--proof", folder.path(name), "--key", key]).status == 1, "\(name)")
            }
            let stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
            #expect(try await Self.verify([folder.path("data1"), "--proof", folder.path("proof1"), "--key", stranger]).status == 1)
            #expect(try await Self.verify([folder.path("nothing"), "--proof", folder.path("proof1"), "--key", key]).status == 2)
        }
    }
}
