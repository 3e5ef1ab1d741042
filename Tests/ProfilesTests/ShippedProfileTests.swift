import Foundation
import Model
import Profiles
import Testing

/// The project's folder, from this file's place in it.
let projectDirectory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

func json(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: projectDirectory.appending(path: path))) }

func shippedProfiles() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: projectDirectory.appending(path: "schema/profiles").path)
        .filter { $0.hasSuffix(".json") && $0 != "profile.schema.json" }.map { String($0.dropLast(5)) }.sorted()
}

func explain<T>(_ body: () throws(InvalidDocument) -> T) throws -> T {
    do {
        return try body()
    } catch {
        for place in error.places { Issue.record("\(place.place): \(place.message.en ?? "")") }
        throw error
    }
}

@Suite struct ShippedProfileTests {
    @Test func theFourDomainsAreThere() throws {
        let profiles = try shippedProfiles().map { id in try explain { () throws(InvalidDocument) in try Profile(json: (try? json("schema/profiles/\(id).json")) ?? []) } }
        #expect(profiles.count == 10)
        #expect(Set(profiles.map(\.domain)) == ["budget", "poverty_relief", "environment", "trading"])
        for profile in profiles {
            #expect(try shippedProfiles().contains(profile.id), "the file is named after the profile")
            #expect(profile.title.en != nil && profile.schema.fields.allSatisfy { $0.title.en != nil })
        }
    }

    @Test func theInventedDomainTouchesEveryType() throws {
        let profile = try explain { () throws(InvalidDocument) in try Profile(json: (try? json("Tests/Fixtures/profiles/lighthouse.json")) ?? []) }
        let types = Set(profile.schema.fields.map { $0.type.description.prefix { $0 != "(" } })
        #expect(types == ["text", "code", "integer", "decimal", "boolean", "date", "datetime", "period", "geo_point", "json"])
        #expect(Set(profile.schema.fields.map(\.visibility)) == Set(Visibility.allCases))
        #expect(profile.schema.rowChecks.count + profile.schema.setChecks.count == profile.schema.checks.count)
        #expect(profile.schema.setChecks.count == 3)
        #expect(profile.schema.derivations.count == 1)
    }

    @Test func everyCheckOfAShippedProfileIsCompiledOrRunInSQL() throws {
        for id in try shippedProfiles() {
            let profile = try Profile(json: json("schema/profiles/\(id).json"))
            #expect(profile.schema.rowChecks.count + profile.schema.setChecks.count == profile.schema.checks.count, "\(id)")
            #expect(profile.schema.derivations.count == profile.schema.derived.count, "\(id)")
        }
    }

    @Test func aProfileSurvivesBeingWrittenAndRead() throws {
        for id in try shippedProfiles() {
            let profile = try Profile(json: json("schema/profiles/\(id).json"))
            #expect(try Profile(json: Array(JSON.encode(profile).utf8)) == profile, "\(id)")
        }
    }

    @Test func fieldsThatNobodyShouldSeeAreNotPublic() throws {
        for id in try shippedProfiles() {
            let schema = try Profile(json: json("schema/profiles/\(id).json")).schema
            for field in schema.fields where field.sensitivity == .sensitivePersonal {
                #expect(field.visibility != .public || field.mask != nil, "\(id).\(field.name)")
            }
            for name in ["phone", "mobile", "id_number", "bank", "address"] {
                #expect(!schema.publicFields.contains { $0.name.contains(name) }, "\(id): a field like \(name) is public")
            }
        }
    }

    @Test func codeListsOfShippedProfilesAreShipped() throws {
        let shipped = try referenceLists()
        for id in try shippedProfiles() {
            let schema = try Profile(json: json("schema/profiles/\(id).json")).schema
            for list in schema.fields.compactMap(\.codeList) + schema.checks.compactMap(\.list) { #expect(shipped.contains(list), "\(id) needs \(list)") }
        }
    }
}

/// The names of the lists in `schema/reference`.
func referenceLists() throws -> Set<String> {
    var lists: Set<String> = []
    let folder = projectDirectory.appending(path: "schema/reference")
    for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) where file.pathExtension == "csv" {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        lists.formUnion(lines.dropFirst().map { String($0.prefix { $0 != "," }) })
    }
    return lists
}
