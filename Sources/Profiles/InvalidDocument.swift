internal import Foundation
public import Model

/// A JSON document that does not say what it should, with every wrong place.
public struct InvalidDocument: Error, Sendable, Hashable {
    /// Places are JSON pointers (RFC 6901) into the document; `""` is the whole.
    public var places: [Problem.Place]

    public init(places: [Problem.Place]) {
        self.places = places
    }

    /// Reads `snake_case` JSON as a noun, and turns every complaint into places with messages in both languages.
    ///
    /// Members that the noun does not know are refused, so that a misspelt constraint is not silently dropped. Where several fields, checks or steps
    /// are wrong, each is reported.
    ///
    /// - Parameter json: UTF-8.
    /// - Throws: `InvalidDocument`; never anything of Foundation's.
    public static func decode<T: Codable>(_ type: T.Type, from json: [UInt8]) throws(InvalidDocument) -> T {
        if let place = json.withUnsafeBytes(JSONText.firstFault) { throw InvalidDocument(places: [syntax(json, place)]) }
        guard let tree = try? JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed) else { throw InvalidDocument(places: [syntax(json, 0)]) }
        let value: T
        do {
            value = try JSON.decoder().decode(type, from: Data(json))
        } catch let error as DecodingError {
            var places = [DecodingFault(error).place]
            // The codec does not say where a number stands that is not whole.
            let fractions = fractionalNumbers(in: tree, at: "")
            if places[0].place.isEmpty, !fractions.isEmpty { places = fractions }
            for place in elementFaults(in: tree, at: "") where !places.contains(where: { $0.place == place.place }) { places.append(place) }
            throw InvalidDocument(places: places)
        } catch {
            throw InvalidDocument(places: [Problem.Place("", zh: "JSON 无效", en: "invalid JSON")])
        }
        let unknown = unknownMembers(of: tree, knownAs: value)
        if !unknown.isEmpty { throw InvalidDocument(places: unknown) }
        return value
    }

    private static func syntax(_ json: [UInt8], _ place: Int) -> Problem.Place {
        let before = json.prefix(place)
        let line = before.count { $0 == 0x0A } + 1
        let column = String(decoding: before[((before.lastIndex(of: 0x0A) ?? -1) + 1)...], as: UTF8.self).count + 1
        return Problem.Place("", zh: "第 \(line) 行第 \(column) 个字符处不是有效的 JSON", en: "line \(line), character \(column): not valid JSON")
    }

    /// Numbers with a fraction; none of the nouns has any.
    private static func fractionalNumbers(in tree: Any, at path: String) -> [Problem.Place] {
        switch tree {
        case let members as [String: Any]: members.sorted { $0.key < $1.key }.flatMap { fractionalNumbers(in: $1, at: path + "/" + $0.pointerToken) }
        case let elements as [Any]: elements.enumerated().flatMap { fractionalNumbers(in: $1, at: "\(path)/\($0)") }
        case let number as Double where number != number.rounded(): [Problem.Place(path, zh: "应为整数", en: "an integer is expected")]
        default: []
        }
    }

    /// The codec stops at the first fault; the elements of these lists are therefore read one by one as well.
    private static func elementFaults(in tree: Any, at path: String) -> [Problem.Place] {
        guard let members = tree as? [String: Any] else { return [] }
        var places: [Problem.Place] = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            let pointer = path + "/" + name.pointerToken
            if let elements = value as? [Any] {
                for (index, element) in elements.enumerated() {
                    let fault: DecodingFault?
                    switch name {
                    case "fields" where element is [String: Any]: fault = DecodingFault.reading(Field.self, from: element)
                    case "checks": fault = DecodingFault.reading(Check.self, from: element)
                    case "derived": fault = DecodingFault.reading(Derived.self, from: element)
                    case "steps": fault = DecodingFault.reading(Mapping.Step.self, from: element)
                    default: fault = nil
                    }
                    if let fault { places.append(fault.place(below: "\(pointer)/\(index)")) }
                }
            } else if value is [String: Any] {
                places += elementFaults(in: value, at: pointer)
            }
        }
        return places
    }

    /// Members of the document that do not come back when the noun is written again.
    private static func unknownMembers(of tree: Any, knownAs value: some Encodable) -> [Problem.Place] {
        guard let data = try? JSON.encoder().encode(value), let known = try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) else { return [] }
        var places: [Problem.Place] = []
        func compare(_ found: Any, _ known: Any, _ path: String) {
            if let found = found as? [String: Any], let known = known as? [String: Any] {
                for (name, value) in found.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
                    let pointer = path + "/" + name.pointerToken
                    if let match = known[name] {
                        compare(value, match, pointer)
                    } else {
                        places.append(Problem.Place(pointer, zh: "未知成员“\(name)”，请删除或改正拼写", en: "unknown member '\(name)'; remove it or mend its spelling"))
                    }
                }
            } else if let found = found as? [Any], let known = known as? [Any] {
                for (index, pair) in zip(found, known).enumerated() { compare(pair.0, pair.1, "\(path)/\(index)") }
            }
        }
        compare(tree, known, "")
        return places
    }
}

extension String {
    /// RFC 6901 section 3.
    var pointerToken: String { replacing("~", with: "~0").replacing("/", with: "~1") }
}
