import Catalogue
import Model

/// The contract of one dataset, with its own columns (OpenAPI 3.1): what `openapi.yaml` has to leave open because every dataset has other fields.
struct DatasetContract {
    private let shape: DatasetShape
    let language: Language

    init(_ shape: DatasetShape, _ language: Language) {
        (self.shape, self.language) = (shape, language)
    }

    var id: String { shape.id }
    var schema: TableSchema { shape.schema }
    var hasPublicKey: Bool { shape.hasPublicKey }

    /// Names that belong to parameters of the routes; a field of such a name is asked for with `__eq`.
    private static let reserved = Set(
        RowQuery.parameterNames + ["dialect", "formula_guard", "group_by", "select", "having"])

    var document: JSONNode {
        [
            "openapi": "3.1.0",
            "info": [
                "title": .string(shape.title.text(in: language)), "version": .string(String(shape.version)),
                "description": .string(
                    text(
                        zh: "数据资源 \(id) 当前版本（\(shape.version)）的接口；字段为公开信息项。全部接口见 /openapi.yaml。",
                        en: "How the dataset \(id) is read, as of its version \(shape.version): its public fields. The whole interface is /openapi.yaml.")),
            ],
            "servers": [["url": "/"]],
            "paths": .object(paths),
            "components": [
                "parameters": .object(filterParameters + commonParameters),
                "responses": .object(problemResponses),
                "schemas": ["Row": row, "RowPage": Self.page(of: .reference("schemas", "Row")), "Problem": Self.problem],
            ],
        ]
    }

    func text(zh: String, en: String) -> String { LocalizedText(zh: zh, en: en).text(in: language) }

    // MARK: schemas

    private var row: JSONNode {
        .object([
            ("type", "object"), ("additionalProperties", false),
            (
                "description",
                .string(text(zh: "一行；用 fields 时只有所列信息项。缺失为 null。", en: "A row; with `fields`, only those. Missing values are null."))
            ),
            ("properties", .object(schema.publicFields.map { ($0.name, property($0)) })),
        ])
    }

    private func property(_ field: Field) -> JSONNode {
        var members: [(String, JSONNode)] = []
        let value = Self.value(field.type)
        for (name, content) in value {
            if name == "type", !schema.primaryKey.contains(field.name) { members.append(("type", .array([content, "null"]))) } else { members.append((name, content)) }
        }
        members.append(("title", .string(field.title.text(in: language))))
        if let description = describe(field) { members.append(("description", .string(description))) }
        return .object(members)
    }

    private func describe(_ field: Field) -> String? {
        var parts: [String] = []
        if let description = field.description { parts.append(description.text(in: language)) }
        if let unit = field.unit { parts.append(text(zh: "单位：\(unit)", en: "Unit: \(unit)")) }
        if field.mask != nil { parts.append(text(zh: "脱敏显示", en: "Shown masked")) }
        if field.mask == nil, let values = field.values { parts.append(text(zh: "取值：\(values.joined(separator: "、"))", en: "Values: \(values.joined(separator: ", "))")) }
        return parts.isEmpty ? nil : parts.joined(separator: text(zh: "；", en: ". "))
    }

    /// A value's schema; a json field has none.
    static func value(_ type: FieldType) -> [(String, JSONNode)] {
        switch type {
        case .text, .code: [("type", "string")]
        case .integer: [("type", "integer")]
        case .decimal: [("type", "number")]
        case .boolean: [("type", "boolean")]
        case .date: [("type", "string"), ("format", "date")]
        case .datetime: [("type", "string"), ("format", "date-time")]
        case .period: [("type", "string"), ("pattern", #"^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$"#)]
        case .geoPoint: [("type", "string")]
        case .json: []
        }
    }

    private static func page(of row: JSONNode) -> JSONNode {
        [
            "type": "object", "required": ["data", "meta", "links"],
            "properties": [
                "data": ["type": "array", "items": row],
                "meta": [
                    "type": "object", "required": ["version", "limit"],
                    "properties": ["version": ["type": "integer"], "limit": ["type": "integer"], "total": ["type": "integer"]],
                ],
                "links": ["type": "object", "required": ["self"], "properties": ["self": ["type": "string"], "next": ["type": "string"]]],
            ],
        ]
    }

    private static let problem: JSONNode = [
        "type": "object", "required": ["type", "title", "status", "code"], "description": "RFC 9457",
        "properties": [
            "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"], "detail": ["type": "string"], "instance": ["type": "string"],
            "code": ["type": "string", "pattern": "^DL[0-9]{4}$"],
            "places": [
                "type": "array",
                "items": ["type": "object", "properties": ["place": ["type": "string"], "message": ["type": "object"]]],
            ],
        ],
    ]

    // MARK: parameters

    /// One parameter for each public field and operator, by its name in `components`.
    private var filterParameters: [(String, JSONNode)] {
        schema.publicFields.flatMap { field in
            field.type.parameterOperators.map { (operation: String) -> (String, JSONNode) in
                let isPlain = operation == "eq" && !Self.reserved.contains(field.name)
                let name = isPlain ? field.name : "\(field.name)__\(operation)"
                let value: JSONNode =
                    switch operation {
                    case "null": ["type": "boolean"]
                    case "in": ["type": "array", "items": .object(Self.value(field.type)), "minItems": 1, "maxItems": .integer(Predicate.Limits.listValues)]
                    case "like": ["type": "string"]
                    default: .object(Self.value(field.type))
                    }
                var members: [(String, JSONNode)] = [
                    ("name", .string(name)), ("in", "query"), ("description", .string("\(field.title.text(in: language)) \(Self.sign(operation))")), ("schema", value),
                ]
                if operation == "in" { members += [("style", "form"), ("explode", false)] }
                return (name, .object(members))
            }
        }
    }

    private static func sign(_ operation: String) -> String {
        switch operation {
        case "eq": "="
        case "ne": "≠"
        case "gt": ">"
        case "gte": "≥"
        case "lt": "<"
        case "lte": "≤"
        case "in": "∈ a,b,\"c,d\""
        case "like": "LIKE (%, _, \\)"
        default: "IS NULL"
        }
    }

    var filterNames: [String] { filterParameters.map(\.0) }

    private var commonParameters: [(String, JSONNode)] {
        let names = schema.publicFields.map(\.name), ordered = schema.publicFields.filter(\.type.isOrdered).map(\.name)
        func list(_ names: [String], prefix: String) -> JSONNode {
            let one = "\(prefix)(\(names.joined(separator: "|")))"
            return ["type": "string", "pattern": .string("^\(one)(,\(one))*$")]
        }
        func parameter(_ id: String, _ schema: JSONNode, zh: String, en: String, name: String? = nil) -> (String, JSONNode) {
            ("_\(id)", ["name": .string(name ?? id), "in": "query", "description": .string(text(zh: zh, en: en)), "schema": schema])
        }
        var parameters = [
            parameter("fields", list(names, prefix: ""), zh: "要哪些信息项，按此次序", en: "Which fields, in this order"),
            parameter("limit", ["type": "integer", "minimum": 1, "maximum": 10000, "default": 100], zh: "一页的行数", en: "Rows of a page"),
            parameter("cursor", ["type": "string"], zh: "上一页 links.next 中的游标", en: "Where the page before ended, from its links.next"),
            parameter("version", ["type": "integer", "minimum": 1], zh: "版本号", en: "A version's number"),
            parameter("as_of", ["type": "string", "format": "date-time"], zh: "该时刻的版本", en: "The version that was current at this instant"),
            parameter("filter", ["type": "string", "maxLength": 8192], zh: "CQL2 条件，可用信息项见 queryables", en: "A condition in CQL2 over the fields of /queryables"),
            parameter("filter-lang", ["type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"], zh: "filter 的写法", en: "The encoding of filter"),
            parameter("dialect", ["type": "string", "enum": ["excel"]], zh: "excel：BOM 和 CRLF", en: "excel: byte order mark and CRLF"),
            parameter("group_by", ["type": "string"], zh: "分组：信息项、month(时间)、prefix(代码,位数)，逗号分隔", en: "What to group by: fields, month(time), prefix(code,digits), separated by commas"),
            parameter("select", ["type": "string"], zh: "计算什么：count(*)、sum(信息项)、p95(信息项)……", en: "What to compute: count(*), sum(field), p95(field)…"),
            parameter("having", ["type": "string"], zh: "对结果的条件", en: "Conditions on what was computed"),
            parameter("aggregate_sort", ["type": "string"], zh: "结果的次序，- 为降序", en: "Order of the groups, - for descending", name: "sort"),
            parameter("aggregate_limit", ["type": "integer", "minimum": 1, "maximum": 10000, "default": 100], zh: "最多返回的组数", en: "Groups returned at most", name: "limit"),
            parameter("formula_guard", ["type": "boolean", "default": false], zh: "在会被当作公式的文本前加撇号", en: "An apostrophe before text that a spreadsheet would take for a formula"),
        ]
        if !ordered.isEmpty {
            parameters.append(parameter("sort", list(ordered, prefix: "-?"), zh: "次序，- 为降序；缺失在后", en: "Order, - for descending; missing values last"))
        }
        return parameters
    }
}
