public import Model

extension TableSchema {
    /// Everything that is wrong with the schema; empty where it can be used.
    ///
    /// - Parameter path: the JSON pointer of the schema in the document that it came in.
    public func validate(at path: String = "") -> [Problem.Place] {
        var list = PlaceList(at: path)
        if fields.isEmpty { list.add("/fields", zh: "至少要有一个信息项", en: "at least one field is needed") }
        if fields.count > Self.mostFields {
            list.add("/fields", zh: "信息项超过 \(Self.mostFields) 个", en: "more than \(Self.mostFields) fields")
        }
        validateNames(&list)
        for (index, field) in fields.enumerated() { field.validate(at: "/fields/\(index)", &list) }
        validateKey(&list)
        validateOrder(&list)
        if checks.count > Self.mostChecks { list.add("/checks", zh: "校验规则超过 \(Self.mostChecks) 条", en: "more than \(Self.mostChecks) checks") }
        for (index, check) in checks.enumerated() { check.validate(in: self, at: "/checks/\(index)", &list) }
        validateDerived(&list)
        validateRollups(&list)
        return list.places
    }

    static let mostFields = 500
    /// PostgreSQL indexes hold 32 columns; one is left for the version columns.
    private static let mostKeyFields = 31
    private static let mostIndexes = 20
    private static let mostChecks = 300
    /// Names of query parameters of the row addresses, which a filter on the field would collide with.
    private static let reservedNames: Set<String> = ["as_of", "cursor", "dialect", "fields", "filter", "limit", "sort", "version"]
    /// Columns that PostgreSQL gives every table itself; a table with one of its own cannot be made.
    private static let systemColumns: Set<String> = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"]

    private func validateNames(_ list: inout PlaceList) {
        var owners: [String: Int] = [:]
        for (index, field) in fields.enumerated() {
            if !Identifiers.isFieldName(field.name) {
                list.add(
                    "/fields/\(index)/name", zh: "名称须以小写字母开头，只含小写字母、数字和下划线，最长 63 个字符",
                    en: "a name begins with a lower-case letter and holds lower-case letters, digits and underscores, 63 at most")
            } else if Self.reservedNames.contains(field.name) || field.name.contains("__") {
                list.add(
                    "/fields/\(index)/name", zh: "“\(field.name)”是查询参数的保留写法，请换一个名称",
                    en: "'\(field.name)' is kept for query parameters; choose another name")
            } else if Self.systemColumns.contains(field.name) {
                list.add(
                    "/fields/\(index)/name", zh: "“\(field.name)”是数据库的系统列名，请换一个名称",
                    en: "'\(field.name)' is a column of the database's own; choose another name")
            }
            for (text, pointer) in [(field.name, "name"), (field.title.zh, "title/zh")] + field.aliases.enumerated().map({ ($1, "aliases/\($0)") }) {
                if let owner = owners[text], owner != index {
                    list.add(
                        "/fields/\(index)/\(pointer)", zh: "“\(text)”已用于信息项“\(fields[owner].name)”，表头将无法区分",
                        en: "'\(text)' already stands for the field '\(fields[owner].name)'; a header could not tell them apart")
                } else if owners[text] == index, pointer.hasPrefix("aliases") {
                    list.add("/fields/\(index)/\(pointer)", zh: "别名“\(text)”重复", en: "the alias '\(text)' says nothing new")
                } else {
                    owners[text] = index
                }
            }
        }
    }

    private func validateKey(_ list: inout PlaceList) {
        if primaryKey.isEmpty { list.add("/primary_key", zh: "主键不能为空", en: "the primary key is empty") }
        if primaryKey.count > Self.mostKeyFields {
            list.add("/primary_key", zh: "主键超过 \(Self.mostKeyFields) 个信息项", en: "more than \(Self.mostKeyFields) fields in the primary key")
        }
        validateReferences(primaryKey, "/primary_key", &list)
        for (index, name) in primaryKey.enumerated() {
            guard let field = field(name) else { continue }
            let place = "/primary_key/\(index)"
            if field.visibility != .public || field.mask != nil {
                list.add(place, zh: "主键“\(name)”必须公开且不脱敏，否则行无法引用", en: "the key field '\(name)' must be public and unmasked, or rows could not be named")
            }
            if field.type == .json { list.add(place, zh: "json 不能作主键", en: "a json field cannot be part of the key") }
            // An absent text or code in a key is the empty string; other types have no such value.
            if !field.required, field.type != .text, field.type != .code {
                list.add(place, zh: "主键“\(name)”的类型为 \(field.type)，必须标为 required", en: "the key field '\(name)' is of type \(field.type) and must be required")
            }
        }
    }

    private func validateOrder(_ list: inout PlaceList) {
        validateReferences(naturalOrder, "/natural_order", &list)
        for (index, name) in naturalOrder.enumerated() where field(name).map({ !$0.isSortable }) ?? false {
            list.add("/natural_order/\(index)", zh: "“\(name)”不能用来排序：须公开、不脱敏，且不是 json", en: "rows cannot be ordered by '\(name)': it must be public, unmasked and not json")
        }
        if let timeField {
            switch field(timeField)?.type {
            case .date?, .datetime?, .period?, .integer?: break
            case nil: list.add("/time_field", zh: "没有信息项“\(timeField)”", en: "there is no field '\(timeField)'")
            default:
                list.add("/time_field", zh: "时间信息项须为 date、datetime、period 或表示年份的 integer", en: "a time field is a date, datetime, period, or an integer year")
            }
        }
        if indexes.count > Self.mostIndexes { list.add("/indexes", zh: "索引超过 \(Self.mostIndexes) 个", en: "more than \(Self.mostIndexes) indexes") }
        for (index, names) in indexes.enumerated() {
            let place = "/indexes/\(index)"
            if names.isEmpty || names.count > Self.mostKeyFields {
                list.add(place, zh: "索引须有 1 至 \(Self.mostKeyFields) 个信息项", en: "an index has 1 to \(Self.mostKeyFields) fields")
            }
            validateReferences(names, place, &list)
            for (position, name) in names.enumerated() where field(name).map({ !$0.isSortable }) ?? false {
                list.add("\(place)/\(position)", zh: "“\(name)”不能索引：须公开、不脱敏，且不是 json", en: "'\(name)' cannot be indexed: it must be public, unmasked and not json")
            }
        }
    }

    private func validateDerived(_ list: inout PlaceList) {
        var filled: Set<String> = []
        for (index, formula) in derived.enumerated() {
            let path = "/derived/\(index)"
            formula.validate(in: self, at: path, &list)
            for name in formula.targets {
                if !filled.insert(name).inserted { list.add(path, zh: "“\(name)”由两个公式填写", en: "'\(name)' is filled by two formulas") }
                if formula.sources.contains(name) { list.add(path, zh: "“\(name)”是自身公式的输入", en: "'\(name)' goes into its own formula") }
            }
        }
    }

    private func validateRollups(_ list: inout PlaceList) {
        if rollups.count > Rollup.limit { list.add("/rollups", zh: "汇总超过 \(Rollup.limit) 个", en: "more than \(Rollup.limit) roll-ups") }
        var names: Set<String> = [], contents: Set<[String]> = []
        for (index, rollup) in rollups.enumerated() {
            let path = "/rollups/\(index)"
            if !Identifiers.isFieldName(rollup.name) {
                list.add(
                    "\(path)/name", zh: "名称须以小写字母开头，只含小写字母、数字和下划线，最长 63 个字符",
                    en: "a name begins with a lower-case letter and holds lower-case letters, digits and underscores, 63 at most")
            }
            if !names.insert(rollup.name).inserted { list.add("\(path)/name", zh: "“\(rollup.name)”重复", en: "'\(rollup.name)' stands twice") }
            do {
                let shape = try RollupShape(rollup, schema: self)
                if !contents.insert(shape.groups.map(\.name).sorted() + [""] + shape.parts.map(\.name).sorted()).inserted { list.add(path, zh: "与前面的汇总内容相同", en: "keeps the same as one before it") }
            } catch let problem as Problem {
                for place in problem.places {
                    list.add("\(path)/\(place.place)", zh: place.message.zh, en: place.message.text(in: .en))
                }
            } catch {
                list.add(path, zh: "汇总无效", en: "not a roll-up")
            }
        }
    }

    /// Names that are no fields, and names that stand twice.
    func validateReferences(_ names: [String], _ pointer: String, _ list: inout PlaceList) {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() {
            if field(name) == nil { list.add("\(pointer)/\(index)", zh: "没有信息项“\(name)”", en: "there is no field '\(name)'") }
            if !seen.insert(name).inserted { list.add("\(pointer)/\(index)", zh: "“\(name)”重复", en: "'\(name)' stands twice") }
        }
    }
}

extension Field {
    fileprivate var isSortable: Bool { visibility == .public && mask == nil && type != .json }
}
