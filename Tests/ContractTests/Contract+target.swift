import Foundation
import TestSupport

extension Contract {
    /// A path with the examples of its parameters put in.
    func target(of path: String) throws -> String {
        try path.split(separator: "/", omittingEmptySubsequences: false).map { segment -> String in
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else { return String(segment) }
            let name = String(segment.dropFirst().dropLast())
            let parameters = operations.filter { $0.path == path }.flatMap { $0.content["parameters"]?.array ?? [] } + (document["paths"]?[path]?["parameters"]?.array ?? [])
            let example = parameters.compactMap(resolved).first { $0["name"]?.string == name }?["example"]
            guard let text = example?.string ?? example?.int.map(String.init) else { throw MissingExample(name: name, path: path) }
            if name == "path" { return text }
            return text.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed.subtracting(CharacterSet(charactersIn: "/"))) ?? text
        }.joined(separator: "/")
    }

    /// The header fields that an operation needs, with their examples.
    func requiredHeaders(of operation: Operation) -> [(String, String)] {
        (operation.content["parameters"]?.array ?? []).compactMap(resolved).compactMap { parameter in
            guard parameter["in"]?.string == "header", parameter["required"]?.bool == true, let name = parameter["name"]?.string else { return nil }
            return (name, parameter["example"]?.string ?? "")
        }
    }

    func operation(id: String) -> Operation? { operations.first { $0.id == id } }

    /// The example of an operation's request body.
    func requestExample(_ id: String) throws -> JSONValue {
        guard let example = operation(id: id)?.content["requestBody"]?["content"]?.object?.values.first?["example"] else {
            throw MissingExample(name: "request body", path: id)
        }
        return example
    }

    /// The same as the text of a JSON body.
    func requestText(_ id: String) throws -> String {
        String(decoding: try JSONEncoder().encode(requestExample(id)), as: UTF8.self)
    }
}

struct MissingExample: Error {
    var name: String
    var path: String
}
