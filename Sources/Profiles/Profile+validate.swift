public import Model

extension Profile {
    private static let longestTerm = 100_000

    /// Everything that is wrong with the profile; empty where it can be loaded. Places are JSON pointers.
    public func validate() -> [Problem.Place] {
        var list = PlaceList(at: "")
        if !Identifiers.isDatasetIdentifier(id) {
            list.add("/id", zh: "标识须为 2 至 100 个小写字母、数字或连字符，不以连字符开头", en: "an id is 2 to 100 lower-case letters, digits and hyphens, and begins with no hyphen")
        }
        if version < 1 { list.add("/version", zh: "版本号从 1 开始", en: "versions count from 1") }
        if title.zh.isEmpty { list.add("/title/zh", zh: "缺少中文名称", en: "the Chinese title is missing") }
        if description.zh.isEmpty { list.add("/description/zh", zh: "缺少中文说明", en: "the Chinese description is missing") }
        if !Identifiers.isFieldName(domain) {
            list.add("/domain", zh: "领域代码以小写字母开头，只含小写字母、数字和下划线", en: "a domain's code begins with a lower-case letter and holds lower-case letters, digits and underscores")
        }
        validateTerms(&list)
        validateDates(&list)
        validateEndings(&list)
        for (name, terms) in [("dcat", mappings?.dcat), ("ocds", mappings?.ocds)] {
            for key in (terms ?? [:]).keys.sorted() { validateTermKey(key, "/mappings/\(name)/\(key.pointerToken)", &list) }
        }
        return list.places + schema.validate(at: "/schema")
    }

    private func validateTerms(_ list: inout PlaceList) {
        for (value, pointer) in [(freshness?.value, "/freshness/value"), (publishingDeadline?.value, "/publishing_deadline/value")] {
            if let value, !(1...Self.longestTerm).contains(value) { list.add(pointer, zh: "应为正整数", en: "must be a whole number from 1 on") }
        }
        if publishingDeadline?.source.isEmpty ?? false { list.add("/publishing_deadline/source", zh: "请写明依据", en: "name the rule that sets it") }
        if publicityWindow?.source.isEmpty ?? false { list.add("/publicity_window/source", zh: "请写明依据", en: "name the rule that sets it") }
    }

    private func validateDates(_ list: inout PlaceList) {
        let dates = [
            (publishingDeadline?.from, "/publishing_deadline/from"), (publicityWindow?.from, "/publicity_window/from"),
            (publicityWindow?.until, "/publicity_window/until"),
        ]
        for (name, pointer) in dates {
            guard let name else { continue }
            switch schema.field(name)?.type {
            case .date?, .datetime?: break
            case nil: list.add(pointer, zh: "没有信息项“\(name)”", en: "there is no field '\(name)'")
            default: list.add(pointer, zh: "“\(name)”须为 date 或 datetime", en: "'\(name)' must be a date or datetime")
            }
        }
    }

    private func validateEndings(_ list: inout PlaceList) {
        for (index, ending) in (publicityWindow?.endsWhen ?? []).enumerated() {
            let pointer = "/publicity_window/ends_when/\(index)"
            guard let field = schema.field(ending.field) else {
                list.add(pointer + "/field", zh: "没有信息项“\(ending.field)”", en: "there is no field '\(ending.field)'")
                continue
            }
            if ending.in.isEmpty { list.add(pointer + "/in", zh: "至少一个值", en: "at least one value") }
            for (place, value) in ending.in.enumerated() {
                if field.type.literal(value) != value {
                    list.add("\(pointer)/in/\(place)", zh: "不是 \(field.type) 的规范写法", en: "is no \(field.type) in canonical spelling")
                } else if let values = field.values, !values.contains(value) {
                    list.add("\(pointer)/in/\(place)", zh: "不在“\(field.name)”的取值中", en: "is none of the values of '\(field.name)'")
                }
            }
        }
    }

    private func validateTermKey(_ key: String, _ pointer: String, _ list: inout PlaceList) {
        let parts = key.split(separator: "=", maxSplits: 1).map(String.init)
        guard let name = parts.first, let field = schema.field(name) else {
            list.add(pointer, zh: "没有信息项“\(parts.first ?? "")”", en: "there is no field '\(parts.first ?? "")'")
            return
        }
        if parts.count == 2, let values = field.values, !values.contains(parts[1]) {
            list.add(pointer, zh: "“\(parts[1])”不在“\(name)”的取值中", en: "'\(parts[1])' is none of the values of '\(name)'")
        }
    }
}
