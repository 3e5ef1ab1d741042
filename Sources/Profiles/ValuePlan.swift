internal import Model

/// A field's type and constraints in the form in which they are tested. Immutable and shared, so that copies of a check are cheap.
@usableFromInline final class ValuePlan: Sendable {
    /// The longest spelling that is not the input itself: a datetime with fraction, a decimal of 38 digits, a point.
    @usableFromInline static var scratchSize: Int { 64 }

    let type: FieldType
    let precision: Int
    let scale: Int
    let required: Bool
    /// Refuses citizens' identity numbers: the field is text that everybody sees as it is.
    let refusesPersonalNumbers: Bool
    /// Minutes east of UTC, or `noOffset`.
    let defaultOffset: Int
    let maxLength: Int
    let bounds: ValueBounds?
    let values: ValueList?
    let pattern: Pattern?
    /// Nothing but the type and the presence is tested.
    let isPlain: Bool
    private let minimum: String?
    private let maximum: String?

    static let noOffset = Int.min

    init(_ field: Field, defaultOffset: Int?) {
        type = field.type
        if case .decimal(let precision, let scale) = field.type {
            self.precision = precision
            self.scale = scale
        } else {
            precision = 0
            scale = 0
        }
        required = field.required
        refusesPersonalNumbers = field.visibility == .public && field.mask == nil && (field.type == .text || field.type == .code)
        self.defaultOffset = defaultOffset ?? Self.noOffset
        maxLength = field.maxLength ?? Int.max
        minimum = field.minimum
        maximum = field.maximum
        bounds = ValueBounds(field)
        values = field.values.map { ValueList($0) }
        pattern = field.pattern.flatMap { try? Pattern($0) }
        isPlain = bounds == nil && values == nil && pattern == nil && field.maxLength == nil && !refusesPersonalNumbers
    }

    /// Reads one value.
    ///
    /// - Parameter scratch: `scratchSize` bytes that hold the canonical spelling where it differs from the input.
    @usableFromInline @inline(never)
    func canonical(_ raw: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer) -> CanonicalValue {
        let bytes = type == .text ? raw : raw.trimmed
        if bytes.count == 0 { return required ? CanonicalValue(.required) : .missing }
        let value: CanonicalValue
        switch type {
        case .integer: value = canonicalInteger(bytes, scratch)
        case .decimal: value = canonicalDecimal(bytes, scratch, precision: precision, scale: scale)
        case .date: value = canonicalDate(bytes, scratch)
        case .datetime: value = canonicalDatetime(bytes, scratch, defaultOffset: defaultOffset)
        case .period: value = canonicalPeriod(bytes, scratch)
        case .boolean: value = canonicalBoolean(bytes, scratch)
        case .text: value = bytes.hasControlCharacter(allowingLayout: true) ? CanonicalValue(.controlCharacter) : CanonicalValue(bytes)
        case .code: value = bytes.hasControlCharacter(allowingLayout: false) ? CanonicalValue(.controlCharacter) : CanonicalValue(bytes)
        case .geoPoint: value = canonicalPoint(bytes, scratch)
        case .json: value = JSONText.isValid(bytes) ? CanonicalValue(bytes) : CanonicalValue(.notJSON)
        }
        if isPlain || value.code != nil { return value }
        return constrained(value)
    }

    private func constrained(_ value: CanonicalValue) -> CanonicalValue {
        let bytes = value.bytes
        if let bounds {
            let key = OrderKey.of(bytes, type: type)
            if key < bounds.lower { return CanonicalValue(.belowMinimum) }
            if key > bounds.upper { return CanonicalValue(.aboveMaximum) }
        }
        // A character has at least one byte.
        if bytes.count > maxLength, bytes.characterCount > maxLength { return CanonicalValue(.tooLong) }
        if let values, !values.contains(bytes) { return CanonicalValue(.notInValues) }
        if let pattern, !pattern.matches(bytes) { return CanonicalValue(.patternMismatch) }
        if refusesPersonalNumbers, PersonalNumber.isLikely(bytes) { return CanonicalValue(.personalIdentifier) }
        return value
    }

    func arguments(for code: FindingCode) -> [String] {
        switch code {
        case .tooManyDigits: type == .integer ? ["integer", "19", "0"] : [type.description, String(precision - scale), String(scale)]
        case .tooLong: [String(maxLength)]
        case .belowMinimum: [minimum ?? ""]
        case .aboveMaximum: [maximum ?? ""]
        case .notInValues: [values?.description ?? ""]
        case .patternMismatch: [pattern?.text ?? ""]
        default: []
        }
    }
}

/// Inclusive bounds as order keys of the field's type.
struct ValueBounds: Sendable {
    let lower: Int128
    let upper: Int128

    /// - Returns: nil where the field has no bounds, or none that its type can have.
    init?(_ field: Field) {
        var unbounded = field
        unbounded.minimum = nil
        unbounded.maximum = nil
        unbounded.values = nil
        unbounded.pattern = nil
        unbounded.maxLength = nil
        let lower = field.minimum.flatMap { OrderKey.of(literal: $0, of: unbounded) }
        let upper = field.maximum.flatMap { OrderKey.of(literal: $0, of: unbounded) }
        if lower == nil, upper == nil { return nil }
        self.lower = lower ?? Int128.min
        self.upper = upper ?? Int128.max
    }
}

/// The likeness of a citizen's identity number (GB 11643-1999), strict enough that codes of other schemes hardly ever look like one.
enum PersonalNumber {
    /// The first two digits of GB/T 2260 codes.
    private static func isProvince(_ code: Int) -> Bool {
        switch code {
        case 11...15, 21...23, 31...37, 41...46, 50...54, 61...65, 71, 81...83: true
        default: false
        }
    }

    /// Whether the whole value, without the white space round it, is a citizen's identity number: province, a birth in 1900 to 2099, check character.
    ///
    /// Unified social credit codes have 18 characters too; without the province and the century one in three hundred of them would be taken for a person.
    static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 18, bytes.count <= 64 else { return false }
        let number = bytes.trimmed
        guard number.count == 18, number[0].isDigit, number[1].isDigit, isProvince(number.number(0, 2)) else { return false }
        guard (number[6] == 0x31 && number[7] == 0x39) || (number[6] == 0x32 && number[7] == 0x30) else { return false }
        return Identifiers.isCitizenNumber(number)
    }
}
