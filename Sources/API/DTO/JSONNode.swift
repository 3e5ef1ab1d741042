/// JSON that is put together by hand; members stay in the order in which they were written.
enum JSONNode: Sendable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case array([JSONNode])
    case object([(String, JSONNode)])

    func write(into text: inout JSONText) {
        switch self {
        case .string(let value): text.string(value)
        case .integer(let value): text.raw(String(value))
        case .boolean(let value): text.raw(value ? "true" : "false")
        case .array(let items):
            text.raw("[")
            for (index, item) in items.enumerated() {
                if index > 0 { text.raw(",") }
                item.write(into: &text)
            }
            text.raw("]")
        case .object(let members):
            text.raw("{")
            for (index, member) in members.enumerated() {
                if index > 0 { text.raw(",") }
                text.string(member.0)
                text.raw(":")
                member.1.write(into: &text)
            }
            text.raw("}")
        }
    }
}

extension JSONNode: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }
    init(arrayLiteral elements: JSONNode...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONNode)...) { self = .object(elements) }

    static func reference(_ section: String, _ name: String) -> JSONNode { ["$ref": .string("#/components/\(section)/\(name)")] }
}
