import Model

/// The fields that the filter tests ask about: one of every type, two that can be compared with one another, and a hidden one.
enum FilterFields {
    static let all = QueryableFields(
        TableSchema(
            fields: [
                field("code", .code), field("name", .text), field("height", .decimal(precision: 6, scale: 2)), field("width", .decimal(precision: 6, scale: 2)),
                field("steps", .integer), field("automated", .boolean), field("lit_on", .date), field("out_on", .date), field("seen_at", .datetime),
                field("season", .period), field("spot", .geoPoint), field("lamps", .json), field("in", .integer), field("date", .date),
                Field(name: "budget", title: LocalizedText(zh: "预算"), type: .decimal(precision: 20, scale: 2), visibility: .department),
            ],
            primaryKey: ["code"]
        ))

    private static func field(_ name: String, _ type: FieldType) -> Field {
        Field(name: name, title: LocalizedText(zh: name), type: type, visibility: .public)
    }

    static func text(_ filter: String) throws -> Predicate { try FilterLanguage.text.predicate(filter, fields: all) }
    static func json(_ filter: String) throws -> Predicate { try FilterLanguage.json.predicate(filter, fields: all) }

    static func fault(_ filter: String, _ language: FilterLanguage = .text) -> FilterFault? {
        do {
            _ = try language.predicate(filter, fields: all)
            return nil
        } catch {
            return error
        }
    }
}
