import Foundation
import Yams

/// What a YAML document may not hold when it stands for JSON.
public enum YAMLError: Error, Equatable {
    case keyIsNoText(line: Int?)
    case alias(line: Int?)
}

extension JSONValue {
    /// Reads YAML by its JSON schema (YAML 1.2 §10.2): only plain `true`, `false`, `null` and numbers are other than text.
    ///
    /// - Throws: ``YAMLError``, or the parser's error where the text is no YAML or repeats a key.
    public init(yaml: String) throws {
        guard let node = try Yams.compose(yaml: yaml) else {
            self = .null
            return
        }
        self = try JSONValue(node)
    }

    private init(_ node: Node) throws {
        switch node {
        case .scalar(let scalar):
            self = scalar.style == .plain ? JSONValue(plain: scalar.string) : .string(scalar.string)
        case .sequence(let sequence):
            self = .array(try sequence.map { try JSONValue($0) })
        case .mapping(let mapping):
            var object: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let name = key.scalar?.string else { throw YAMLError.keyIsNoText(line: key.mark?.line) }
                object[name] = try JSONValue(value)
            }
            self = .object(object)
        case .alias(let alias):
            throw YAMLError.alias(line: alias.mark?.line)
        }
    }

    private init(plain text: String) {
        switch text {
        case "", "null", "~": self = .null
        case "true": self = .bool(true)
        case "false": self = .bool(false)
        default:
            if text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil, let number = Decimal(string: text) {
                self = .number(number)
            } else {
                self = .string(text)
            }
        }
    }
}
