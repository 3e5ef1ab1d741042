internal import Foundation

/// A value of a structured field (RFC 8941 section 3.3), as far as signatures need it.
public enum StructuredItem: Sendable, Hashable {
    case integer(Int)
    case string(String)
    case token(String)
    case bytes([UInt8])
    case boolean(Bool)

    /// The one spelling (RFC 8941 section 4.1).
    var text: String {
        switch self {
        case .integer(let value): String(value)
        case .string(let value): "\"" + value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
        case .token(let value): value
        case .bytes(let value): ":\(Data(value).base64EncodedString()):"
        case .boolean(let value): value ? "?1" : "?0"
        }
    }
}

/// A member of a dictionary: an item or a list in brackets, with its parameters in their order.
struct StructuredMember: Sendable, Hashable {
    enum Value: Sendable, Hashable {
        case item(StructuredItem)
        case list([(StructuredItem, [Parameter])])

        static func == (a: Value, b: Value) -> Bool { StructuredMember.text(a) == StructuredMember.text(b) }

        func hash(into hasher: inout Hasher) { hasher.combine(StructuredMember.text(self)) }
    }

    struct Parameter: Sendable, Hashable {
        var name: String
        var value: StructuredItem
    }

    var value: Value
    var parameters: [Parameter]

    subscript(name: String) -> StructuredItem? { parameters.last { $0.name == name }?.value }

    /// The one spelling.
    var text: String { Self.text(value) + Self.text(parameters) }

    static func text(_ value: Value) -> String {
        switch value {
        case .item(let item): item.text
        case .list(let items): "(" + items.map { $0.0.text + text($0.1) }.joined(separator: " ") + ")"
        }
    }

    static func text(_ parameters: [Parameter]) -> String {
        parameters.map { $0.value == .boolean(true) ? ";\($0.name)" : ";\($0.name)=\($0.value.text)" }.joined()
    }
}

/// Reads a dictionary of structured fields (RFC 8941 section 4.2.2).
struct StructuredDictionary {
    /// Members in their order; of one name the last one counts.
    private(set) var members: [(name: String, member: StructuredMember)] = []
    private var bytes: ArraySlice<UInt8>

    /// - Returns: nil where the text is none, or longer than 16 KiB.
    init?(_ text: String) {
        guard text.utf8.count <= 16_384 else { return nil }
        bytes = Array(text.utf8)[...]
        skip(" ")
        while !bytes.isEmpty {
            guard let name = key() else { return nil }
            var value = StructuredMember.Value.item(.boolean(true))
            if take("=") {
                guard let read = peek("(") ? list() : item().map({ .item($0) }) else { return nil }
                value = read
            }
            guard let parameters = parameters() else { return nil }
            members.removeAll { $0.name == name }
            members.append((name, StructuredMember(value: value, parameters: parameters)))
            skip(" \t")
            if bytes.isEmpty { return }
            guard take(",") else { return nil }
            skip(" \t")
            if bytes.isEmpty { return nil }
        }
    }

    subscript(name: String) -> StructuredMember? { members.first { $0.name == name }?.member }

    private func peek(_ character: Unicode.Scalar) -> Bool { bytes.first == UInt8(ascii: character) }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek(character) else { return false }
        bytes.removeFirst()
        return true
    }

    private mutating func skip(_ characters: String) {
        let set = Array(characters.utf8)
        bytes = bytes.drop { set.contains($0) }
    }

    private mutating func run(_ accept: (UInt8) -> Bool) -> String {
        let part = bytes.prefix(while: accept)
        bytes = bytes.dropFirst(part.count)
        return String(decoding: part, as: UTF8.self)
    }

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private mutating func key() -> String? {
        guard let first = bytes.first, Self.isLower(first) || first == UInt8(ascii: "*") else { return nil }
        return run { Self.isLower($0) || Self.isDigit($0) || Array("_-.*".utf8).contains($0) }
    }

    private mutating func parameters() -> [StructuredMember.Parameter]? {
        var parameters: [StructuredMember.Parameter] = []
        while take(";") {
            skip(" ")
            guard let name = key() else { return nil }
            var value = StructuredItem.boolean(true)
            if take("=") {
                guard let read = item() else { return nil }
                value = read
            }
            if let place = parameters.firstIndex(where: { $0.name == name }) { parameters[place].value = value } else { parameters.append(.init(name: name, value: value)) }
        }
        return parameters
    }

    private mutating func list() -> StructuredMember.Value? {
        guard take("(") else { return nil }
        var items: [(StructuredItem, [StructuredMember.Parameter])] = []
        while true {
            skip(" ")
            if take(")") { return .list(items) }
            guard let item = item(), let parameters = parameters(), peek(" ") || peek(")") else { return nil }
            items.append((item, parameters))
        }
    }

    private mutating func item() -> StructuredItem? {
        guard let first = bytes.first else { return nil }
        switch first {
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: ":"):
            bytes.removeFirst()
            let text = run { $0 != UInt8(ascii: ":") }
            guard take(":"), let data = Data(base64Encoded: text) else { return nil }
            return .bytes(Array(data))
        case UInt8(ascii: "?"):
            bytes.removeFirst()
            if take("1") { return .boolean(true) }
            return take("0") ? .boolean(false) : nil
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let text = run { Self.isDigit($0) || $0 == UInt8(ascii: "-") }
            guard text.utf8.count <= 16, let value = Int(text) else { return nil }
            return .integer(value)
        default:
            guard Self.isLower(first) || (0x41...0x5A).contains(first) || first == UInt8(ascii: "*") else { return nil }
            return .token(run { Self.isLower($0) || Self.isDigit($0) || (0x41...0x5A).contains($0) || Array("!#$%&'*+-.^_`|~:/".utf8).contains($0) })
        }
    }

    private mutating func string() -> StructuredItem? {
        bytes.removeFirst()
        var text: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return .string(String(decoding: text, as: UTF8.self))
            case UInt8(ascii: "\\"):
                guard let next = bytes.popFirst(), next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else { return nil }
                text.append(next)
            case 0x20...0x7E: text.append(byte)
            default: return nil
            }
        }
        return nil
    }
}
