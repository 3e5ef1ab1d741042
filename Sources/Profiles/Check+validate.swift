internal import Model

extension Check {
    /// The parameters of each kind, by their names in JSON: what it must have and what it may have.
    static func parameters(of kind: Kind) -> (needed: [String], optional: [String]) {
        switch kind {
        case .required: (["field"], [])
        case .range: (["field"], ["minimum", "maximum", "minimum_field", "maximum_field"])
        case .pattern: (["field", "pattern"], [])
        case .codeList: (["field", "list"], [])
        case .identifierChecksum: (["field", "scheme"], [])
        case .dateOrder: (["earlier", "later"], ["minimum_days"])
        case .conditionalRequired: (["field", "when"], [])
        case .sumEquals: (["parts", "total"], ["tolerance"])
        case .tolerance: (["field", "other", "tolerance"], [])
        case .unique: (["fields"], [])
        case .foreignKey: (["fields", "dataset", "references"], [])
        case .hierarchySums: (["code", "amount", "lengths"], ["group_by", "tolerance"])
        case .balance: (["side", "amount", "left", "right"], ["group_by", "tolerance"])
        case .monotoneTime: (["field"], ["group_by"])
        }
    }

    /// The parameters that this check gives.
    private var given: [String] {
        let all: [(String, Bool)] = [
            ("field", field != nil), ("fields", fields != nil), ("list", list != nil), ("pattern", pattern != nil), ("minimum", minimum != nil),
            ("maximum", maximum != nil), ("minimum_field", minimumField != nil), ("maximum_field", maximumField != nil), ("scheme", scheme != nil),
            ("earlier", earlier != nil), ("later", later != nil), ("minimum_days", minimumDays != nil), ("dataset", dataset != nil), ("references", references != nil), ("parts", parts != nil),
            ("total", total != nil), ("code", code != nil), ("amount", amount != nil), ("group_by", groupBy != nil), ("lengths", lengths != nil),
            ("side", side != nil), ("left", left != nil), ("right", right != nil), ("other", other != nil), ("tolerance", tolerance != nil),
            ("when", when != nil),
        ]
        return all.filter(\.1).map(\.0)
    }

    /// Everything that is wrong with the check against the fields of its schema.
    func validate(in schema: TableSchema, at path: String, _ list: inout PlaceList) {
        let (needed, optional) = Self.parameters(of: kind)
        let given = given
        for name in needed where !given.contains(name) {
            list.add("\(path)/\(name)", zh: "\(kind.rawValue) 需要参数“\(name)”", en: "\(kind.rawValue) needs the parameter '\(name)'")
        }
        for name in given where name != "when" && !needed.contains(name) && !optional.contains(name) {
            list.add("\(path)/\(name)", zh: "\(kind.rawValue) 没有参数“\(name)”", en: "\(kind.rawValue) has no parameter '\(name)'")
        }
        guard needed.allSatisfy(given.contains) else { return }
        let before = list.places.count
        validateNames(schema, path, &list)
        // Types of fields that do not exist cannot be looked at.
        guard list.places.count == before else { return }
        CheckTypes(check: self, schema: schema, path: path).validate(&list)
    }

    private func validateNames(_ schema: TableSchema, _ path: String, _ list: inout PlaceList) {
        let singles = [
            ("field", field), ("minimum_field", minimumField), ("maximum_field", maximumField), ("earlier", earlier), ("later", later), ("total", total),
            ("code", code), ("amount", amount), ("side", side), ("other", other), ("when/field", when?.field),
        ]
        for (pointer, name) in singles {
            if let name, schema.field(name) == nil { list.add("\(path)/\(pointer)", zh: "没有信息项“\(name)”", en: "there is no field '\(name)'") }
        }
        for (pointer, names) in [("fields", fields), ("parts", parts), ("group_by", groupBy)] {
            guard let names else { continue }
            if names.isEmpty, pointer != "group_by" { list.add("\(path)/\(pointer)", zh: "不能为空", en: "must not be empty") }
            schema.validateReferences(names, "\(path)/\(pointer)", &list)
        }
    }
}

/// Holds a check's parameters against the types of the fields that they name, all of which exist.
private struct CheckTypes {
    let check: Check
    let schema: TableSchema
    let path: String
    /// Sums of this many digits and parts stay within 128 bits.
    private static let mostDigits = 36
    private static let mostParts = 100

    private func type(_ name: String?) -> FieldType? { name.flatMap { schema.field($0)?.type } }

    func validate(_ list: inout PlaceList) {
        validateCondition(&list)
        switch check.kind {
        case .required, .conditionalRequired, .unique: break
        case .range: validateRange(&list)
        case .pattern:
            if type(check.field) != .period { word(check.field, "field", &list) }
            if let pattern = check.pattern { validatePattern(pattern, "\(path)/pattern", &list) }
        case .codeList:
            word(check.field, "field", &list)
            if let name = check.list, !Field.isCodeListName(name) {
                list.add("\(path)/list", zh: "代码表名称只含小写字母、数字和连字符", en: "a code list's name holds lower-case letters, digits and hyphens")
            }
        case .identifierChecksum: word(check.field, "field", &list)
        case .dateOrder:
            time(check.earlier, "earlier", &list)
            if type(check.earlier) != type(check.later) { list.add("\(path)/later", zh: "两个信息项的类型须相同", en: "both fields must have the same type") }
            guard let days = check.minimumDays else { break }
            if days < 1 { list.add("\(path)/minimum_days", zh: "应为正整数", en: "give a whole number above 0") }
            if type(check.earlier) != .date { list.add("\(path)/minimum_days", zh: "只用于 date 类型", en: "only for fields of type date") }
        case .sumEquals:
            quantities((check.parts ?? []).enumerated().map { ($1, "parts/\($0)") } + [(check.total ?? "", "total")], &list)
            if (check.parts ?? []).contains(check.total ?? "") { list.add("\(path)/total", zh: "合计不能是分项之一", en: "the total cannot be one of its parts") }
            if (check.parts ?? []).count > Self.mostParts { list.add("\(path)/parts", zh: "分项超过 \(Self.mostParts) 个", en: "more than \(Self.mostParts) parts") }
        case .tolerance:
            quantities([(check.field ?? "", "field"), (check.other ?? "", "other")], &list)
        case .foreignKey:
            if check.fields?.count != check.references?.count {
                list.add("\(path)/references", zh: "references 与 fields 的个数须相同", en: "fields and references must be equally many")
            }
            if let dataset = check.dataset, !Identifiers.isDatasetIdentifier(dataset) {
                list.add("\(path)/dataset", zh: "不是数据资源标识", en: "not a dataset's identifier")
            }
            for (index, name) in (check.references ?? []).enumerated() where !Identifiers.isFieldName(name) {
                list.add("\(path)/references/\(index)", zh: "不是信息项名称", en: "not a field's name")
            }
        case .hierarchySums:
            word(check.code, "code", &list)
            quantities([(check.amount ?? "", "amount")], &list)
            let lengths = check.lengths ?? []
            if lengths.count < 2 || lengths.contains(where: { $0 < 1 }) || zip(lengths, lengths.dropFirst()).contains(where: { $0 >= $1 }) {
                list.add("\(path)/lengths", zh: "应为至少两个递增的编码长度，如 [3, 5, 7]", en: "give two or more growing code lengths, such as [3, 5, 7]")
            }
        case .balance:
            quantities([(check.amount ?? "", "amount")], &list)
            for (pointer, values) in [("left", check.left ?? []), ("right", check.right ?? [])] {
                if values.isEmpty { list.add("\(path)/\(pointer)", zh: "不能为空", en: "must not be empty") }
                for (index, value) in values.enumerated() { schema.field(check.side ?? "")?.validateLiteral(value, "\(path)/\(pointer)/\(index)", &list) }
            }
            if !Set(check.left ?? []).isDisjoint(with: check.right ?? []) { list.add("\(path)/right", zh: "左右两方有相同的值", en: "left and right share a value") }
        case .monotoneTime: time(check.field, "field", &list)
        }
    }

    private func validateRange(_ list: inout PlaceList) {
        guard let name = check.field, let field = schema.field(name) else { return }
        if !OrderKey.exists(for: field.type) { list.add("\(path)/field", zh: "\(field.type) 没有大小", en: "values of type \(field.type) have no order") }
        if check.minimum == nil, check.maximum == nil, check.minimumField == nil, check.maximumField == nil {
            list.add("\(path)/minimum", zh: "range 至少需要一个界限", en: "range needs at least one bound")
        }
        for (literal, pointer, other) in [(check.minimum, "minimum", check.minimumField), (check.maximum, "maximum", check.maximumField)] {
            guard let literal else { continue }
            field.validateLiteral(literal, "\(path)/\(pointer)", &list, anySpelling: true)
            if other != nil { list.add("\(path)/\(pointer)", zh: "\(pointer) 与 \(pointer)_field 只能有一个", en: "give \(pointer) or \(pointer)_field, not both") }
        }
        let others = [(check.minimumField, "minimum_field"), (check.maximumField, "maximum_field")].compactMap { name, pointer in name.map { ($0, pointer) } }
        if Quantity.wholeDigits(of: field.type) != nil {
            quantities([(name, "field")] + others, &list)
        } else {
            for (other, pointer) in others where type(other) != field.type {
                list.add("\(path)/\(pointer)", zh: "须与“\(name)”类型相同", en: "must have the type of '\(name)'")
            }
        }
    }

    private func validateCondition(_ list: inout PlaceList) {
        guard let when = check.when, let field = schema.field(when.field) else { return }
        let place = "\(path)/when"
        if when.values.isEmpty, when.minimum == nil, when.maximum == nil, when.present == nil {
            list.add(place, zh: "条件需要 values、minimum、maximum 或 present", en: "a condition needs values, minimum, maximum or present")
        }
        for (index, value) in when.values.enumerated() where !value.isEmpty { field.validateLiteral(value, "\(place)/values/\(index)", &list) }
        for (literal, pointer) in [(when.minimum, "minimum"), (when.maximum, "maximum")] {
            guard let literal else { continue }
            if !OrderKey.exists(for: field.type) {
                list.add("\(place)/\(pointer)", zh: "\(field.type) 没有大小", en: "values of type \(field.type) have no order")
            } else {
                field.validateLiteral(literal, "\(place)/\(pointer)", &list, anySpelling: true)
            }
        }
        if check.kind.isAboutSet, when.minimum != nil || when.maximum != nil || when.present != nil {
            list.add(place, zh: "\(check.kind.rawValue) 的条件只能用 values", en: "a condition of \(check.kind.rawValue) can use values only")
        }
    }

    private func word(_ name: String?, _ pointer: String, _ list: inout PlaceList) {
        if let name, let field = schema.field(name), !field.isWord {
            list.add("\(path)/\(pointer)", zh: "“\(name)”须为 text 或 code", en: "'\(name)' must be text or code")
        }
    }

    private func time(_ name: String?, _ pointer: String, _ list: inout PlaceList) {
        switch type(name) {
        case .date?, .datetime?, .period?: break
        default: list.add("\(path)/\(pointer)", zh: "须为 date、datetime 或 period", en: "must be a date, datetime or period")
        }
    }

    /// Numbers that can be compared and added exactly, and a tolerance that is one.
    private func quantities(_ names: [(String, String)], _ list: inout PlaceList) {
        var whole = 0
        var places = 0
        for (name, pointer) in names {
            guard let type = type(name), let digits = Quantity.wholeDigits(of: type) else {
                list.add("\(path)/\(pointer)", zh: "“\(name)”须为 integer 或 decimal", en: "'\(name)' must be an integer or a decimal")
                continue
            }
            whole = max(whole, digits)
            places = max(places, Quantity.places(of: type))
        }
        if let tolerance = check.tolerance {
            places = max(places, Quantity.places(of: tolerance))
            if tolerance.hasPrefix("-") || places > Self.mostDigits || Quantity.literal(tolerance, scale: min(places, 38)) == nil {
                list.add("\(path)/tolerance", zh: "应为不小于零的十进制数", en: "must be a decimal number of zero or more")
            }
        }
        if whole + places > Self.mostDigits {
            list.add(
                path, zh: "各信息项合起来有 \(whole) 位整数和 \(places) 位小数，超过可精确计算的 \(Self.mostDigits) 位",
                en: "the fields have \(whole) digits before and \(places) after the point; exact sums need \(Self.mostDigits) or fewer in all")
        }
    }
}
