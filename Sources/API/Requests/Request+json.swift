import Foundation
import HTTPTypes
public import Hummingbird
import Model
import NIOCore

extension Request {
    /// Reads a JSON body with Model's decoder.
    /// - Parameter type: what it should be.
    /// - Throws: `unsupportedMediaType`, `payloadTooLarge`, or `invalidJSON` with the place as a JSON pointer.
    public func json<Value: Decodable>(_ type: Value.Type, _ context: AppContext) async throws -> Value {
        try requireMediaType("application/json")
        let body = try await self.body.collect(upTo: .max)
        do {
            return try JSON.decoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw Self.problem(of: error)
        }
    }

    /// Refuses a body of another media type; parameters such as `charset` are not looked at.
    /// - Parameter known: media types that are taken; `application/json` also takes `application/*+json`.
    /// - Throws: `unsupportedMediaType` naming those that are.
    public func requireMediaType(_ known: String...) throws {
        let field = headers[.contentType] ?? ""
        let type = field.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        for candidate in known {
            if type == candidate { return }
            if candidate == "application/json", type.hasPrefix("application/"), type.hasSuffix("+json") { return }
        }
        let names = known.joined(separator: ", ")
        throw Problem(
            .unsupportedMediaType,
            zh: "Content-Type 应为 \(names)",
            en: "Content-Type must be \(names)",
            places: [.init("Content-Type", zh: "应为 \(names)", en: "must be \(names)")]
        )
    }

    private static func problem(of error: DecodingError) -> Problem {
        let zh: String, en: String
        var path: [any CodingKey]
        switch error {
        case .typeMismatch(let expected, let context):
            path = context.codingPath
            zh = "类型不符，应为 \(name(expected, .zh))"
            en = "wrong type, expected \(name(expected, .en))"
        case .valueNotFound(_, let context):
            path = context.codingPath
            zh = "不得为空"
            en = "must not be null"
        case .keyNotFound(let key, let context):
            path = context.codingPath + [key]
            zh = "缺少该成员"
            en = "is missing"
        case .dataCorrupted(let context):
            path = context.codingPath
            if let known = (context.underlyingError as? UnlistedWord)?.known.joined(separator: ", ") {
                zh = "应为以下之一：\(known)"
                en = "must be one of: \(known)"
            } else {
                zh = path.isEmpty ? "不是有效的 JSON" : "值无效"
                en = path.isEmpty ? "is not valid JSON" : "has an invalid value"
            }
        @unknown default:
            path = []
            zh = "不是有效的 JSON"
            en = "is not valid JSON"
        }
        let pointer = path.map { key in
            "/" + (key.intValue.map(String.init) ?? snakeCase(key.stringValue))
        }.joined()
        return Problem(
            .invalidJSON,
            zh: "请求体\(pointer.isEmpty ? "" : "的 \(pointer) ")\(zh)",
            en: "\(pointer.isEmpty ? "the body" : "\(pointer) in the body") \(en)",
            places: [.init(pointer, zh: zh, en: en)]
        )
    }

    /// The member's name as the caller wrote it: the decoder names keys as Swift does.
    private static func snakeCase(_ name: String) -> String {
        var result = ""
        for character in name.replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1") {
            if character.isUppercase, !result.isEmpty { result += "_" }
            result += character.lowercased()
        }
        return result
    }

    private static func name(_ type: any Any.Type, _ language: Language) -> String {
        switch type {
        case is String.Type: language == .zh ? "字符串" : "a string"
        case is Bool.Type: language == .zh ? "布尔值" : "a boolean"
        case is any BinaryInteger.Type, is any BinaryFloatingPoint.Type: language == .zh ? "数字" : "a number"
        case is any Collection.Type: language == .zh ? "数组或对象" : "an array or object"
        default: language == .zh ? "对象" : "an object"
        }
    }
}
