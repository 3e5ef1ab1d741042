import Model

/// How a schema differs from the one that the current version was released with.
enum SchemaChange: Sendable, Hashable {
    /// Readers see the same columns with the same meaning.
    case none
    /// There are more columns, or more of them are public.
    case additive
    /// Versions that are released could no longer be read as they were.
    case conflicting([Problem.Place])

    init(from old: TableSchema, to new: TableSchema) {
        var places: [Problem.Place] = []
        func conflict(_ name: String, zh: String, en: String) { places.append(Problem.Place("/fields/\(name)", zh: zh, en: en)) }
        if old.primaryKey != new.primaryKey { places.append(Problem.Place("/primary_key", zh: "主键不能更改", en: "the primary key cannot change")) }
        for field in old.fields {
            guard let now = new.field(field.name) else {
                conflict(field.name, zh: "已发布的信息项不能删除", en: "a released field cannot be taken away")
                continue
            }
            if now.type != field.type { conflict(field.name, zh: "已发布的信息项不能更改类型", en: "a released field cannot change its type") }
            if field.visibility == .public, now.visibility != .public || now.mask != field.mask {
                conflict(field.name, zh: "已公开的信息项不能收回或改变脱敏方式", en: "a released field cannot be hidden or masked another way")
            }
        }
        let isSame = old.fields.map(Column.init) == new.fields.map(Column.init)
        self = !places.isEmpty ? .conflicting(places) : isSame ? .none : .additive
    }

    /// What of a field shows in the rows.
    private struct Column: Equatable {
        let name: String
        let type: FieldType
        let visibility: Visibility
        let mask: Mask?

        init(_ field: Field) {
            name = field.name
            type = field.type
            visibility = field.visibility
            mask = field.mask
        }
    }
}

extension TableSchema {
    /// Whether rows that have not changed say the same under this schema as under an older one: the same columns, and no roll-up that was not kept before.
    func saysTheSame(as old: TableSchema) -> Bool {
        func kept(_ schema: TableSchema) -> Set<String> { Set(schema.rollups.compactMap { try? RollupShape($0, schema: schema).signature }) }
        return SchemaChange(from: old, to: self) == .none && kept(self).isSubset(of: kept(old))
    }
}
