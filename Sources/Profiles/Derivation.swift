public import Model

/// A derived field's formula, compiled against a schema.
public struct Derivation: Sendable {
    /// A value that the formula gives for one field of the row.
    public struct Result: Sendable, Hashable {
        /// The field's index in `schema.fields`.
        public let field: Int
        /// The canonical spelling.
        public let value: String

        init(field: Int, value: String) {
            self.field = field
            self.value = value
        }
    }

    private enum Formula: Sendable {
        case aqi(AirQualityFormula)
        case waterClass(WaterClassFormula)
        case percentage(part: Quantity, base: Quantity, change: Bool, field: Int, scale: Int)
    }

    private let formula: Formula
    private let names: [String]
    /// Values of these fields may stand in findings, and results where all that goes in may.
    private let isShown: [Bool]
    private let showsResults: Bool
    /// Who sees nothing of these fields sees nothing of what goes in either.
    private let isFilled: [Bool]

    /// - Returns: nil where the schema lacks a field that the formula needs (see `TableSchema.validate()`).
    public init?(_ derived: Derived, in schema: TableSchema) {
        guard let field = schema.fields.firstIndex(where: { $0.name == derived.field }) else { return nil }
        switch derived.kind {
        case .aqi:
            guard let formula = AirQualityFormula(derived, field: field, in: schema) else { return nil }
            self.formula = .aqi(formula)
        case .waterClass:
            guard let formula = WaterClassFormula(derived, field: field, in: schema) else { return nil }
            self.formula = .waterClass(formula)
        case .percentage:
            guard let part = derived.inputs["part"].flatMap(schema.index), let base = derived.inputs["base"].flatMap(schema.index) else { return nil }
            let (partType, baseType) = (schema.fields[part].type, schema.fields[base].type)
            let scale = max(Quantity.places(of: partType), Quantity.places(of: baseType))
            formula = .percentage(
                part: Quantity(field: part, type: partType, scale: scale), base: Quantity(field: base, type: baseType, scale: scale),
                change: derived.change ?? false, field: field, scale: Quantity.places(of: schema.fields[field].type))
        }
        names = schema.fields.map(\.name)
        let isShown = schema.fields.map { $0.visibility == .public && $0.mask == nil }
        self.isShown = isShown
        let sources = derived.sources.compactMap(schema.field)
        showsResults = sources.allSatisfy { $0.visibility == .public && $0.mask == nil }
        let closest = sources.map { $0.mask == nil ? $0.visibility.rank : Visibility.private.rank }.max() ?? 0
        isFilled = schema.fields.map { $0.visibility.rank >= closest }
    }

    /// What the formula gives for a row, and nothing where it gives nothing.
    ///
    /// - Parameter value: the canonical bytes of the field at an index of `schema.fields`; empty is null.
    public func results(_ value: (Int) -> UnsafeRawBufferPointer) -> [Result] {
        switch formula {
        case .aqi(let formula): return formula.results(value)
        case .waterClass(let formula): return formula.results(value)
        case .percentage(let part, let base, let change, let field, let scale):
            guard let part = part.of(value), let base = base.of(value), let percent = Percentage.of(part, base: base, change: change, scale: scale) else { return [] }
            return [Result(field: field, value: Quantity.text(percent, scale: scale))]
        }
    }

    /// Whether a push may fill the field: not where more people see it than see all that goes in. Then it is the department's to say what follows.
    public func mayFill(_ field: Int) -> Bool { isFilled[field] }

    /// Whether a given value is what the formula gives. Pollutants of one rank may stand in any order.
    ///
    /// - Parameter given: canonical bytes.
    public static func agrees(_ given: UnsafeRawBufferPointer, with result: Result) -> Bool {
        let text = given.text
        return text == result.value || (text.contains("、") && Set(text.split(separator: "、")) == Set(result.value.split(separator: "、")))
    }

    /// The warning about a value that is not what the formula gives: standards leave room, and a department may have measured more than the row says.
    ///
    /// - Parameters:
    ///   - given: the value's canonical bytes; empty where it is missing, and the field cannot hold the result.
    ///   - line: the line of the file on which the record starts.
    public func finding(about result: Result, given: UnsafeRawBufferPointer, line: Int?) -> Finding {
        let isShown = isShown[result.field]
        return Finding(
            .derivedMismatch, severity: .warning, line: line, field: names[result.field], value: isShown && given.count > 0 ? given.text : nil,
            isShown && showsResults ? result.value : "…")
    }
}

extension TableSchema {
    /// The formulas of derived fields, compiled; in the order of `derived`.
    public var derivations: [Derivation] { derived.compactMap { Derivation($0, in: self) } }

    func index(_ name: String) -> Int? { fields.firstIndex { $0.name == name } }
}

extension Visibility {
    /// The more, the fewer people see the field.
    fileprivate var rank: Int {
        switch self {
        case .public: 0
        case .department: 1
        case .private: 2
        }
    }
}

/// The air quality index and what goes with it, by the standard of the row's day.
private struct AirQualityFormula: Sendable {
    private let field: Int
    private let time: Int
    private let period: Derived.Period
    private let inputs: [(AirQualityIndex.Pollutant, Quantity)]
    private let subIndices: [(AirQualityIndex.Pollutant, Int)]
    private let primary: Int?
    private let category: Int?
    private let standard: Int?
    /// Finer than the concentrations' own places, so that rounding sees every digit.
    private static let scale = 4

    init?(_ derived: Derived, field: Int, in schema: TableSchema) {
        guard let time = derived.time.flatMap(schema.index) else { return nil }
        self.field = field
        self.time = time
        period = derived.period ?? .hourly
        inputs = derived.inputs.sorted { $0.key < $1.key }.compactMap { name, input in
            guard let pollutant = AirQualityIndex.Pollutant(rawValue: name), let index = schema.index(input) else { return nil }
            return (pollutant, Quantity(field: index, type: schema.fields[index].type, scale: Self.scale))
        }
        subIndices = (derived.subIndices ?? [:]).sorted { $0.key < $1.key }.compactMap { name, target in
            guard let pollutant = AirQualityIndex.Pollutant(rawValue: name), let index = schema.index(target) else { return nil }
            return (pollutant, index)
        }
        primary = derived.primary.flatMap(schema.index)
        category = derived.category.flatMap(schema.index)
        standard = derived.standard.flatMap(schema.index)
        if inputs.count != derived.inputs.count { return nil }
    }

    func results(_ value: (Int) -> UnsafeRawBufferPointer) -> [Derivation.Result] {
        let moment = value(time)
        guard moment.count >= 10 else { return [] }
        let edition = AirQualityIndex.Standard(on: CalendarDate(daysSince1970: OrderKey.days(moment)))
        var concentrations: [AirQualityIndex.Pollutant: Int] = [:]
        for (pollutant, quantity) in inputs {
            if let amount = quantity.of(value), let whole = Int(exactly: amount) { concentrations[pollutant] = whole }
        }
        if concentrations.isEmpty { return [] }
        let report = AirQualityIndex.report(concentrations, period, edition)
        var results: [Derivation.Result] = []
        func add(_ field: Int?, _ text: String?) {
            if let field, let text, !text.isEmpty { results.append(Derivation.Result(field: field, value: text)) }
        }
        for (pollutant, index) in subIndices { add(index, report.subIndices[pollutant].map(String.init)) }
        add(field, report.index.map(String.init))
        add(primary, report.primaryText)
        add(category, report.category)
        if !report.subIndices.isEmpty { add(standard, edition.rawValue) }
        return results
    }
}

/// The water class; only where every input is there, since a missing factor might be the worst.
private struct WaterClassFormula: Sendable {
    private let field: Int
    private let lake: Int?
    private let inputs: [(WaterClass.Factor, Quantity)]
    private static let scale = 5

    init?(_ derived: Derived, field: Int, in schema: TableSchema) {
        self.field = field
        lake = derived.lake.flatMap(schema.index)
        inputs = derived.inputs.sorted { $0.key < $1.key }.compactMap { name, input in
            guard let factor = WaterClass.Factor(rawValue: name), let index = schema.index(input) else { return nil }
            return (factor, Quantity(field: index, type: schema.fields[index].type, scale: Self.scale))
        }
        if inputs.isEmpty || inputs.count != derived.inputs.count { return nil }
    }

    func results(_ value: (Int) -> UnsafeRawBufferPointer) -> [Derivation.Result] {
        var amounts: [WaterClass.Factor: Int128] = [:]
        for (factor, quantity) in inputs {
            guard let amount = quantity.of(value) else { return [] }
            amounts[factor] = amount
        }
        let answer: WaterClass?
        if let lake, value(lake).count == 0 {
            // Whether it is a lake is not known: only an answer that holds either way is one.
            let river = WaterClass.of(amounts, isLake: false)
            answer = river == WaterClass.of(amounts, isLake: true) ? river : nil
        } else {
            // Of the canonical spellings of a boolean only `true` has four bytes.
            answer = WaterClass.of(amounts, isLake: lake.map { value($0).count == 4 } ?? false)
        }
        return answer.map { [Derivation.Result(field: field, value: $0.symbol)] } ?? []
    }
}
