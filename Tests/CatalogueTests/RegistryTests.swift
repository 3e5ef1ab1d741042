import Catalogue
import Foundation
import Model
import Postgres
import Profiles
import Store
import TestSupport
import Testing

@Suite struct RegistryTests {
    @Test func aKeyIsShownOnceAndKeptAsAHash() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            let registry = Registry(store: store)
            let (text, key) = try await registry.issueKey(.init(label: "推送", department: office.uscc, scopes: [.push], tier: "department"))
            #expect(text.hasPrefix("dk_\(key.prefix)_") && text.utf8.count == 3 + 10 + 1 + 43)
            let row = try await db.database.execute("SELECT to_jsonb(k)::text FROM daylight.access_key k")
            #expect(try !row[0].read(String.self, 0).contains(text.suffix(43)))
            let other = try await registry.issueKey(.init(label: "推送", scopes: [.read], tier: "registered"))
            #expect(other.text != text)
        }
    }

    @Test func whileAKeyRotatesBothLive() async throws {
        try await withTestStore { db, store in
            let registry = Registry(store: store)
            let old = try await registry.issueKey(.init(label: "旧", scopes: [.read, .review], tier: "trusted")).key
            let new = try #require(try await registry.rotateKey(prefix: old.prefix, overlap: 3600)).key
            #expect(new.scopes == old.scopes && new.tier == old.tier && new.label == old.label && new.prefix != old.prefix)
            let ending = try #require(try await store.accessKey(prefix: old.prefix)?.revokedAt)
            #expect(ending > .now && ending < Timestamp(microseconds: Timestamp.now.microseconds + 3_700_000_000))
            // Revoked at once, it does not come back to life.
            #expect(try await #require(registry.revokeKey(prefix: old.prefix)?.revokedAt) <= Timestamp(microseconds: Timestamp.now.microseconds + 1_000_000))
            #expect(try await registry.rotateKey(prefix: old.prefix, overlap: 60) == nil)
        }
    }

    @Test func theShippedProfilesAndReferenceFilesLoad() async throws {
        try await withTestStore { _, store in
            let registry = Registry(store: store)
            let profiles = try FileManager.default.contentsOfDirectory(atPath: Project.file("schema/profiles").path).filter { $0.hasSuffix(".json") && !$0.hasSuffix(".schema.json") }
            for file in profiles {
                let loaded = try await registry.loadProfile(Array(Data(contentsOf: Project.file("schema/profiles/\(file)"))))
                #expect(loaded.loading == .added, "\(file)")
            }
            #expect(try await registry.profiles().count == profiles.count)
            for file in try FileManager.default.contentsOfDirectory(atPath: Project.file("schema/reference").path) where file.hasSuffix(".csv") {
                let loaded = try await registry.loadReference(Array(Data(contentsOf: Project.file("schema/reference/\(file)"))))
                #expect(loaded.values.allSatisfy { $0.added > 0 }, "\(file)")
            }
        }
    }

    @Test func aWrongFileIsRefusedWholeWithItsLines() async throws {
        try await withTestStore { _, store in
            let registry = Registry(store: store)
            let csv = """
                list,code,title_zh,title_en,parent,valid_from,valid_to
                lamps,A,甲,,,,
                Lamps,B,乙,,,2020-01-01,2019-01-01
                lamps,A,又甲,,,,
                lamps,,,,,2020-02-30,
                """
            let error = try #require(await #expect(throws: InvalidDocument.self) { try await registry.loadReference(Array(csv.utf8)) })
            #expect(error.places.map(\.place) == ["3:list", "3:valid_to", "4:code", "5:code", "5:title_zh", "5:valid_from"])
            #expect(try await registry.codeLists().isEmpty)
            let header = await #expect(throws: InvalidDocument.self) { try await registry.loadReference(Array("a,b\n1,2\n".utf8)) }
            #expect(header?.places.first?.place == "1")
            let charset = await #expect(throws: InvalidDocument.self) { try await registry.loadReference([0xB1, 0xE0]) }
            #expect(charset != nil)
        }
    }

    @Test func departmentsComeFromAFileToo() async throws {
        try await withTestStore { _, store in
            let code = TestDatabase.creditCode(5)
            let csv = "uscc,name_zh,name_en,level,region\n\(code),灯塔局,Lighthouses,county,130631\n"
            let loaded = try await Registry(store: store).loadReference(Array(csv.utf8))
            #expect(loaded == ["departments": Loaded(added: 1, changed: 0)])
            #expect(try await store.department(code)?.name.zh == "灯塔局")

            let more = "uscc,name_zh,name_en,level,region,node,contact_phone\n\(code),灯塔局,Lighthouses,county,130631,https://xiong.example,0312-5550100\n"
            #expect(try await Registry(store: store).loadReference(Array(more.utf8)) == ["departments": Loaded(added: 0, changed: 1)])
            let known = try #require(try await store.department(code))
            #expect(known.node == "https://xiong.example" && known.contact == Contact(phone: "0312-5550100"))
            // What the first file does not say stays.
            #expect(try await Registry(store: store).loadReference(Array(csv.utf8)) == ["departments": Loaded(added: 0, changed: 0)])
            #expect(try await store.department(code)?.node == "https://xiong.example")

            for (header, place) in [("node,node", "1"), ("nodes", "1"), ("node", "2:node")] {
                let wrong = "uscc,name_zh,name_en,level,region,\(header)\n\(code),灯塔局,,county,130631,xiong\(header == "node,node" ? "," : "")\n"
                let error = try #require(await #expect(throws: InvalidDocument.self) { try await Registry(store: store).loadReference(Array(wrong.utf8)) })
                #expect(error.places.map(\.place) == [place])
            }
        }
    }
}
