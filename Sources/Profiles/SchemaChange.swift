public import Model

/// How a schema differs from the one that a dataset's current version was released with.
public enum SchemaChange: Sendable, Hashable {
    /// Readers see the same columns with the same meaning.
    case none
    /// There are more columns, or more of them are public.
    case additive
    /// Versions that are released could no longer be read as they were.
    case conflicting([Problem.Place])

    /// - Parameter path: the JSON pointer of the new schema in the document that it came in.
    public init(from old: TableSchema, to new: TableSchema, at path: String = "") {
        var places: [Problem.Place] = []
        if old.primaryKey != new.primaryKey {
            places.append(Problem.Place("\(path)/primary_key", zh: "已有发布版本，主键不能更改", en: "the primary key of released rows cannot change"))
        }
        for field in old.fields {
            guard let index = new.fields.firstIndex(where: { $0.name == field.name }) else {
                places.append(Problem.Place("\(path)/fields", zh: "已发布的信息项 \(field.name) 不能删除", en: "the released field \(field.name) cannot be taken away"))
                continue
            }
            let now = new.fields[index], place = "\(path)/fields/\(index)"
            if now.type != field.type {
                places.append(
                    Problem.Place("\(place)/type", zh: "已发布的信息项类型为 \(field.type)，不能更改", en: "a released field keeps its type \(field.type)"))
            }
            if field.visibility == .public, now.visibility != .public {
                places.append(Problem.Place("\(place)/visibility", zh: "已公开的信息项不能收回；请撤回", en: "a public field cannot be hidden; withdraw it"))
            }
            if field.visibility == .public, now.mask != field.mask {
                places.append(Problem.Place("\(place)/mask", zh: "已公开的信息项不能改变脱敏方式", en: "a public field keeps its mask"))
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
            (name, type, visibility, mask) = (field.name, field.type, field.visibility, field.mask)
        }
    }
}
