/// The types that a data item can have (design.md, Profiles are data).
///
/// Money is `decimal` with its unit in the schema; there is no floating point.
public enum FieldType: Sendable, Hashable, Codable, CustomStringConvertible {
    case text
    /// An identifier or code: text that is never a quantity, so leading zeros stay.
    case code
    /// A 64-bit signed integer.
    case integer
    /// An exact decimal with `precision` digits in all, `scale` of them after the point.
    case decimal(precision: Int, scale: Int)
    case boolean
    /// `YYYY-MM-DD`.
    case date
    /// An instant, written RFC 3339 with the offset +08:00.
    case datetime
    /// `YYYY`, `YYYY-MM` or `YYYY-Qn`.
    case period
    /// `longitude,latitude` in degrees.
    case geoPoint
    case json

    /// - Parameter text: the spelling in a profile, for example `text` or `decimal(20,2)`.
    public init?(_ text: String) {
        switch text {
        case "text": self = .text
        case "code": self = .code
        case "integer": self = .integer
        case "boolean": self = .boolean
        case "date": self = .date
        case "datetime": self = .datetime
        case "period": self = .period
        case "geo_point": self = .geoPoint
        case "json": self = .json
        default:
            guard text.hasPrefix("decimal("), text.hasSuffix(")") else { return nil }
            let parts = text.dropFirst(8).dropLast().split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count == 2, let precision = Int(parts[0]), let scale = Int(parts[1]), (1...38).contains(precision), (0...precision).contains(scale)
            else { return nil }
            self = .decimal(precision: precision, scale: scale)
        }
    }

    public var description: String {
        switch self {
        case .text: "text"
        case .code: "code"
        case .integer: "integer"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .boolean: "boolean"
        case .date: "date"
        case .datetime: "datetime"
        case .period: "period"
        case .geoPoint: "geo_point"
        case .json: "json"
        }
    }

    /// Whether values are ordered quantities or instants, so that `__gt` and its kin make sense.
    public var isOrdered: Bool {
        switch self {
        case .integer, .decimal, .date, .datetime, .period, .text, .code: true
        case .boolean, .geoPoint, .json: false
        }
    }

    /// Whether values are stored as character strings.
    public var isTextual: Bool {
        switch self {
        case .text, .code, .period, .geoPoint: true
        default: false
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let type = FieldType(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "unknown type '\(text)'; use text, code, integer, decimal(p,s), boolean, date, datetime, period, geo_point or json"
            )
        }
        self = type
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
