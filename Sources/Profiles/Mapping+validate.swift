public import Model

extension Mapping {
    /// Everything that is wrong with the mapping for rows of this schema; places are JSON pointers into the mapping.
    public func validate(against schema: TableSchema) -> [Problem.Place] {
        var list = PlaceList(at: "")
        if let delimiter, ![",", ";", "\t"].contains(delimiter) {
            list.add("/delimiter", zh: "分隔符只能是逗号、分号或制表符", en: "the delimiter is a comma, a semicolon or a tab")
        }
        if let charset, charset.isEmpty || charset.utf8.count > 40 || !charset.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            list.add("/charset", zh: "字符集须为 IANA 名称，如 GB18030", en: "a charset is an IANA name such as GB18030")
        }
        if steps.count > Self.mostSteps { list.add("/steps", zh: "步骤超过 \(Self.mostSteps) 个", en: "more than \(Self.mostSteps) steps") }

        // Columns that steps speak of may be named by later steps; whether the file has them is seen when one comes.
        var names = Set(schema.fields.flatMap { [$0.name, $0.title.zh, $0.title.en].compactMap { $0 } + $0.aliases })
        for step in steps { names.formUnion(step.columnNames) }
        // Exports of several years may call one column differently: several renames to one field are alternatives. Anything else would be overwritten.
        var filled: [String: Int] = [:]
        for (index, step) in steps.enumerated() {
            let path = "/steps/\(index)"
            StepRules(step: step, schema: schema, path: path, names: names).validate(&list)
            for (name, pointer) in step.targets where schema.field(name) != nil {
                if let earlier = filled[name], step.kind != .rename || steps[earlier].kind != .rename || steps[earlier].from == step.from {
                    list.add("\(path)/\(pointer)", zh: "“\(name)”已由第 \(earlier + 1) 步填写", en: "'\(name)' is filled by step \(earlier + 1) already")
                }
                filled[name] = index
            }
        }
        if steps.count(where: { $0.kind == .unpivot }) > 1 {
            list.add("/steps", zh: "只能有一个 unpivot 步骤", en: "there can be one unpivot step only")
        }
        return list.places
    }

    private static let mostSteps = 200
}

extension Mapping.Step {
    /// The parameters of each kind, by their names in JSON: what it must have and what it may have.
    static func parameters(of kind: Kind) -> (needed: [String], optional: [String]) {
        switch kind {
        case .rename: (["from", "to"], [])
        case .constant: (["to", "value"], [])
        case .composeDatetime: (["to"], ["parts", "defaults", "from", "format", "offset"])
        case .unpivot: (["columns", "name_to", "value_to"], [])
        case .missing: (["tokens"], ["fields"])
        case .strip: ([], ["fields", "prefix", "suffix"])
        case .number: ([], ["fields", "thousands", "decimal", "unit", "power", "round"])
        case .cleanCode: (["fields"], ["pad_to"])
        case .translate: (["fields", "values"], [])
        case .ignore: (["fields"], [])
        }
    }

    fileprivate var given: [String] {
        let all: [(String, Bool)] = [
            ("from", from != nil), ("to", to != nil), ("value", value != nil), ("fields", fields != nil), ("parts", parts != nil), ("defaults", defaults != nil),
            ("format", format != nil), ("offset", offset != nil), ("columns", columns != nil), ("name_to", nameTo != nil), ("value_to", valueTo != nil),
            ("tokens", tokens != nil), ("prefix", prefix != nil), ("suffix", suffix != nil), ("thousands", thousands != nil), ("decimal", decimal != nil),
            ("unit", unit != nil), ("power", power != nil), ("round", round != nil), ("pad_to", padTo != nil), ("values", values != nil),
        ]
        return all.filter(\.1).map(\.0)
    }

    /// Columns of the file that the step names.
    fileprivate var columnNames: [String] {
        [from].compactMap { $0 } + (columns ?? []) + (parts.map { Array($0.values) } ?? []) + (kind == .ignore ? fields ?? [] : [])
    }

    /// Fields that the step fills, with the parameter that names each.
    fileprivate var targets: [(String, String)] {
        [(to, "to"), (nameTo, "name_to"), (valueTo, "value_to")].compactMap { name, pointer in name.map { ($0, pointer) } }
    }
}

/// Holds one step's parameters against its kind and the schema.
private struct StepRules {
    let step: Mapping.Step
    let schema: TableSchema
    let path: String
    let names: Set<String>

    func validate(_ list: inout PlaceList) {
        let (needed, optional) = Mapping.Step.parameters(of: step.kind)
        let given = step.given
        for name in needed where !given.contains(name) {
            list.add("\(path)/\(name)", zh: "\(step.kind.rawValue) 需要参数“\(name)”", en: "\(step.kind.rawValue) needs the parameter '\(name)'")
        }
        for name in given where !needed.contains(name) && !optional.contains(name) {
            list.add("\(path)/\(name)", zh: "\(step.kind.rawValue) 没有参数“\(name)”", en: "\(step.kind.rawValue) has no parameter '\(name)'")
        }
        for (name, pointer) in step.targets where schema.field(name) == nil {
            list.add("\(path)/\(pointer)", zh: "没有信息项“\(name)”", en: "there is no field '\(name)'")
        }
        if step.kind != .ignore {
            for (index, name) in (step.fields ?? []).enumerated() where !names.contains(name) {
                list.add(
                    "\(path)/fields/\(index)", zh: "“\(name)”既不是信息项，也不是其他步骤提到的列", en: "'\(name)' is neither a field nor a column that another step names")
            }
        }
        for pointer in ["fields", "columns", "tokens"] where isEmptyList(pointer) { list.add("\(path)/\(pointer)", zh: "不能为空", en: "must not be empty") }
        validateDetails(&list)
    }

    private func isEmptyList(_ pointer: String) -> Bool {
        switch pointer {
        case "fields": step.fields?.isEmpty ?? false
        case "columns": step.columns?.isEmpty ?? false
        default: step.tokens?.isEmpty ?? false
        }
    }

    private func validateDetails(_ list: inout PlaceList) {
        switch step.kind {
        case .composeDatetime: validateDatetime(&list)
        case .unpivot:
            if Set(step.columns ?? []).count != step.columns?.count { list.add("\(path)/columns", zh: "列名重复", en: "a column stands twice") }
            if let name = step.nameTo, name == step.valueTo { list.add("\(path)/value_to", zh: "name_to 与 value_to 须不同", en: "name_to and value_to must differ") }
        case .number: validateNumber(&list)
        case .cleanCode:
            if let width = step.padTo, !(1...64).contains(width) { list.add("\(path)/pad_to", zh: "应在 1 至 64 之间", en: "must be from 1 to 64") }
        case .translate:
            if step.values?.isEmpty ?? false { list.add("\(path)/values", zh: "不能为空", en: "must not be empty") }
        case .rename, .constant, .missing, .strip, .ignore: break
        }
    }

    private static let partNames = ["year", "month", "day", "hour", "minute", "second"]

    private func validateDatetime(_ list: inout PlaceList) {
        if (step.parts == nil) == (step.from == nil) {
            list.add("\(path)/parts", zh: "parts 与 from 必须且只能有一个", en: "give either parts or from")
        }
        let type = step.to.flatMap(schema.field)?.type
        if step.from == nil, step.format != nil { list.add("\(path)/format", zh: "format 须与 from 一起给出", en: "a format goes with from") }
        if step.from != nil, step.format == nil {
            // Without a format there is nothing that the step could do for types that carry no offset.
            if type == .date || type == .period { list.add("\(path)/format", zh: "须与 from 一起给出", en: "goes with from") }
            if step.defaults != nil { list.add("\(path)/defaults", zh: "须有 parts 或 format", en: "needs parts or a format") }
        }
        if type == .datetime, step.offset == nil {
            list.add("\(path)/offset", zh: "须注明时区，如 +08:00", en: "name the offset from UTC, such as +08:00")
        }
        for name in (step.parts?.keys.sorted() ?? []) where !Self.partNames.contains(name) {
            list.add("\(path)/parts/\(name.pointerToken)", zh: "只有 \(Self.partNames.joined(separator: "、"))", en: "parts are \(Self.partNames.joined(separator: ", "))")
        }
        for (name, value) in (step.defaults ?? [:]).sorted(by: { $0.key < $1.key }) {
            let limits = ["year": 1...9999, "month": 1...12, "day": 1...31, "hour": 0...23, "minute": 0...59, "second": 0...59][name]
            if !(limits?.contains(value) ?? false) { list.add("\(path)/defaults/\(name.pointerToken)", zh: "不是时间的组成部分或超出范围", en: "no part of a time, or out of its range") }
        }
        if let offset = step.offset, Mapping.Step.minutes(ofOffset: offset) == nil {
            list.add("\(path)/offset", zh: "时区应写作 +08:00", en: "write an offset as +08:00")
        }
        if let to = step.to, let type {
            switch type {
            case .datetime, .date, .period: break
            default: list.add("\(path)/to", zh: "“\(to)”须为 datetime、date 或 period", en: "'\(to)' must be a datetime, date or period")
            }
        }
        if let format = step.format { validateFormat(format, &list) }
    }

    private func validateFormat(_ format: String, _ list: inout PlaceList) {
        var letters: [Character: Int] = [:]
        var previous: Character?
        for character in format where character.isASCII && character.isLetter {
            if character != "T" { letters[character, default: 0] += 1 }
            previous = character
        }
        let limits: [Character: [Int]] = ["y": [4], "M": [1, 2], "d": [1, 2], "H": [1, 2], "m": [1, 2], "s": [1, 2]]
        if previous == nil || letters.contains(where: { !(limits[$0]?.contains($1) ?? false) }) {
            list.add("\(path)/format", zh: "只能由 yyyy、M/MM、d/dd、H/HH、m/mm、s/ss 和其他字符组成", en: "use yyyy, M or MM, d or dd, H or HH, m or mm, s or ss, and other characters")
        }
        for (letter, name) in [("y", "year"), ("M", "month"), ("d", "day")] where letters[Character(letter)] == nil && step.defaults?[name] == nil {
            list.add("\(path)/format", zh: "格式和 defaults 都没有 \(name)", en: "neither the format nor defaults give the \(name)")
        }
    }

    private func validateNumber(_ list: inout PlaceList) {
        for (mark, pointer) in [(step.thousands, "thousands"), (step.decimal, "decimal")] {
            if let mark, mark.count != 1 || mark.first!.isNumber || mark == "-" || mark == "+" {
                list.add("\(path)/\(pointer)", zh: "应为一个字符，且不是数字或正负号", en: "one character that is no digit and no sign")
            }
        }
        if let mark = step.thousands, mark == step.decimal ?? "." {
            list.add("\(path)/thousands", zh: "千位分隔符与小数点相同", en: "the thousands mark is the decimal mark")
        }
        if let power = step.power, !(-30...30).contains(power) { list.add("\(path)/power", zh: "应在 -30 至 30 之间", en: "must be from -30 to 30") }
        if let round = step.round, !(0...38).contains(round) { list.add("\(path)/round", zh: "应在 0 至 38 之间", en: "must be from 0 to 38") }
    }
}

extension Mapping.Step {
    /// Minutes east of UTC of an offset written `±hh:mm` or `Z`; nil where it is none.
    public static func minutes(ofOffset text: String) -> Int? {
        if text == "Z" { return 0 }
        let bytes = Array(text.utf8)
        guard bytes.count == 6, bytes[0] == 0x2B || bytes[0] == 0x2D, bytes[3] == 0x3A, [1, 2, 4, 5].allSatisfy({ bytes[$0].isDigit }) else { return nil }
        func two(_ i: Int) -> Int { Int(bytes[i] - 0x30) * 10 + Int(bytes[i + 1] - 0x30) }
        guard two(1) <= 14, two(4) < 60 else { return nil }
        return (bytes[0] == 0x2D ? -1 : 1) * (two(1) * 60 + two(4))
    }
}
