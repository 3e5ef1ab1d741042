import Catalogue
import Foundation
import Model
import Store
import TestSupport
import Testing

@Suite struct DescribingTests {
    /// The places that a description is refused for.
    private func places(_ desk: Desk, id: String = "lighthouse", _ change: (inout DatasetDescription) -> Void) async throws -> [String] {
        var description = desk.description
        change(&description)
        do {
            _ = try await desk.catalogue.create(id, description, by: desk.key)
            return []
        } catch let problem as Problem {
            #expect(problem.code == .invalidDataset)
            #expect(problem.places.allSatisfy { !$0.message.zh.isEmpty && !($0.message.en ?? "").isEmpty })
            return problem.places.map(\.place)
        }
    }

    @Test func aGoodDescriptionBecomesADraft() async throws {
        try await Desk.with { desk in
            let record = try await desk.catalogue.create("lighthouse", desk.description, by: desk.key)
            #expect(record.dataset.state == .draft)
            #expect(record.dataset.description == desk.description)
            #expect(record.schema == Lighthouse.schema)
        }
    }

    @Test func allWrongPlacesAreNamedAtOnce() async throws {
        try await Desk.with { desk in
            let found = try await places(desk, id: "lighthouse") { d in
                d.title.zh = " "
                d.abstract.zh = ""
                d.resourceCode = "x/1"
                d.region = "13"
                d.licence = ""
                d.shareType = .conditional
                d.openness = .conditional
                d.disclosure = .withheld
                d.temporalFrom = "2026-13"
                d.contact = Contact(phone: "13800138000", email: "nobody")
                d.related = ["Not An Id"]
                d.formats = ["csv", "csv,zip", "csv"]
                d.schema?.primaryKey = ["nothing"]
            }
            for place in [
                "/title/zh", "/abstract/zh", "/resource_code", "/region", "/licence", "/share_condition", "/open_condition", "/legal_basis", "/reason", "/openness",
                "/temporal_from", "/contact/phone", "/contact/email", "/related/0", "/formats/1", "/formats/2",
            ] { #expect(found.contains(place), "\(place) is missing in \(found)") }
            #expect(found.contains { $0.hasPrefix("/schema") })
        }
    }

    @Test func whatIsNotSharedCitesTheLaw() async throws {
        try await Desk.with { desk in
            let refused = try await places(desk) { d in
                d.shareType = .notShared
                d.shareCondition = "领导要求"
            }
            #expect(refused == ["/share_condition"])
            let accepted = try await places(desk) { d in
                d.shareType = .notShared
                d.shareCondition = "《中华人民共和国保守国家秘密法》第十三条"
            }
            #expect(accepted == [])
        }
    }

    @Test func whatIsWithheldNeedsBasisAndReason() async throws {
        try await Desk.with { desk in
            let accepted = try await places(desk) { d in
                d.disclosure = .withheld
                d.openness = .closed
                d.legalBasis = "《政府信息公开条例》第十四条"
                d.reason = "涉及国家秘密"
            }
            #expect(accepted == [])
        }
    }

    @Test func exactlyOneOfProfileAndSchemaIsGiven() async throws {
        try await Desk.with { desk in
            let none = try await places(desk) { $0.schema = nil }
            #expect(none == ["/schema"])
            let both = try await places(desk) { $0.profile = ProfileReference(id: "beacon") }
            #expect(both.contains("/schema"))
            let unknown = try await places(desk) { d in
                d.schema = nil
                d.profile = ProfileReference(id: "beacon", version: 3)
            }
            #expect(unknown == ["/profile"])
        }
    }

    @Test func aProfileGivesTheShapeAtTheVersionThatIsNewest() async throws {
        try await Desk.with { desk in
            let file = try Data(contentsOf: Project.file("Tests/Fixtures/profiles/lighthouse.json"))
            let (profile, loading) = try await Registry(store: desk.store).loadProfile(Array(file))
            #expect(loading == .added)
            var description = desk.description
            description.schema = nil
            description.profile = ProfileReference(id: profile.id)
            let record = try await desk.catalogue.create("lighthouse", description, by: desk.key)
            #expect(record.profile == profile)
            #expect(!record.schema.fields.isEmpty)
        }
    }

    @Test func departmentsMustBeValidAndKnown() async throws {
        try await Desk.with { desk in
            let wrong = try await places(desk) { $0.department = "11511800MB0000011X" }
            #expect(wrong == ["/department"])
            var anybody = desk.key
            anybody.department = nil
            var description = desk.description
            description.department = TestDatabase.creditCode(77)
            let problem = await #expect(throws: Problem.self) { try await desk.catalogue.create("lighthouse", description, by: anybody) }
            #expect(problem?.places.map(\.place) == ["/department"])
        }
    }

    @Test func aKeyDescribesForItsOwnDepartmentOnly() async throws {
        try await Desk.with { desk in
            let other = try await desk.db.addDepartment(2)
            var description = desk.description
            description.department = other.uscc
            let problem = await #expect(throws: Problem.self) { try await desk.catalogue.create("lighthouse", description, by: desk.key) }
            #expect(problem?.code == .datasetOfAnotherDepartment)
            let foreign = try await desk.db.addDataset("foreign", department: other.uscc)
            #expect(foreign > 0)
            // Another department's draft does not exist; what it has published is known to be its own.
            let draft = try await desk.catalogue.ownDataset("foreign", of: desk.key)
            #expect(draft == nil)
            try await desk.db.release("foreign")
            let edit = await #expect(throws: Problem.self) { try await desk.catalogue.ownDataset("foreign", of: desk.key) }
            #expect(edit?.code == .datasetOfAnotherDepartment)
        }
    }

    @Test func aResourceCodeIsNotUsedTwice() async throws {
        try await Desk.with { desk in
            let first = try await places(desk, id: "one") { $0.resourceCode = "221211003/1003" }
            #expect(first == [])
            let second = try await places(desk, id: "two") { $0.resourceCode = "221211003/1003" }
            #expect(second == ["/resource_code"])
        }
    }

    @Test func unloadedCodeListsAreNamed() async throws {
        try await Desk.with { desk in
            let missing = try await places(desk) { $0.schema?.fields[0].codeList = "lamp-kinds" }
            #expect(missing == ["/schema/fields/0/code_list"])
            _ = try await desk.store.loadCodes(["lamp-kinds": [Code(code: "A", title: LocalizedText(zh: "甲"))]])
            let loaded = try await places(desk) { $0.schema?.fields[0].codeList = "lamp-kinds" }
            #expect(loaded == [])
        }
    }

    /// Pages, cursors and proofs have a total order because every field of a key is public as it is.
    @Test func aKeyThatIsNotWhollyPublicIsRefused() async throws {
        try await Desk.with { desk in
            for change: @Sendable (inout Field) -> Void in [{ $0.visibility = .private }, { $0.visibility = .department }, { $0.mask = .lastFour }] {
                let found = try await places(desk) { if $0.schema != nil { change(&$0.schema!.fields[0]) } }
                #expect(found.contains("/schema/primary_key/0"), "\(found)")
            }
        }
    }

    @Test func releasedRowsKeepTheirShape() async throws {
        try await Desk.with { desk in
            try await desk.publish("lighthouse")
            let current = try #require(try await desk.catalogue.ownDataset("lighthouse", of: desk.key))
            var added = desk.description
            added.schema?.fields.append(Field(name: "colour", title: LocalizedText(zh: "颜色"), type: .text, visibility: .public))
            let edited = try await desk.catalogue.edit(current, added)
            #expect(edited.schema.fields.last?.name == "colour")
            #expect(edited.dataset.revision == 2)

            func conflict(_ change: (inout DatasetDescription) -> Void) async throws -> [String] {
                var description = added
                change(&description)
                do {
                    _ = try await desk.catalogue.edit(edited, description)
                    return []
                } catch let problem as Problem {
                    #expect(problem.code == .schemaConflict)
                    return problem.places.map(\.place)
                }
            }
            let type = try await conflict { $0.schema?.fields[2].type = .integer }
            #expect(type == ["/schema/fields/2/type"])
            let removed = try await conflict { $0.schema?.fields.remove(at: 3) }
            #expect(removed == ["/schema/fields"])
            let key = try await conflict { $0.schema?.primaryKey = ["code", "name"] }
            #expect(key == ["/schema/primary_key"])
            let hidden = try await conflict { $0.schema?.fields[1].visibility = .private }
            #expect(hidden == ["/schema/fields/1/visibility"])
        }
    }

    @Test func ofTwoEditorsTheSecondIsToldToReadAgain() async throws {
        try await Desk.with { desk in
            let current = try await desk.catalogue.create("lighthouse", desk.description, by: desk.key)
            _ = try await desk.catalogue.edit(current, desk.description)
            let problem = await #expect(throws: Problem.self) { try await desk.catalogue.edit(current, desk.description) }
            #expect(problem?.code == .preconditionFailed)
        }
    }

    @Test func aMappingIsHeldAgainstTheShape() async throws {
        try await Desk.with { desk in
            let current = try await desk.catalogue.create("lighthouse", desk.description, by: desk.key)
            var rename = Mapping.Step(kind: .rename)
            rename.from = "编号"
            rename.to = "no_such_field"
            let refused = Mapping(steps: [rename])
            let problem = await #expect(throws: Problem.self) { try await desk.catalogue.putMapping(refused, of: current) }
            #expect(problem?.code == .invalidMapping)
            #expect(problem?.places.isEmpty == false)
            rename.to = "code"
            let record = try await desk.catalogue.putMapping(Mapping(steps: [rename]), of: current)
            #expect(record.mapping?.steps == [rename])
            let mapping = Mapping(steps: [rename])
            let late = await #expect(throws: Problem.self) { try await desk.catalogue.putMapping(mapping, of: current) }
            #expect(late?.code == .preconditionFailed)
        }
    }

    @Test func anEditOfTheMappingChangesNothingOfTheDescription() async throws {
        try await Desk.with { desk in
            var description = desk.description
            let created = try await desk.catalogue.create("lighthouse", description, by: desk.key)
            description.updateCycle = description.updateCycle == .daily ? .yearly : .daily
            let edited = try await desk.catalogue.edit(created, description)
            var rename = Mapping.Step(kind: .rename)
            (rename.from, rename.to) = ("编号", "code")
            _ = try await desk.catalogue.putMapping(Mapping(steps: [rename]), of: edited)
            let reader = Reader(key: desk.key)
            #expect(try await desk.catalogue.difference(from: nil, to: 2, of: "lighthouse", as: reader).changes.map(\.path) == ["/update_cycle"])
            #expect(try await desk.catalogue.difference(from: nil, to: 3, of: "lighthouse", as: reader).changes == [])
        }
    }

    @Test func aMisspeltMemberKeepsNothingElseFromBeingReported() throws {
        let json = #"{"title":{"zh":""},"abstract":{"zh":"x"},"department":"1","share_type":"unconditional","openness":"unconditional","disclosure":"proactive","update_cycle":"yearly","licence":"x","licens":"y"}"#
        let problem = #expect(throws: Problem.self) { try Catalogue.description(json: Array(json.utf8)) }
        let places = problem?.places.map(\.place) ?? []
        for place in ["/licens", "/title/zh", "/department", "/schema"] { #expect(places.contains(place)) }
        let unreadable = #expect(throws: Problem.self) { try Catalogue.description(json: Array("{".utf8)) }
        #expect(unreadable?.code == .invalidJSON)
    }
}
