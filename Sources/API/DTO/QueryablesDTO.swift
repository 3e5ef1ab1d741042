import Foundation
import Model

/// What a filter may name, as a JSON Schema (OGC API - Features, part 3, requirement queryables/get-queryables-response).
struct QueryablesDTO: Encodable, Sendable {
    struct Queryable: Encodable, Sendable {
        var title: String
        var description: String?
        var type: String?
        var format: String?
        var `enum`: [String]?
        /// The field's place in a row (OGC 23-058, property sequence); members of an object have none.
        var sequence: Int
        var unit: String?
        var operators: [String]

        private enum CodingKeys: String, CodingKey {
            case title, description, type, format, `enum`
            case sequence = "x-ogc-propertySeq"
            case unit = "x-ogc-unit"
            case operators = "x-operators"
        }
    }

    let schema = "https://json-schema.org/draft/2020-12/schema"
    var id: String
    let type = "object"
    var title: String
    var properties: [String: Queryable]
    let additionalProperties = false

    // In the standards' own spelling: to be written without the house's `snake_case`.
    private enum CodingKeys: String, CodingKey {
        case schema = "$schema"
        case id = "$id"
        case type, title, properties, additionalProperties
    }

    /// - Parameter path: the address of the document.
    init(_ schema: TableSchema, title: String, path: String, language: Language) {
        id = path
        self.title = title
        properties = Dictionary(
            schema.publicFields.enumerated().map { ($1.name, Self.queryable($1, sequence: $0 + 1, language)) }, uniquingKeysWith: { first, _ in first })
    }

    private static func queryable(_ field: Field, sequence: Int, _ language: Language) -> Queryable {
        let (type, format) = spelling(field.type)
        return Queryable(
            title: field.title.text(in: language), description: field.description?.text(in: language), type: type, format: format,
            // What a masked value may be is not what is seen of it.
            enum: field.mask == nil && type == "string" ? field.values : nil, sequence: sequence, unit: field.unit, operators: field.type.filterOperators)
    }

    private static func spelling(_ type: FieldType) -> (type: String?, format: String?) {
        switch type {
        case .text, .code, .period, .geoPoint: ("string", nil)
        case .integer: ("integer", nil)
        case .decimal: ("number", nil)
        case .boolean: ("boolean", nil)
        case .date: ("string", "date")
        case .datetime: ("string", "date-time")
        case .json: (nil, nil)
        }
    }
}
