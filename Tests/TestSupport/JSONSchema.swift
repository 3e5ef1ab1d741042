import Foundation

/// A JSON Schema (2020-12) validator for the keywords that `openapi.yaml` uses.
///
/// A keyword or format that it does not know is a violation: the document cannot say what the tests do not check.
public struct JSONSchema: Sendable {
    /// One place where a value and its schema, or a schema and this validator, disagree.
    public struct Violation: Sendable, Hashable, CustomStringConvertible {
        /// JSON pointer into the value, or into the schema.
        public var place: String
        public var message: String

        public var description: String { "\(place.isEmpty ? "/" : place): \(message)" }
    }

    private let schema: JSONValue
    /// What `$ref` points into.
    private let document: JSONValue

    /// - Parameters:
    ///   - schema: the schema to validate against.
    ///   - document: the document that local references point into; the schema itself where nil.
    public init(_ schema: JSONValue, in document: JSONValue? = nil) {
        self.schema = schema
        self.document = document ?? schema
    }

    public func violations(of value: JSONValue) -> [Violation] {
        violations(of: value, against: schema, at: "")
    }

    static let annotations: Set<String> = [
        "title", "description", "examples", "example", "default", "deprecated", "readOnly", "writeOnly", "$comment", "$defs", "contentMediaType",
    ]
    static let assertions: Set<String> = [
        "$ref", "type", "enum", "const", "properties", "required", "additionalProperties", "propertyNames", "minProperties", "items", "minItems", "maxItems",
        "uniqueItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "oneOf", "anyOf", "allOf", "not",
    ]

    private func violations(of value: JSONValue, against schema: JSONValue, at place: String) -> [Violation] {
        if let allowed = schema.bool { return allowed ? [] : [Violation(place: place, message: "nothing is allowed here")] }
        guard let keywords = schema.object else { return [Violation(place: place, message: "the schema is neither object nor boolean")] }
        return keywords.sorted { $0.key < $1.key }.flatMap { keyword, content in
            violations(of: value, keyword, content, schema, at: place)
        }
    }

    private func violations(of value: JSONValue, _ keyword: String, _ content: JSONValue, _ schema: JSONValue, at place: String) -> [Violation] {
        func fail(_ message: String) -> [Violation] { [Violation(place: place, message: message)] }
        switch keyword {
        case "$ref":
            guard let name = content.string, name.hasPrefix("#"), let target = document.at(pointer: String(name.dropFirst())) else {
                return fail("the reference \(content.brief) leads nowhere")
            }
            return violations(of: value, against: target, at: place)
        case "type":
            let names = content.array?.compactMap(\.string) ?? [content.string].compactMap { $0 }
            return names.contains { value.isOf(type: $0) } ? [] : fail("is not \(names.joined(separator: " or ")): \(value.brief)")
        case "enum": return content.array?.contains(value) == true ? [] : fail("is none of the allowed values: \(value.brief)")
        case "const": return value == content ? [] : fail("is not \(content.brief): \(value.brief)")
        case "oneOf":
            let matching = (content.array ?? []).filter { violations(of: value, against: $0, at: place).isEmpty }.count
            return matching == 1 ? [] : fail("matches \(matching) of the alternatives instead of one: \(value.brief)")
        case "anyOf":
            let matches = (content.array ?? []).contains { violations(of: value, against: $0, at: place).isEmpty }
            return matches ? [] : fail("matches no alternative: \(value.brief)")
        case "allOf": return (content.array ?? []).flatMap { violations(of: value, against: $0, at: place) }
        case "not": return violations(of: value, against: content, at: place).isEmpty ? fail("matches what it must not: \(value.brief)") : []
        default:
            guard Self.assertions.contains(keyword) || Self.annotations.contains(keyword) else { return fail("the schema has an unknown keyword \(keyword)") }
            switch value {
            case .object(let members): return check(members, keyword, content, schema, at: place)
            case .array(let items): return check(items, keyword, content, at: place)
            case .string(let text): return check(text, keyword, content).map(fail) ?? []
            case .number(let number): return check(number, keyword, content).map(fail) ?? []
            case .null, .bool: return []
            }
        }
    }

    private func check(_ members: [String: JSONValue], _ keyword: String, _ content: JSONValue, _ schema: JSONValue, at place: String) -> [Violation] {
        switch keyword {
        case "properties":
            return (content.object ?? [:]).flatMap { name, schema in
                members[name].map { violations(of: $0, against: schema, at: "\(place)/\(name)") } ?? []
            }
        case "required":
            return (content.array ?? []).compactMap(\.string).filter { members[$0] == nil }.map { Violation(place: place, message: "lacks \($0)") }
        case "additionalProperties":
            let known = Set((schema["properties"]?.object ?? [:]).keys)
            return members.filter { !known.contains($0.key) }.flatMap { violations(of: $0.value, against: content, at: "\(place)/\($0.key)") }
        case "propertyNames":
            return members.keys.flatMap { violations(of: .string($0), against: content, at: "\(place)/\($0)") }
        case "minProperties":
            return members.count < content.int ?? 0 ? [Violation(place: place, message: "has fewer members than \(content.brief)")] : []
        default: return []
        }
    }

    private func check(_ items: [JSONValue], _ keyword: String, _ content: JSONValue, at place: String) -> [Violation] {
        func fail(_ message: String) -> [Violation] { [Violation(place: place, message: message)] }
        switch keyword {
        case "items": return items.enumerated().flatMap { violations(of: $1, against: content, at: "\(place)/\($0)") }
        case "minItems": return items.count < content.int ?? 0 ? fail("has \(items.count) items, fewer than \(content.brief)") : []
        case "maxItems": return items.count > content.int ?? .max ? fail("has \(items.count) items, more than \(content.brief)") : []
        case "uniqueItems": return content.bool == true && Set(items).count < items.count ? fail("repeats an item") : []
        default: return []
        }
    }

    private func check(_ text: String, _ keyword: String, _ content: JSONValue) -> String? {
        switch keyword {
        case "minLength": return text.unicodeScalars.count < content.int ?? 0 ? "is shorter than \(content.brief): \(text)" : nil
        case "maxLength": return text.unicodeScalars.count > content.int ?? .max ? "is longer than \(content.brief)" : nil
        case "pattern":
            guard let pattern = content.string, let expression = try? Regex(pattern) else { return "the schema's pattern is no regular expression: \(content.brief)" }
            return text.firstMatch(of: expression) == nil ? "does not match \(pattern): \(text)" : nil
        case "format":
            guard let format = StringFormat(rawValue: content.string ?? "") else { return "the schema has an unknown format \(content.brief)" }
            return format.admits(text) ? nil : "is no \(format.rawValue): \(text)"
        default: return nil
        }
    }

    private func check(_ number: Decimal, _ keyword: String, _ content: JSONValue) -> String? {
        guard let bound = content.decimal else { return nil }
        switch keyword {
        case "minimum": return number < bound ? "is below \(bound): \(number)" : nil
        case "maximum": return number > bound ? "is above \(bound): \(number)" : nil
        case "exclusiveMinimum": return number <= bound ? "is not above \(bound): \(number)" : nil
        default: return nil
        }
    }
}

extension JSONSchema {
    /// Every keyword, format, pattern and reference in the schema, and in those inside it, that this validator could not check.
    public func unknownKeywords() -> [Violation] {
        unknownKeywords(in: schema, at: "")
    }

    private func unknownKeywords(in schema: JSONValue, at place: String) -> [Violation] {
        if schema.bool != nil { return [] }
        guard let members = schema.object else { return [Violation(place: place, message: "a schema is an object or a boolean")] }
        return members.sorted { $0.key < $1.key }.flatMap { keyword, content -> [Violation] in
            let inner = "\(place)/\(keyword)"
            switch keyword {
            case "properties", "$defs": return (content.object ?? [:]).flatMap { unknownKeywords(in: $0.value, at: "\(inner)/\($0.key)") }
            case "items", "additionalProperties", "propertyNames", "not": return unknownKeywords(in: content, at: inner)
            case "oneOf", "anyOf", "allOf": return (content.array ?? []).enumerated().flatMap { unknownKeywords(in: $1, at: "\(inner)/\($0)") }
            case "format": return StringFormat(rawValue: content.string ?? "") == nil ? [Violation(place: inner, message: "unknown format \(content.brief)")] : []
            case "pattern": return (try? Regex(content.string ?? "")) == nil ? [Violation(place: inner, message: "no regular expression: \(content.brief)")] : []
            case "$ref":
                let target = content.string.flatMap { $0.hasPrefix("#") ? document.at(pointer: String($0.dropFirst())) : nil }
                return target == nil ? [Violation(place: inner, message: "the reference \(content.brief) leads nowhere")] : []
            default:
                let known = Self.annotations.contains(keyword) || Self.assertions.contains(keyword)
                return known ? [] : [Violation(place: inner, message: "unknown keyword")]
            }
        }
    }
}

extension JSONValue {
    fileprivate func isOf(type: String) -> Bool {
        switch (self, type) {
        case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"), (.object, "object"):
            return true
        case (.number(var number), "integer"):
            var whole = Decimal()
            NSDecimalRound(&whole, &number, 0, .plain)
            return whole == number
        default: return false
        }
    }
}
