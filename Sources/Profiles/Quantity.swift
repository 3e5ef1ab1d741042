internal import Model

/// Reads a numeric field in units of ten to the minus `scale`, exactly.
struct Quantity: Sendable {
    let field: Int
    private let factor: Int128

    /// - Parameter scale: at least the field's own number of decimal places.
    init(field: Int, type: FieldType, scale: Int) {
        self.field = field
        factor = Self.power(scale - Self.places(of: type))
    }

    /// - Returns: nil where the value is missing.
    func of(_ value: (Int) -> UnsafeRawBufferPointer) -> Int128? {
        let bytes = value(field)
        return bytes.count == 0 ? nil : OrderKey.digits(bytes) &* factor
    }

    static func places(of type: FieldType) -> Int {
        if case .decimal(_, let scale) = type { scale } else { 0 }
    }

    /// Digits before the point that a value of the type can have; nil where the type is no quantity.
    static func wholeDigits(of type: FieldType) -> Int? {
        switch type {
        case .integer: 19
        case .decimal(let precision, let scale): precision - scale
        default: nil
        }
    }

    static func power(_ exponent: Int) -> Int128 {
        var factor: Int128 = 1
        for _ in 0..<max(0, exponent) { factor &*= 10 }
        return factor
    }

    /// A plain decimal literal in units of ten to the minus `scale`, nil where it is none or has more places.
    static func literal(_ text: String, scale: Int) -> Int128? {
        let field = Field(name: "literal", title: LocalizedText(zh: "literal"), type: .decimal(precision: 38, scale: scale), visibility: .private)
        return OrderKey.of(literal: text, of: field)
    }

    /// How many decimal places a literal needs.
    static func places(of literal: String) -> Int {
        guard let point = literal.firstIndex(of: ".") else { return 0 }
        return literal.distance(from: point, to: literal.endIndex) - 1
    }

    static func text(_ amount: Int128, scale: Int) -> String {
        let digits = String(amount.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        let sign = amount < 0 ? "-" : ""
        return sign + (scale == 0 ? padded : padded.dropLast(scale) + "." + padded.suffix(scale))
    }
}
