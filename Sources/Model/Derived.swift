/// Fields whose values follow from other fields of the row, from a closed set of formulas (design.md, Profiles are data).
///
/// A push fills those that are missing and holds the given ones against the formula.
public struct Derived: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The air quality index by the standard in force on the day of observation (HJ 633).
        case aqi
        /// The class of surface water by its worst factor (GB 3838-2002).
        case waterClass = "water_class"
        /// A share or a change in percent.
        case percentage
    }

    /// What the concentrations are means over.
    public enum Period: String, Sendable, Codable, CaseIterable { case hourly, daily }

    public var kind: Kind
    /// The field that the result goes to.
    public var field: String
    /// The fields that go in, by their names in the formula.
    public var inputs: [String: String]
    /// aqi: the datetime or date field that chooses the standard.
    public var time: String?
    public var period: Period?
    /// aqi: further results: fields of the sub-indices by pollutant, of the primary pollutants, of the category, of the standard's name.
    public var subIndices: [String: String]?
    public var primary: String?
    public var category: String?
    public var standard: String?
    /// water_class: the boolean field that says lake or reservoir. A river where it is nil; where it is empty, only what holds for both is given.
    public var lake: String?
    /// percentage: (part − base) ÷ base where it is true, part ÷ base otherwise.
    public var change: Bool?

    /// The fields that the formula fills: `field` first, then those of further results.
    public var targets: [String] { [field] + (subIndices ?? [:]).sorted { $0.key < $1.key }.map(\.value) + [primary, category, standard].compactMap { $0 } }

    /// The fields that the formula looks at.
    public var sources: [String] { inputs.values.sorted() + [time, lake].compactMap { $0 } }

    public init(kind: Kind, field: String, inputs: [String: String]) {
        self.kind = kind
        self.field = field
        self.inputs = inputs
    }
}
