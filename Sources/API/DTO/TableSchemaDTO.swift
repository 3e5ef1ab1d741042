import Foundation
import Model

/// The public fields of a schema as a Table Schema of Data Package 2 (https://datapackage.org/standard/table-schema/).
struct TableSchemaDTO: Encodable, Sendable {
    struct Constraints: Encodable, Sendable {
        var required: Bool?
        var `enum`: [String]?
        var minimum: String?
        var maximum: String?
        var pattern: String?
        var maxLength: Int?
    }

    struct FieldDTO: Encodable, Sendable {
        var name: String
        var title: String
        var description: String?
        var type: String
        var format: String?
        var unit: String?
        var codeList: String?
        var constraints: Constraints?
    }

    let schema = "https://datapackage.org/profiles/2.0/tableschema.json"
    var fields: [FieldDTO]
    let fieldsMatch = ["equal"]
    var primaryKey: [String]
    let missingValues = [""]

    // In the standard's own spelling: to be written without the house's `snake_case`.
    private enum CodingKeys: String, CodingKey {
        case schema = "$schema"
        case fields, fieldsMatch, primaryKey, missingValues
    }

    init(_ schema: TableSchema, language: Language) {
        fields = schema.publicFields.map { Self.field($0, isKey: schema.primaryKey.contains($0.name), language) }
        let names = Set(fields.map(\.name))
        primaryKey = schema.primaryKey.filter(names.contains)
    }

    private static func field(_ field: Field, isKey: Bool, _ language: Language) -> FieldDTO {
        let (type, format) = spelling(field.type)
        let isMasked = field.mask != nil
        // What a masked value may be is not what is seen of it.
        let constraints = Constraints(
            required: field.required || isKey ? true : nil, enum: isMasked ? nil : field.values, minimum: isMasked ? nil : field.minimum,
            maximum: isMasked ? nil : field.maximum, pattern: isMasked ? nil : field.pattern, maxLength: field.maxLength
        )
        let isFree = constraints.required == nil && constraints.enum == nil && constraints.minimum == nil && constraints.maximum == nil
            && constraints.pattern == nil && constraints.maxLength == nil
        return FieldDTO(
            name: field.name, title: field.title.text(in: language), description: field.description?.text(in: language), type: type, format: format,
            unit: field.unit, codeList: field.codeList, constraints: isFree ? nil : constraints
        )
    }

    private static func spelling(_ type: FieldType) -> (type: String, format: String?) {
        switch type {
        case .text, .code: ("string", nil)
        case .integer: ("integer", nil)
        case .decimal: ("number", nil)
        case .boolean: ("boolean", nil)
        case .date: ("date", "default")
        case .datetime: ("datetime", "default")
        // A period may be a year, a month or a quarter, for which there is no type.
        case .period: ("string", nil)
        case .geoPoint: ("geopoint", "default")
        case .json: ("object", nil)
        }
    }
}
