internal import Foundation
internal import Model

/// What the codec objected to, in our words.
struct DecodingFault {
    private let pointer: String
    private let zh: String
    private let en: String

    var place: Problem.Place { Problem.Place(pointer, zh: zh, en: en) }

    func place(below path: String) -> Problem.Place { Problem.Place(path + pointer, zh: zh, en: en) }

    init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let name = Self.snakeCase(key.stringValue)
            pointer = Self.pointer(context.codingPath) + "/" + name.pointerToken
            let hint = Self.allowed(at: context.codingPath + [key])
            zh = "缺少成员“\(name)”" + (hint.map { "，可选值：" + $0 } ?? "")
            en = "the member '\(name)' is missing" + (hint.map { "; it can be " + $0 } ?? "")
        case .typeMismatch(let type, let context):
            pointer = Self.pointer(context.codingPath)
            (zh, en) = Self.expected(type)
        case .valueNotFound(let type, let context):
            pointer = Self.pointer(context.codingPath)
            let (whatZh, whatEn) = Self.expected(type)
            (zh, en) = ("不能为 null；" + whatZh, "null is not allowed here; " + whatEn)
        case .dataCorrupted(let context):
            pointer = Self.pointer(context.codingPath)
            if let allowed = Self.allowed(at: context.codingPath) {
                (zh, en) = ("值无效，可选值：" + allowed, "not a known value; use one of " + allowed)
            } else {
                (zh, en) = ("值无效", "not a valid value")
            }
        @unknown default:
            (pointer, zh, en) = ("", "文档无效", "invalid document")
        }
    }

    /// - Parameter element: a part of a JSON tree.
    /// - Returns: nil where the element can be read.
    static func reading<T: Decodable>(_ type: T.Type, from element: Any) -> DecodingFault? {
        guard let data = try? JSONSerialization.data(withJSONObject: element, options: .fragmentsAllowed) else { return nil }
        do {
            _ = try JSON.decoder().decode(type, from: data)
            return nil
        } catch let error as DecodingError {
            return DecodingFault(error)
        } catch {
            return nil
        }
    }

    private static func pointer(_ path: [any CodingKey]) -> String {
        path.map { "/" + ($0.intValue.map(String.init) ?? snakeCase($0.stringValue).pointerToken) }.joined()
    }

    /// Undoes what the decoder's key strategy did to names.
    private static func snakeCase(_ name: String) -> String {
        var text = ""
        for character in name {
            if character.isUppercase { text += "_" }
            text += character.lowercased()
        }
        return text
    }

    private static func expected(_ type: Any.Type) -> (String, String) {
        switch type {
        case is String.Type: ("应为字符串", "a string is expected")
        case is Bool.Type: ("应为 true 或 false", "true or false is expected")
        case is Int.Type: ("应为整数", "an integer is expected")
        case is [Any].Type: ("应为数组", "an array is expected")
        case is [String: Any].Type: ("应为对象", "an object is expected")
        default: ("类型不符", "a value of another type is expected")
        }
    }

    /// The closed list of values of a member, by its name.
    private static func allowed(at path: [any CodingKey]) -> String? {
        guard let last = path.last(where: { $0.intValue == nil }) else { return nil }
        let isStep = path.contains { $0.stringValue == "steps" }
        switch last.stringValue {
        case "type": return "text, code, integer, decimal(p,s), boolean, date, datetime, period, geo_point, json"
        case "visibility": return list(Visibility.self)
        case "mask": return list(Mask.self)
        case "sensitivity": return list(Sensitivity.self)
        case "severity": return "error, warning"
        case "scheme": return list(Check.Scheme.self)
        case "kind":
            if path.contains(where: { $0.stringValue == "derived" }) { return list(Derived.Kind.self) }
            return isStep ? list(Mapping.Step.Kind.self) : list(Check.Kind.self)
        case "period": return list(Derived.Period.self)
        case "keep": return "reject, first, last"
        case "unlisted": return "refuse, ignore"
        case "reviewPolicy": return list(Profile.ReviewPolicy.self)
        case "unit": return list(Profile.TermUnit.self)
        case "shareType": return list(ShareType.self)
        case "openness": return list(Openness.self)
        case "disclosure": return list(Disclosure.self)
        case "updateCycle": return list(UpdateCycle.self)
        case "pushPolicy": return list(PushPolicy.self)
        default: return nil
        }
    }

    private static func list<T: CaseIterable & RawRepresentable<String>>(_ type: T.Type) -> String { T.allCases.map(\.rawValue).joined(separator: ", ") }
}
