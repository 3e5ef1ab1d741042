public import Model
public import Profiles
internal import Store

extension Catalogue {
    /// A dataset as this reader may see it.
    ///
    /// - Throws: `Problem`: `datasetNotFound` for none, and for one that the reader may not see, in the same words; `datasetWithdrawn` with the reason.
    public func dataset(_ id: String, as reader: Reader) async throws -> DatasetRecord {
        guard Identifiers.isDatasetIdentifier(id) else { throw Self.notFound }
        var record = try await store.publishedDataset(id)
        if record == nil, !reader.scopes.isEmpty, let draft = try await store.dataset(id), reader.seesDraft(of: draft.department, dataset: id) {
            record = draft
        }
        guard let record else { throw Self.notFound }
        if record.dataset.state == .withdrawn { throw try await withdrawn(record) }
        return record
    }

    /// A dataset that this key's holder works on: with its mapping, in any state but withdrawn.
    ///
    /// - Parameter key: has the scope for what is to be done.
    /// - Returns: nil where there is none yet, and for a draft that the key's holder may not see.
    /// - Throws: `Problem`: `datasetOfAnotherDepartment`, `datasetWithdrawn`.
    public func ownDataset(_ id: String, of key: AccessKey) async throws -> DatasetRecord? {
        guard Identifiers.isDatasetIdentifier(id), let record = try await store.dataset(id) else { return nil }
        if let department = key.department, department != record.department {
            if record.dataset.isHidden, !Reader(key: key).seesDraft(of: record.department, dataset: id) { return nil }
            throw Self.anotherDepartment
        }
        if record.dataset.state == .withdrawn { throw try await withdrawn(record) }
        return record
    }

    /// What this reader may see of a description: fields that are not public are named to its department and to reviewers only.
    public func visibleDescription(of record: DatasetRecord, to reader: Reader) -> DatasetDescription {
        var description = record.dataset.description
        guard let schema = description.schema, !reader.seesDraft(of: record.department, dataset: record.id) else { return description }
        description.schema = schema.publicPart
        return description
    }

    private func withdrawn(_ record: DatasetRecord) async throws -> Problem {
        try await store.tombstone(ofDataset: record.id, audience: record.dataset.audience)?.problem(.datasetWithdrawn, zh: "数据资源", en: "the dataset")
            ?? Problem(.datasetWithdrawn, zh: "数据资源已撤回", en: "the dataset was withdrawn")
    }

    /// There is none that the caller may see.
    public static let notFound = Problem(.datasetNotFound, zh: "没有这个数据资源", en: "there is no such dataset")

    // MARK: Departments

    /// A page of departments, in the order of their codes.
    public func departments(cursor: String?, limit: Int) async throws -> (departments: [Department], next: String?) {
        let after = try cursor.map { try seal.open(String.self, $0, for: "departments") }
        var page = try await store.departments(after: after, limit: limit + 1)
        guard page.count > limit else { return (page, nil) }
        page.removeLast(page.count - limit)
        return (page, try page.last.map { try seal.seal($0.uscc, for: "departments") })
    }

    /// - Throws: `Problem` (`departmentNotFound`).
    public func department(_ uscc: String) async throws -> Department {
        guard Identifiers.isCreditCode(uscc), let department = try await store.department(uscc) else {
            throw Problem(.departmentNotFound, zh: "没有这个部门", en: "there is no such department")
        }
        return department
    }

    // MARK: Profiles

    /// Every profile at its newest version.
    public func profiles() async throws -> [Profile] {
        try await store.newestProfileDocuments().map { try Profile(json: Array($0.document.utf8)) }
    }

    /// A profile's document as JSON text, at a version or at its newest.
    ///
    /// - Throws: `Problem` (`profileNotFound`).
    public func profileDocument(_ id: String, version: Int? = nil) async throws -> ProfileDocument {
        guard version ?? 1 <= Int(Int32.max), let document = try await store.profileDocument(id, version: version) else {
            throw Problem(.profileNotFound, zh: "没有这个领域规范", en: "there is no such profile")
        }
        return document
    }

    /// A profile ready for use; nil where there is none.
    public func profile(_ reference: ProfileReference) async throws -> Profile? {
        guard reference.version ?? 1 <= Int(Int32.max) else { return nil }
        return try await store.profileDocument(reference.id, version: reference.version).map { try Profile(json: Array($0.document.utf8)) }
    }
}

extension TableSchema {
    /// The shape as everybody may see it: without fields that are not public, without what masked values may be, and without the rules that name either.
    public var publicPart: TableSchema {
        let hidden = Set(fields.filter { $0.visibility != .public }.map(\.name))
        let unclear = hidden.union(fields.filter { $0.mask != nil }.map(\.name))
        guard !unclear.isEmpty else { return self }
        var part = self
        part.fields = publicFields.map(\.publicPart)
        part.primaryKey.removeAll(where: hidden.contains)
        part.naturalOrder.removeAll(where: hidden.contains)
        part.indexes = indexes.filter { hidden.isDisjoint(with: $0) }
        if timeField.map(hidden.contains) == true { part.timeField = nil }
        // A rule says what values may be; a formula makes a masked value from others.
        part.checks = checks.filter { unclear.isDisjoint(with: $0.namedFields) }
        part.derived = derived.filter { unclear.isDisjoint(with: $0.targets + $0.sources) }
        // One that names such a field has no shape.
        part.rollups = rollups.filter { (try? RollupShape($0, schema: self)) != nil }
        return part
    }
}

extension Field {
    /// The field as everybody may see it: what a masked value may be is not what is seen of it.
    var publicPart: Field {
        guard mask != nil else { return self }
        var part = self
        (part.values, part.minimum, part.maximum, part.pattern) = (nil, nil, nil, nil)
        return part
    }
}

extension Check {
    /// Every field of the row that the rule names.
    fileprivate var namedFields: [String] {
        let single = [field, minimumField, maximumField, earlier, later, total, code, amount, side, other, when?.field].compactMap(\.self)
        return single + (fields ?? []) + (parts ?? []) + (groupBy ?? [])
    }
}
