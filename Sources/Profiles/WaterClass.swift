/// The class of surface water by its worst single factor (GB 3838-2002, table 1), in whole numbers.
public enum WaterClass: Int, Sendable, CaseIterable, Comparable {
    case first = 1, second, third, fourth, fifth, worseThanFifth

    public var symbol: String { ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ"][rawValue - 1] }

    public static func < (a: WaterClass, b: WaterClass) -> Bool { a.rawValue < b.rawValue }

    public enum Factor: String, Sendable, CaseIterable {
        case ph
        case dissolvedOxygen = "dissolved_oxygen"
        case permanganateIndex = "permanganate_index"
        case cod, bod5
        case ammoniaNitrogen = "ammonia_nitrogen"
        case totalPhosphorus = "total_phosphorus"
        case totalNitrogen = "total_nitrogen"
        case copper, zinc, fluoride, selenium, arsenic, mercury, cadmium
        case hexavalentChromium = "hexavalent_chromium"
        case lead, cyanide
        case volatilePhenol = "volatile_phenol"
        case petroleum
        case anionicSurfactant = "anionic_surfactant"
        case sulfide
    }

    /// Values are whole numbers of 10⁻⁵ mg/L (pH: of 10⁻⁵).
    public static let unitsPerMilligram = 100_000

    /// The class that one factor allows.
    ///
    /// - Parameters:
    ///   - value: in units of 10⁻⁵ mg/L.
    ///   - isLake: lakes and reservoirs have limits of their own for phosphorus; nitrogen counts for them alone.
    /// - Returns: nil where the factor does not count.
    public static func of(_ factor: Factor, _ value: Int128, isLake: Bool) -> WaterClass? {
        if factor == .ph { return value >= 600_000 && value <= 900_000 ? .first : .worseThanFifth }
        if factor == .dissolvedOxygen {
            let limits: [Int128] = [750_000, 600_000, 500_000, 300_000, 200_000]
            return WaterClass(rawValue: (limits.firstIndex { value >= $0 } ?? 5) + 1)
        }
        guard let limits = limits(factor, isLake: isLake) else { return nil }
        return WaterClass(rawValue: (limits.firstIndex { value <= $0 } ?? 5) + 1)
    }

    /// The worst class of all factors that count; nil where none does.
    public static func of(_ values: [Factor: Int128], isLake: Bool) -> WaterClass? {
        values.compactMap { of($0, $1, isLake: isLake) }.max()
    }

    private static func limits(_ factor: Factor, isLake: Bool) -> [Int128]? {
        switch factor {
        case .ph, .dissolvedOxygen: nil
        case .permanganateIndex: [200_000, 400_000, 600_000, 1_000_000, 1_500_000]
        case .cod: [1_500_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000]
        case .bod5: [300_000, 300_000, 400_000, 600_000, 1_000_000]
        case .ammoniaNitrogen: [15_000, 50_000, 100_000, 150_000, 200_000]
        case .totalPhosphorus: isLake ? [1_000, 2_500, 5_000, 10_000, 20_000] : [2_000, 10_000, 20_000, 30_000, 40_000]
        case .totalNitrogen: isLake ? [20_000, 50_000, 100_000, 150_000, 200_000] : nil
        case .copper: [1_000, 100_000, 100_000, 100_000, 100_000]
        case .zinc: [5_000, 100_000, 100_000, 200_000, 200_000]
        case .fluoride: [100_000, 100_000, 100_000, 150_000, 150_000]
        case .selenium: [1_000, 1_000, 1_000, 2_000, 2_000]
        case .arsenic: [5_000, 5_000, 5_000, 10_000, 10_000]
        case .mercury: [5, 5, 10, 100, 100]
        case .cadmium: [100, 500, 500, 500, 1_000]
        case .hexavalentChromium: [1_000, 5_000, 5_000, 5_000, 10_000]
        case .lead: [1_000, 1_000, 5_000, 5_000, 10_000]
        case .cyanide: [500, 5_000, 20_000, 20_000, 20_000]
        case .volatilePhenol: [200, 200, 500, 1_000, 10_000]
        case .petroleum: [5_000, 5_000, 5_000, 50_000, 100_000]
        case .anionicSurfactant: [20_000, 20_000, 20_000, 30_000, 30_000]
        case .sulfide: [5_000, 10_000, 20_000, 50_000, 100_000]
        }
    }
}
