/// Fields whose values follow from other fields of the row, from a closed set of formulas (design.md, Profiles are data).
///
/// `TableSchema.derivations` computes them: what a missing value should be, and whether a given one is right.
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

    public init(kind: Kind, field: String, inputs: [String: String]) {
        self.kind = kind
        self.field = field
        self.inputs = inputs
    }
}
