internal import Foundation
internal import Ledger
public import Model
internal import Profiles
internal import Store

extension Catalogue {
    /// Creates a draft.
    ///
    /// - Parameters:
    ///   - key: has the scope push for this dataset.
    /// - Throws: `Problem`: `invalidDataset` with every wrong place, `datasetOfAnotherDepartment`, `preconditionFailed` when it exists by now.
    public func create(_ id: String, _ description: DatasetDescription, by key: AccessKey) async throws -> DatasetRecord {
        var places: [Problem.Place] = []
        if !Identifiers.isDatasetIdentifier(id) {
            places.append(
                Problem.Place(
                    "id", zh: "标识应为 2 到 100 个小写字母、数字或连字符，且不以连字符开头",
                    en: "an identifier has 2 to 100 lower-case letters, digits and hyphens, and begins with no hyphen"))
        }
        if let department = key.department, department != description.department, Identifiers.isCreditCode(description.department) {
            throw Self.anotherDepartment
        }
        let content = try await content(description, places)
        switch try await store.addDataset(id, content) {
        case .written(let record): return record
        case .outdated: throw Problem(.preconditionFailed, zh: "已经存在，If-None-Match 不成立；要修改，请带 If-Match: 当前的 ETag", en: "it exists already, so If-None-Match does not hold; to change it, send If-Match with its current ETag")
        case .resourceCodeTaken: throw Self.resourceCodeTaken
        }
    }

    /// Edits a description; `current` is what the editor saw.
    ///
    /// - Throws: `Problem`: `datasetMirrored`, `invalidDataset` with every wrong place, `schemaConflict` when released rows would no longer fit, `preconditionFailed` when
    ///   somebody else was faster.
    public func edit(_ current: DatasetRecord, _ description: DatasetDescription) async throws -> DatasetRecord {
        if let home = current.home { throw Problem.mirrored(at: home) }
        var places: [Problem.Place] = []
        if description.department != current.department, Identifiers.isCreditCode(description.department) {
            places.append(Problem.Place("/department", zh: "提供部门不能更改", en: "the providing department cannot change"))
        }
        let content = try await content(description, places)
        if current.dataset.currentVersion != nil { try await checkReleased(current, content) }
        var entry: LedgerEntry?
        if current.dataset.state == .published, current.dataset.description != description {
            entry = try .description(
                of: current.id, revision: current.dataset.revision + 1, from: current.dataset.description, to: description, at: .now)
        }
        switch try await store.updateDataset(
            current.id, content, revision: current.dataset.revision, version: current.dataset.currentVersion ?? 0, entry: entry)
        {
        case .written(let record): return record
        case .outdated: throw Self.outdated
        case .resourceCodeTaken: throw Self.resourceCodeTaken
        }
    }

    /// Puts a dataset's mapping; `current` is what the editor saw.
    ///
    /// - Throws: `Problem`: `datasetMirrored`, `invalidMapping` with every wrong place, `preconditionFailed` when somebody else was faster.
    public func putMapping(_ mapping: Mapping, of current: DatasetRecord) async throws -> DatasetRecord {
        if let home = current.home { throw Problem.mirrored(at: home) }
        let places = mapping.validate(against: current.schema)
        guard places.isEmpty else {
            throw Problem(.invalidMapping, zh: "映射有 \(places.count) 处错误", en: "\(places.count) places of the mapping are wrong", places: places)
        }
        switch try await store.updateMapping(current.id, mapping, revision: current.mappingRevision) {
        case .written(let record): return record
        case .outdated, .resourceCodeTaken: throw Self.outdated
        }
    }

    /// Holds a description against everything, and works out the shape of its rows.
    private func content(_ description: DatasetDescription, _ found: [Problem.Place]) async throws -> DatasetContent {
        var places = found + DescriptionCheck(description).places
        if Identifiers.isCreditCode(description.department), try await store.department(description.department) == nil {
            places.append(
                Problem.Place("/department", zh: "部门尚未登记；请联系数据主管部门", en: "this department is not registered; ask the data authority to add it"))
        }
        var schema = description.schema
        var profile: ProfileReference?
        if let own = description.schema {
            places += own.validate(at: "/schema")
            places += try await unknownCodeLists(own)
        } else if let reference = description.profile {
            if let found = try await self.profile(reference) {
                schema = found.schema
                profile = ProfileReference(id: found.id, version: found.version)
            } else {
                let name = reference.version.map { "\(reference.id) \($0)" } ?? reference.id
                places.append(Problem.Place("/profile", zh: "没有领域规范 \(name)", en: "there is no profile \(name)"))
            }
        }
        guard places.isEmpty, let schema else {
            throw Problem(.invalidDataset, zh: "数据资源描述有 \(places.count) 处错误", en: "\(places.count) places of the description are wrong", places: places)
        }
        return DatasetContent(description: description, schema: schema, profile: profile)
    }

    private func unknownCodeLists(_ schema: TableSchema) async throws -> [Problem.Place] {
        let named =
            schema.fields.enumerated().compactMap { index, field in field.codeList.map { ("/schema/fields/\(index)/code_list", $0) } }
            + schema.checks.enumerated().compactMap { index, check in check.list.map { ("/schema/checks/\(index)/list", $0) } }
        guard !named.isEmpty else { return [] }
        let known = try await store.knownCodeLists(among: named.map(\.1))
        return named.filter { !known.contains($0.1) }.map { place, list in
            Problem.Place(place, zh: "代码表 \(list) 尚未加载", en: "the code list \(list) is not loaded")
        }
    }

    private func checkReleased(_ current: DatasetRecord, _ content: DatasetContent) async throws {
        var places: [Problem.Place] = []
        let path = content.profile == nil ? "/schema" : "/profile"
        if current.profile?.id != content.profile?.id {
            places.append(Problem.Place(path, zh: "已有发布版本，领域规范不能更改", en: "the profile of a released dataset cannot change"))
        } else if let released = try await store.releasedSchema(current.id),
            case .conflicting(let conflicts) = SchemaChange(from: released, to: content.schema, at: path)
        {
            places = conflicts
        }
        if content.description.audience != current.dataset.audience {
            places.append(
                Problem.Place(
                    "/openness", zh: "已有发布版本，不能在向社会开放与不开放之间更改；请撤回后另建数据资源",
                    en: "a released dataset cannot be closed to the public or opened to it: withdraw it, or describe a new one"))
        }
        guard places.isEmpty else {
            throw Problem(
                .schemaConflict, zh: "已有发布版本；只能增加信息项，其他变更请另建数据资源", en: "rows are released: fields may be added, for anything else describe a new dataset",
                places: places
            )
        }
    }

    static let outdated = Problem(.preconditionFailed, zh: "已被他人修改，请重新读取后再提交", en: "somebody else changed it meanwhile; read it again and retry")

    static let anotherDepartment = Problem(
        .datasetOfAnotherDepartment, zh: "只能描述和报送本部门的数据资源", en: "a key describes and pushes datasets of its own department only")

    private static let resourceCodeTaken = Problem(
        .invalidDataset, zh: "信息资源代码已用于其他数据资源", en: "the resource code belongs to another dataset",
        places: [Problem.Place("/resource_code", zh: "已用于其他数据资源；代码不得重复使用", en: "belongs to another dataset; codes are never used twice")]
    )
}

extension Catalogue {
    /// Reads a description that was sent.
    ///
    /// - Throws: `Problem`: `invalidJSON`, `invalidDataset` with every wrong place.
    public static func description(json: [UInt8]) throws(Problem) -> DatasetDescription {
        do {
            return try InvalidDocument.decode(DatasetDescription.self, from: json)
        } catch {
            // A misspelt member keeps nothing else from being reported.
            var places = error.places
            if let readable = try? JSON.decoder().decode(DatasetDescription.self, from: Data(json)) {
                places += DescriptionCheck(readable).places + (readable.schema?.validate(at: "/schema") ?? [])
            }
            throw refusal(.invalidDataset, places)
        }
    }

    /// Reads a mapping that was sent.
    ///
    /// - Throws: `Problem`: `invalidJSON`, `invalidMapping` with every wrong place.
    public static func mapping(json: [UInt8]) throws(Problem) -> Mapping {
        do {
            return try InvalidDocument.decode(Mapping.self, from: json)
        } catch {
            throw refusal(.invalidMapping, error.places)
        }
    }

    private static func refusal(_ code: ProblemCode, _ places: [Problem.Place]) -> Problem {
        // The place of the whole document means that it could not be read.
        if let place = places.first, place.place.isEmpty {
            return Problem(.invalidJSON, zh: "请求体：\(place.message.zh)", en: "the body: \(place.message.text(in: .en))", places: places)
        }
        return Problem(code, zh: "请求体有 \(places.count) 处错误", en: "\(places.count) places of the body are wrong", places: places)
    }
}
