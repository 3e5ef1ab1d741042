import Model

extension DatasetContract {
    private var base: String { "/v1/datasets/\(id)" }

    /// What can be asked of the dataset, by address.
    var paths: [(String, JSONNode)] {
        let states = ["version", "as_of"], conditions = ["filter", "filter-lang"], order = ["fields"] + (schema.publicFields.contains { $0.type.isOrdered } ? ["sort"] : [])
        var paths: [(String, JSONNode)] = [
            (
                "\(base)/rows",
                get(
                    "listRows", zh: "按页读取行", en: "Pages of rows", parameters: filterNames + (conditions + order + ["limit", "cursor"] + states).map { "_\($0)" },
                    ("application/json", .reference("schemas", "RowPage")), refusals: [400, 404, 410, 422])
            )
        ]
        if hasPublicKey {
            let shape = schema.primaryKey.joined(separator: ",")
            let key: JSONNode = [
                "name": "key", "in": "path", "required": true, "schema": ["type": "string"],
                "description": .string(text(zh: "主键值 \(shape)，逗号分隔，各自百分号编码", en: "The values of \(shape), each percent-encoded, separated by commas")),
            ]
            let answer: JSONNode = [
                "type": "object", "required": ["data", "meta"],
                "properties": ["data": .reference("schemas", "Row"), "meta": ["type": "object", "required": ["version"], "properties": ["version": ["type": "integer"]]]],
            ]
            paths.append(
                (
                    "\(base)/rows/{key}",
                    get("getRow", zh: "按主键读取一行", en: "One row by its key", first: [key], parameters: states.map { "_\($0)" }, ("application/json", answer), refusals: [400, 404, 410])
                ))
        }
        let bulk = filterNames + (conditions + order + ["cursor"] + states).map { "_\($0)" }
        paths.append(
            (
                "\(base)/rows.csv",
                get(
                    "getRowsCSV", zh: "全部所选行的 CSV，列为信息项名", en: "All chosen rows as CSV; columns are field names", parameters: bulk + ["_dialect", "_formula_guard"],
                    ("text/csv", ["type": "string"]), refusals: [400, 404, 410])
            ))
        paths.append(
            (
                "\(base)/rows.ndjson",
                get(
                    "getRowsNDJSON", zh: "全部所选行，每行一个 JSON 对象（Row）", en: "All chosen rows, one JSON object (Row) per line", parameters: bulk,
                    ("application/x-ndjson", ["type": "string"]), refusals: [400, 404, 410])
            ))
        paths.append(
            (
                "\(base)/data.csv",
                get(
                    "getData", zh: "当前版本的文件", en: "The current version as a file", parameters: ["_as_of", "_dialect"], ("text/csv", ["type": "string"]),
                    refusals: [400, 404, 410, 416])
            ))
        paths.append(
            (
                "\(base)/data.csv.gz",
                get(
                    "getDataGzip", zh: "当前版本的 gzip 文件", en: "The current version as a gzip file", parameters: ["_as_of"], ("application/gzip", [:]),
                    refusals: [400, 404, 410, 416])
            ))
        paths.append(
            (
                "\(base)/data.xlsx",
                get(
                    "getDataWorkbook", zh: "当前版本的 Excel 工作簿", en: "The current version as an Excel workbook", parameters: ["_as_of"],
                    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", [:]), refusals: [400, 404, 410, 416, 422])
            ))
        paths.append(
            (
                "\(base)/aggregate",
                get(
                    "aggregateRows", zh: "分组统计", en: "Groups of rows with what is computed of them",
                    parameters: filterNames + (conditions + ["group_by", "select", "having", "aggregate_sort", "aggregate_limit"] + states).map { "_\($0)" },
                    ("application/json", groups), refusals: [400, 404, 410, 422])
            ))
        paths.append(
            (
                "\(base)/queryables",
                get(
                    "getQueryables", zh: "可用于 filter 的信息项", en: "The fields that filter may name, as JSON Schema", parameters: [],
                    ("application/schema+json", ["type": "object"]), refusals: [404, 410])
            ))
        return paths
    }

    /// Columns are named by the question, so no more can be said of a group.
    private var groups: JSONNode {
        [
            "type": "object", "required": ["data", "meta"],
            "properties": [
                "data": ["type": "array", "items": ["type": "object"]],
                "meta": [
                    "type": "object", "required": ["version", "limit", "truncated", "rollup"],
                    "properties": [
                        "version": ["type": "integer"], "limit": ["type": "integer"], "truncated": ["type": "boolean"], "rollup": ["type": ["string", "null"]],
                    ],
                ],
            ],
        ]
    }

    private func get(
        _ name: String, zh: String, en: String, first: [JSONNode] = [], parameters: [String], _ answer: (media: String, schema: JSONNode), refusals: [Int]
    ) -> JSONNode {
        let refusals = refusals + [429, 503]
        let media: JSONNode = ["schema": answer.schema]
        let content: JSONNode = .object([(answer.media, media)])
        var responses: [(String, JSONNode)] = [("200", ["description": .string(text(zh: zh, en: en)), "content": content])]
        for status in refusals { responses.append((String(status), .reference("responses", "Problem\(status)"))) }
        return [
            "get": [
                "operationId": .string(name), "summary": .string(text(zh: zh, en: en)),
                "parameters": .array(first + parameters.map { .reference("parameters", $0) }), "responses": .object(responses),
            ]
        ]
    }

    /// The refusals that the operations name.
    var problemResponses: [(String, JSONNode)] {
        let meanings = [
            (400, "参数有误，places 指明位置", "A parameter is wrong; places says which"), (404, "没有", "There is none"), (410, "已撤回", "Withdrawn"),
            (416, "范围无法满足", "The range cannot be satisfied"), (422, "查询代价过高", "The query would cost too much"), (429, "请求过多", "Too many requests"),
            (503, "服务暂不可用", "Not available at the moment"),
        ]
        return meanings.map { status, zh, en in
            let response: JSONNode = [
                "description": .string(text(zh: zh, en: en)), "content": ["application/problem+json": ["schema": .reference("schemas", "Problem")]],
            ]
            return ("Problem\(status)", response)
        }
    }
}
