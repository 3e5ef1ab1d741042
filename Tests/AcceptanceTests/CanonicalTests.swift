import Crypto
import Foundation
import TestSupport
import Testing

/// The vectors of docs/canonical-csv.md: the whole way, a second writer, a second PostgreSQL, and a dump that was restored.
@Suite struct CanonicalTests {
    /// A schema, rows in any order and spelling, and the bytes that they come to.
    private struct Vector {
        let name: String
        let schema: JSONValue
        let rows: [[String?]]
        let expected: Data
        let digest: String

        static let folder = Project.file("Tests/Fixtures/canonical")

        static func all() throws -> [Vector] {
            try String(contentsOf: folder.appending(path: "SHA256SUMS"), encoding: .utf8).split(separator: "\n").map { line in
                let (digest, file) = (String(line.prefix(64)), String(line.dropFirst(66)))
                let name = file.replacing(".csv", with: "")
                let input = try JSONValue(json: String(contentsOf: folder.appending(path: name + ".json"), encoding: .utf8))
                return Vector(
                    name: name, schema: try #require(input["schema"]), rows: try #require(input["rows"]?.array).map { try #require($0.array).map(\.string) },
                    expected: try Data(contentsOf: folder.appending(path: file)), digest: digest)
            }
        }

        /// A file as a department might push it.
        var file: Data {
            let names = schema["fields"]?.array?.compactMap { $0["name"]?.string } ?? []
            let records = rows.map { row in row.map { $0.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" } ?? "" }.joined(separator: ",") + "\n" }
            return Data((names.joined(separator: ",") + "\n" + records.joined()).utf8)
        }
    }

    private static func publish(_ vectors: [Vector], _ site: Installation) async throws {
        for vector in vectors {
            let schema = String(decoding: try JSONEncoder().encode(vector.schema), as: UTF8.self)
            try await site.describe(vector.name, Descriptions.shaped(vector.name, department: site.department, schema: schema))
            try await site.publish(vector.name, vector.file)
        }
    }

    /// What everybody gets is byte by byte what the vectors say, and so is its digest.
    private static func check(_ vectors: [Vector], _ site: Installation) async throws {
        for vector in vectors {
            let data = try await site.reader.get("/v1/datasets/\(vector.name)/versions/1/data.csv")
            #expect(data.status == 200 && data.body == vector.expected, "\(vector.name): \(data.text)")
            #expect(data.header("ETag") == "\"sha256-\(vector.digest)\"", "\(vector.name)")
            let version = try await site.reader.get("/v1/datasets/\(vector.name)/versions/1").json()
            #expect(version["digest"]?.string == vector.digest && version["byte_count"]?.int == vector.expected.count, "\(vector.name)")
        }
    }

    @Test func theWholeWayGivesTheBytesOfTheVectors() async throws {
        let vectors = try Vector.all()
        #expect(vectors.count >= 6)
        for vector in vectors {
            let digest = SHA256.hash(data: vector.expected).map { String(format: "%02x", $0) }.joined()
            #expect(digest == vector.digest, "\(vector.name)")
        }
        try await Installation.with { site in
            try await Self.publish(vectors, site)
            try await Self.check(vectors, site)
            // The canonical file is itself a file that can be pushed; in key order it takes another way through the program, and nothing has changed.
            for vector in vectors where !vector.schema.contains("mask") && !vector.schema.contains("json") {
                let again = try await site.push(vector.name, vector.expected)
                #expect(again.status == 200, "\(vector.name): \(again.text)")
                #expect(try again.json()["state"]?.string == "unchanged", "\(vector.name): \(again.text)")
            }
        }
    }

    @Test func aSecondWriterGivesTheSameBytes() async throws {
        for vector in try Vector.all() {
            let arguments = ["python3", "-B", Project.file("docs/verify/canonical.py").path, Vector.folder.appending(path: vector.name + ".json").path]
            let (status, output) = try await Installation.run(arguments, of: URL(filePath: "/usr/bin/env"))
            #expect(status == 0 && Data(output.utf8) == vector.expected, "\(vector.name)")
        }
    }

    @Test func anotherPostgreSQLAndARestoredDumpGiveTheSameBytes() async throws {
        guard let cluster = try await Cluster.make() else {
            print("SKIPPED anotherPostgreSQLAndARestoredDumpGiveTheSameBytes: there is no initdb on this machine")
            return
        }
        do {
            try await cluster.start()
            try await compare(cluster)
        } catch {
            await cluster.remove()
            throw error
        }
        await cluster.remove()
    }

    private func compare(_ cluster: Cluster) async throws {
        let vectors = try Vector.all(), programs = URL(filePath: cluster.binaries)
        let dump = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString).dump")
        defer { try? FileManager.default.removeItem(at: dump) }
        try await Installation.with { site in
            try await Self.publish(vectors, site)
            let (status, output) = try await Installation.run(["-Fc", "-f", dump.path, site.database.url], of: programs.appending(path: "pg_dump"))
            try #require(status == 0, "\(output)")
        }
        // The same rows in another cluster; its roles are made with it.
        try await Installation.with(server: cluster.url) { site in
            try await Self.publish(vectors, site)
            try await Self.check(vectors, site)
        }
        // And the first cluster's database, restored into it.
        try await Installation.with(server: cluster.url, prepare: { database in
            let (status, output) = try await Installation.run(["-d", database.url, "--exit-on-error", dump.path], of: programs.appending(path: "pg_restore"))
            try #require(status == 0, "\(output)")
        }) { site in
            try await Self.check(vectors, site)
        }
    }
}

extension JSONValue {
    /// Whether a field has this member or is of this type.
    fileprivate func contains(_ word: String) -> Bool { self["fields"]?.array?.contains { $0[word] != nil || $0["type"]?.string == word } ?? false }
}
