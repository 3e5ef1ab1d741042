import Foundation
import Model
import Postgres
import Store
import TestSupport
import Testing

@Suite struct DatasetTests {
    private func content(_ department: String, title: String = "灯塔名录", code: String? = nil) -> DatasetContent {
        var description = Lighthouse.description(department: department)
        description.title.zh = title
        description.resourceCode = code
        return DatasetContent(description: description, schema: Lighthouse.schema, profile: nil)
    }

    private func written(_ write: DatasetWrite) throws -> DatasetRecord {
        guard case .written(let record) = write else { throw NotWritten() }
        return record
    }

    private struct NotWritten: Error {}

    @Test func aDatasetIsCreatedOnce() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            let record = try written(try await store.addDataset("lighthouse", content(office.uscc)))
            #expect(record.dataset.revision == 1 && record.dataset.state == .draft && record.mappingRevision == 0)
            #expect(record.schema == Lighthouse.schema)
            guard case .outdated = try await store.addDataset("lighthouse", content(office.uscc)) else {
                Issue.record("a second dataset took the first one's place")
                return
            }
            #expect(try await store.dataset("lighthouse") == record)
            // A draft is not for the public.
            #expect(try await store.publishedDataset("lighthouse") == nil)
        }
    }

    @Test func ofEditsOnTheSameRevisionOneWins() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            _ = try await store.addDataset("lighthouse", content(office.uscc))
            let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        if case .written = try await store.updateDataset("lighthouse", content(office.uscc, title: "第\(number)版"), revision: 1, version: 0, entry: nil) { true } else { false }
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(outcomes == 1)
            #expect(try await store.dataset("lighthouse")?.dataset.revision == 2)
        }
    }

    @Test func anEditNamesTheVersionThatItSaw() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            _ = try await store.addDataset("lighthouse", content(office.uscc))
            guard case .outdated = try await store.updateDataset("lighthouse", content(office.uscc), revision: 1, version: 3, entry: nil) else {
                Issue.record("an edit went through on a version that was never there")
                return
            }
        }
    }

    @Test func aMappingHasItsOwnRevision() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            _ = try await store.addDataset("lighthouse", content(office.uscc))
            let mapping = Mapping(charset: "GB18030", steps: [], unlisted: .ignore)
            let record = try written(try await store.updateMapping("lighthouse", mapping, revision: 0))
            #expect(record.mapping == mapping && record.mappingRevision == 1 && record.dataset.revision == 2)
            guard case .outdated = try await store.updateMapping("lighthouse", mapping, revision: 0) else {
                Issue.record("a mapping was written over unseen")
                return
            }
        }
    }

    @Test func aResourceCodeIsUsedOnce() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            _ = try await store.addDataset("one", content(office.uscc, code: "221211003/1"))
            guard case .resourceCodeTaken = try await store.addDataset("two", content(office.uscc, code: "221211003/1")) else {
                Issue.record("a resource code was used twice")
                return
            }
            #expect(try await store.dataset("two") == nil)
        }
    }

    @Test func everyWriteTellsTheOtherNodes() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            let heard = Task {
                var payloads: [String] = []
                for await notification in db.database.notifications(["daylight_change"]) {
                    if case .message(_, let payload) = notification { payloads.append(payload) }
                    if case .reconnected = notification { _ = try await store.addDataset("lighthouse", content(office.uscc)) }
                    if payloads.count == 1 { break }
                }
                return payloads
            }
            #expect(try await heard.value == ["lighthouse"])
        }
    }
}
