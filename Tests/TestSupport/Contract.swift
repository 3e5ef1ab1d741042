public import Foundation

/// `openapi.yaml`, read for tests: which operations there are, and what each may answer.
public struct Contract: Sendable {
    /// One method on one path.
    public struct Operation: Sendable {
        public var id: String
        /// Upper case.
        public var method: String
        /// With templates, for example `/v1/datasets/{id}`.
        public var path: String
        public var content: JSONValue

        /// The documented statuses.
        public var statuses: [Int] { (content["responses"]?.object ?? [:]).keys.compactMap(Int.init).sorted() }
    }

    public let document: JSONValue
    public let operations: [Operation]

    private static let methods: Set<String> = ["get", "head", "put", "post", "patch", "delete", "options", "trace"]

    public init(yaml: String) throws {
        document = try JSONValue(yaml: yaml)
        operations = (document["paths"]?.object ?? [:]).flatMap { path, item in
            (item.object ?? [:]).filter { Self.methods.contains($0.key) }.map { method, content in
                Operation(id: content["operationId"]?.string ?? "", method: method.uppercased(), path: path, content: content)
            }
        }.sorted { ($0.path, $0.method) < ($1.path, $1.method) }
    }

    /// The project's contract.
    public static let daylight = Result { try Contract(yaml: Project.text("openapi.yaml")) }

    /// What a local reference leads to, or the value itself where it is none.
    public func resolved(_ value: JSONValue?) -> JSONValue? {
        guard let name = value?["$ref"]?.string, name.hasPrefix("#") else { return value }
        return resolved(document.at(pointer: String(name.dropFirst())))
    }

    /// - Parameter path: a real path without query.
    /// - Returns: the operation that serves it; a literal segment is preferred to a template.
    public func operation(_ method: String, _ path: String) -> Operation? {
        operations.filter { $0.method == method && Self.matches($0.path, path) }.min { $0.templateCount < $1.templateCount }
    }

    /// Whether any operation stands on the path.
    public func knows(path: String) -> Bool {
        operations.contains { Self.matches($0.path, path) }
    }

    private static func matches(_ template: String, _ path: String) -> Bool {
        let (a, b) = (template.split(separator: "/", omittingEmptySubsequences: false), path.split(separator: "/", omittingEmptySubsequences: false))
        // `{path}` at the end stands for all that follows, slashes too.
        let isOpen = a.last == "{path}" && b.count > a.count
        return (a.count == b.count || isOpen) && zip(a, b).allSatisfy { $0 == $1 || ($0.hasPrefix("{") && $0.hasSuffix("}") && !$1.isEmpty) }
    }

    /// Everything in which an answer differs from what the contract says of its operation and status.
    ///
    /// - Parameters:
    ///   - headers: by lower-case name.
    ///   - body: nil where it is not to be looked at, as in an answer to HEAD.
    public func violations(of operation: Operation, status: Int, headers: [String: String], body: Data?) -> [String] {
        guard let response = resolved(operation.content["responses"]?[String(status)]) else {
            return ["status \(status) is not documented; documented are \(operation.statuses.map(String.init).joined(separator: ", "))"]
        }
        return headerViolations(of: response, headers) + (body.map { bodyViolations(of: response, headers, $0) } ?? [])
    }

    private func headerViolations(of response: JSONValue, _ headers: [String: String]) -> [String] {
        (response["headers"]?.object ?? [:]).flatMap { name, reference -> [String] in
            let header = resolved(reference)
            guard let text = headers[name.lowercased()] else { return header?["required"]?.bool == true ? ["header \(name) is missing"] : [] }
            guard let schema = header?["schema"] else { return [] }
            let value = resolved(schema)?["type"]?.string == "integer" ? Int(text).map { JSONValue.number(Decimal($0)) } ?? .string(text) : .string(text)
            return JSONSchema(schema, in: document).violations(of: value).map { "header \(name) \($0.message)" }
        }
    }

    private func bodyViolations(of response: JSONValue, _ headers: [String: String], _ body: Data) -> [String] {
        guard let content = response["content"]?.object, !content.isEmpty else {
            return body.isEmpty ? [] : ["\(body.count) bytes of body where none is documented"]
        }
        let type = headers["content-type"]?.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() } ?? ""
        guard let media = content[type] else {
            return ["content type '\(type)' is not documented; documented are \(content.keys.sorted().joined(separator: ", "))"]
        }
        guard type == "application/json" || type.hasSuffix("+json"), let schema = media["schema"] else { return [] }
        guard let value = try? JSONValue(json: body) else { return ["the body is no JSON: \(String(decoding: body.prefix(200), as: UTF8.self))"] }
        return JSONSchema(schema, in: document).violations(of: value).map { "body \($0)" }
    }
}

extension Contract.Operation {
    fileprivate var templateCount: Int { path.count { $0 == "{" } }
}
