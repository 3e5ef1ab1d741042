/// Who may see the values of a data item. There is no default: a field that does not say does not load.
public enum Visibility: String, Sendable, Codable, CaseIterable {
    /// Everybody.
    case `public`
    /// Departments with a grant; never in any public answer.
    case department
    /// The providing department alone.
    case `private`
}

/// How a public field's values are altered before anybody outside sees them (domain.md D2, masking profile).
public enum Mask: String, Sendable, Codable, CaseIterable {
    /// Surname and one `*` per further character: 欧*, 张**.
    case name
    /// The last four characters; the others as `*`.
    case lastFour = "last_four"
    /// The first three and last four digits of a telephone number.
    case phone
    /// The first six characters (division), the others as `*`.
    case divisionOnly = "division_only"
}

/// How damaging a leak of the field would be; used by checks on what may be public.
public enum Sensitivity: String, Sendable, Codable, CaseIterable {
    case none
    /// Personal information (个人信息).
    case personal
    /// Sensitive personal information (敏感个人信息, PIPL art. 28).
    case sensitivePersonal = "sensitive_personal"
    /// A trade secret (商业秘密).
    case commercial
}

/// A data item (信息项): one column of a dataset.
public struct Field: Sendable, Hashable, Codable {
    /// `^[a-z][a-z0-9_]{0,62}$`, not starting with `_`.
    public var name: String
    public var title: LocalizedText
    public var description: LocalizedText?
    public var type: FieldType
    /// The unit of the values, for example `万元` or `µg/m³`.
    public var unit: String?
    public var required: Bool
    /// The closed list of values, where it is short enough to stand here.
    public var values: [String]?
    /// The identifier of a loaded code list that values must come from.
    public var codeList: String?
    /// Inclusive bounds, spelled like the field's values.
    public var minimum: String?
    public var maximum: String?
    /// An anchored regular expression (the whole value must match).
    public var pattern: String?
    /// The longest value, in characters.
    public var maxLength: Int?
    public var visibility: Visibility
    public var mask: Mask?
    public var sensitivity: Sensitivity
    /// Other names under which a department's file may carry this column.
    public var aliases: [String]

    public init(
        name: String, title: LocalizedText, description: LocalizedText? = nil, type: FieldType, unit: String? = nil, required: Bool = false,
        values: [String]? = nil, codeList: String? = nil, minimum: String? = nil, maximum: String? = nil, pattern: String? = nil, maxLength: Int? = nil,
        visibility: Visibility, mask: Mask? = nil, sensitivity: Sensitivity = .none, aliases: [String] = []
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.type = type
        self.unit = unit
        self.required = required
        self.values = values
        self.codeList = codeList
        self.minimum = minimum
        self.maximum = maximum
        self.pattern = pattern
        self.maxLength = maxLength
        self.visibility = visibility
        self.mask = mask
        self.sensitivity = sensitivity
        self.aliases = aliases
    }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        name = try c.decode(String.self, forKey: .name)
        title = try c.decode(LocalizedText.self, forKey: .title)
        description = try c.decodeIfPresent(LocalizedText.self, forKey: .description)
        type = try c.decode(FieldType.self, forKey: .type)
        unit = try c.decodeIfPresent(String.self, forKey: .unit)
        required = try c.decodeIfPresent(Bool.self, forKey: .required) ?? false
        values = try c.decodeIfPresent([String].self, forKey: .values)
        codeList = try c.decodeIfPresent(String.self, forKey: .codeList)
        minimum = try c.decodeIfPresent(String.self, forKey: .minimum)
        maximum = try c.decodeIfPresent(String.self, forKey: .maximum)
        pattern = try c.decodeIfPresent(String.self, forKey: .pattern)
        maxLength = try c.decodeIfPresent(Int.self, forKey: .maxLength)
        visibility = try c.decode(Visibility.self, forKey: .visibility)
        mask = try c.decodeIfPresent(Mask.self, forKey: .mask)
        sensitivity = try c.decodeIfPresent(Sensitivity.self, forKey: .sensitivity) ?? .none
        aliases = try c.decodeIfPresent([String].self, forKey: .aliases) ?? []
    }
}
