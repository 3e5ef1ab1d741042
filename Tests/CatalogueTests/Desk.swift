import Catalogue
import Foundation
import Model
import Postgres
import Profiles
import Store
import TestSupport
import Testing

/// A catalogue with one registered department, for one test.
struct Desk {
    let db: TestDatabase
    let store: Store
    let catalogue: Catalogue
    let office: Department
    /// May describe and push for the office.
    let key: AccessKey

    static func with(_ body: (Desk) async throws -> Void) async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            let pushed = try await db.addKey([.push], department: office.uscc)
            let key = try #require(try await store.accessKey(prefix: pushed.prefix))
            try await body(
                Desk(db: db, store: store, catalogue: Catalogue(store: store, seal: try await CursorSeal.load(from: store)), office: office, key: key))
        }
    }

    var description: DatasetDescription { Lighthouse.description(department: office.uscc) }

    /// Describes a dataset, and says that it was released.
    @discardableResult
    func publish(_ id: String, _ change: (inout DatasetDescription) -> Void = { _ in }) async throws -> DatasetRecord {
        var description = description
        change(&description)
        let record = try await catalogue.create(id, description, by: key)
        try await db.release(id)
        return record
    }

    func ids(_ filter: DatasetFilter, as reader: Reader = .anonymous) async throws -> [String] {
        try await catalogue.find(filter, as: reader, limit: 100).entries.map(\.id)
    }
}

extension TestDatabase {
    /// Gives a dataset a first version, as far as the catalogue sees it.
    func release(_ id: String, at seconds: Int = 0) async throws {
        try await database.execute(
            """
            INSERT INTO daylight.version (dataset, number, digest, row_count, added, changed, removed, byte_count, schema, department, released_at)
            SELECT id, 1, 'd', 3, 3, 0, 0, 10, schema, department, now() FROM daylight.dataset WHERE id = \(id, as: .text)
            """
        )
        try await database.execute(
            """
            UPDATE daylight.dataset SET state = 'published', current_version = 1, row_count = 3,
                released_at = '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => \(seconds)) WHERE id = \(id, as: .text)
            """
        )
    }
}
