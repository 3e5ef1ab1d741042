internal import Model

extension Field {
    private static let longestText = 1_000_000
    private static let mostValues = 1000

    /// Everything that is wrong with the field itself; names are looked at by the schema.
    func validate(at path: String, _ list: inout PlaceList) {
        if title.zh.isEmpty { list.add("\(path)/title/zh", zh: "缺少中文名称", en: "the Chinese title is missing") }
        validateValues(path, &list)
        validateBounds(path, &list)
        if let pattern {
            if !isWord { list.add("\(path)/pattern", zh: "只有 text 和 code 可以有 pattern", en: "only text and code fields have patterns") }
            validatePattern(pattern, "\(path)/pattern", &list)
        }
        if let maxLength {
            if !isWord { list.add("\(path)/max_length", zh: "只有 text 和 code 可以有 max_length", en: "only text and code fields have a longest length") }
            if !(1...Self.longestText).contains(maxLength) {
                list.add("\(path)/max_length", zh: "应在 1 至 \(Self.longestText) 之间", en: "must be from 1 to \(Self.longestText)")
            }
        }
        validateProtection(path, &list)
    }

    var isWord: Bool { type == .text || type == .code }

    private func validateValues(_ path: String, _ list: inout PlaceList) {
        if let codeList {
            if !isWord { list.add("\(path)/code_list", zh: "只有 text 和 code 可以有代码表", en: "only text and code fields have code lists") }
            if !Self.isCodeListName(codeList) {
                list.add("\(path)/code_list", zh: "代码表名称只含小写字母、数字和连字符", en: "a code list's name holds lower-case letters, digits and hyphens")
            }
            if values != nil { list.add("\(path)/values", zh: "values 与 code_list 只能有一个", en: "give values or a code list, not both") }
        }
        guard let values else { return }
        if values.isEmpty || values.count > Self.mostValues {
            list.add("\(path)/values", zh: "应有 1 至 \(Self.mostValues) 个值；更多请用代码表", en: "give 1 to \(Self.mostValues) values; use a code list for more")
        }
        if type == .json || type == .geoPoint {
            list.add("\(path)/values", zh: "\(type) 不能列举取值", en: "a \(type) field cannot have a list of values")
            return
        }
        var seen: Set<String> = []
        for (index, value) in values.enumerated() {
            if !seen.insert(value).inserted { list.add("\(path)/values/\(index)", zh: "“\(value)”重复", en: "'\(value)' stands twice") }
            validateLiteral(value, "\(path)/values/\(index)", &list)
        }
    }

    private func validateBounds(_ path: String, _ list: inout PlaceList) {
        if minimum != nil || maximum != nil, !OrderKey.exists(for: type) {
            list.add(
                minimum != nil ? "\(path)/minimum" : "\(path)/maximum", zh: "\(type) 没有大小范围", en: "a \(type) field has no minimum or maximum")
            return
        }
        if let minimum { validateLiteral(minimum, "\(path)/minimum", &list, anySpelling: true) }
        if let maximum { validateLiteral(maximum, "\(path)/maximum", &list, anySpelling: true) }
        if let low = minimum.flatMap({ OrderKey.of(literal: $0, of: self) }), let high = maximum.flatMap({ OrderKey.of(literal: $0, of: self) }), low > high {
            list.add("\(path)/minimum", zh: "最小值大于最大值", en: "the minimum is greater than the maximum")
        }
    }

    /// A value of this field as it stands in a profile.
    ///
    /// - Parameter anySpelling: compared as quantities, so that `0` is good enough for `0.00`; lists compare spellings.
    func validateLiteral(_ literal: String, _ pointer: String, _ list: inout PlaceList, anySpelling: Bool = false) {
        guard let canonical = CanonicalText.of(literal, self) else {
            list.add(pointer, zh: "“\(literal)”不是 \(type) 的值", en: "'\(literal)' is no value of type \(type)")
            return
        }
        if !anySpelling, canonical != literal {
            list.add(pointer, zh: "应写作规范形式“\(canonical)”", en: "write it in its canonical spelling '\(canonical)'")
        }
    }

    private func validateProtection(_ path: String, _ list: inout PlaceList) {
        if mask != nil {
            if visibility != .public { list.add("\(path)/mask", zh: "只有公开的信息项才脱敏", en: "only a public field is masked") }
            if !isWord { list.add("\(path)/mask", zh: "只有 text 和 code 可以脱敏", en: "only text and code fields can be masked") }
        }
        if sensitivity == .sensitivePersonal, visibility == .public, mask == nil {
            list.add(
                "\(path)/visibility", zh: "敏感个人信息不得原样公开：请设为 department 或 private，或加 mask",
                en: "sensitive personal information may not be public as it is: make it department or private, or give it a mask")
        }
    }

    /// `^[a-z0-9][a-z0-9-]{0,99}$`, as reference data is loaded.
    static func isCodeListName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return (1...100).contains(bytes.count) && bytes[0] != 0x2D
            && bytes.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || $0.isDigit || $0 == 0x2D }
    }
}

func validatePattern(_ text: String, _ pointer: String, _ list: inout PlaceList) {
    do {
        _ = try Pattern(text)
    } catch {
        let place = error.place.map { ("第 \($0) 个字符：", "character \($0): ") } ?? ("", "")
        list.add(pointer, zh: "正则表达式无效：" + place.0 + error.zh, en: "invalid expression: " + place.1 + error.en)
    }
}
