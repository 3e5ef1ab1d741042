import Model
import Profiles

/// Finds out, from a file's header and the dataset's mapping, how its rows are made; notes all that is wrong with the header.
///
/// A column belongs to the field whose name, Chinese title, English title or alias it carries, exactly or but for the case of ASCII letters. Steps
/// come first: a column that one moves (`rename`, `unpivot`) belongs to no other field, a part of a time may. A step whose column the file lacks
/// leaves its field to whatever column carries the field's name.
struct HeaderReading {
    private let schema: TableSchema
    private let steps: [Mapping.Step]
    private let ignoresUnlisted: Bool
    private let line: Int
    private let names: [String]
    private let rules: TreatmentRules
    /// The first column of each name.
    private let places: [String: Int]
    private var sources: [RowPlan.Source]
    private var unpivot: RowPlan.Unpivot?
    private var offsets: [Int: Int] = [:]
    private var moved: Set<Int> = []
    private var touched: Set<Int> = []
    private var ignored: Set<Int> = []
    private var duplicates: Set<Int> = []
    private(set) var findings: [Finding] = []

    /// - Parameters:
    ///   - names: the header's fields as they stand.
    ///   - line: the header's line.
    init(_ names: [String], line: Int, schema: TableSchema, mapping: Mapping?) {
        self.schema = schema
        self.line = line
        self.names = names.map(\.trimmedName)
        steps = mapping?.steps ?? []
        ignoresUnlisted = mapping?.unlisted == .ignore
        rules = TreatmentRules(schema: schema, steps: steps)
        places = Dictionary(zip(self.names, self.names.indices), uniquingKeysWith: { first, _ in first })
        sources = Array(repeating: .absent, count: schema.fields.count)
    }

    /// - Returns: nil where something was found; `findings` says what.
    mutating func plan() -> RowPlan? {
        for step in steps { apply(step) }
        let unclaimed = match()
        reportColumns(unclaimed)
        reportFields()
        return findings.isEmpty ? RowPlan(sources: sources, unpivot: unpivot, offsets: offsets) : nil
    }

    private func place(_ name: String) -> Int? { places[name.trimmedName] }

    private mutating func apply(_ step: Mapping.Step) {
        let target = step.to.flatMap { name in schema.fields.firstIndex { $0.name == name } }
        switch step.kind {
        case .rename:
            guard let target, let column = step.from.flatMap(place) else { return }
            sources[target] = .column(column, rules.treatment(field: target, column: names[column]))
            moved.insert(column)
        case .constant:
            guard let target, let value = step.value else { return }
            sources[target] = .constant(Array(value.utf8))
        case .composeDatetime:
            guard let target else { return }
            for name in (step.parts.map { Array($0.values) } ?? []) + [step.from].compactMap({ $0 }) {
                if let column = place(name) { touched.insert(column) }
            }
            if step.format == nil, let from = step.from {
                // Read as it stands, where it carries no offset with the step's.
                guard let column = place(from) else { return }
                sources[target] = .column(column, rules.treatment(field: target, column: names[column]))
                offsets[target] = step.offset.flatMap(Mapping.Step.minutes)
                return
            }
            guard let recipe = DatetimeRecipe(step, type: schema.fields[target].type, column: columnPart) else { return }
            sources[target] = .composed(recipe)
        case .unpivot: applyUnpivot(step)
        case .ignore:
            let listed = Set((step.fields ?? []).map(\.trimmedName))
            for (column, name) in names.enumerated() where listed.contains(name) { ignored.insert(column) }
        case .missing, .strip, .number, .cleanCode, .translate: return
        }
    }

    /// A column that gives a part of a time.
    private func columnPart(_ name: String) -> DatetimeRecipe.Part? {
        place(name).map { DatetimeRecipe.Part(column: $0, treatment: rules.treatment(field: nil, column: names[$0])) }
    }

    private mutating func applyUnpivot(_ step: Mapping.Step) {
        guard let nameField = schema.fields.firstIndex(where: { $0.name == step.nameTo }),
            let valueField = schema.fields.firstIndex(where: { $0.name == step.valueTo })
        else { return }
        let nameTreatment = rules.treatment(field: nameField, column: nil)
        var scratch = TreatmentScratch()
        var columns: [RowPlan.Unpivot.Column] = []
        for column in (step.columns ?? []).compactMap(place) {
            var name = Array(names[column].utf8)
            if let nameTreatment {
                name = name.withUnsafeBytes { bytes in
                    if case .value(let treated) = nameTreatment.apply(bytes, &scratch) { Array(treated) } else { Array(bytes) }
                }
            }
            columns.append(.init(index: column, name: name, treatment: rules.treatment(field: valueField, column: names[column])))
            moved.insert(column)
        }
        if columns.isEmpty { return }
        unpivot = RowPlan.Unpivot(nameField: nameField, valueField: valueField, columns: columns)
        sources[nameField] = .unpivotName
        sources[valueField] = .unpivotValue
    }

    /// Gives the columns that are left to the fields of their names.
    ///
    /// - Returns: columns that no field and no step wants.
    private mutating func match() -> [Int] {
        var exact: [String: Int] = [:]
        let spellings: [(Field) -> [String]] = [{ [$0.name] }, { [$0.title.zh] }, { [$0.title.en].compactMap { $0 } }, \.aliases]
        for spelling in spellings {
            for (index, field) in schema.fields.enumerated() {
                for name in spelling(field) where exact[name.trimmedName] == nil { exact[name.trimmedName] = index }
            }
        }
        let folded = Dictionary(exact.map { ($0.key.asciiLowercased, $0.value) }, uniquingKeysWith: min)
        let free = names.indices.filter { !moved.contains($0) && !ignored.contains($0) }
        var taken: [Int: Int] = [:]
        var unclaimed: [Int] = []
        for (column, field) in free.compactMap({ column in exact[names[column]].map { (column, $0) } })
            + free.filter({ exact[names[$0]] == nil }).compactMap({ column in folded[names[column].asciiLowercased].map { (column, $0) } })
        {
            if case .absent = sources[field] {
                sources[field] = .column(column, rules.treatment(field: field, column: names[column]))
                taken[field] = column
            } else if taken[field] != nil {
                duplicates.insert(column)
            } else {
                // A step fills the field already.
                unclaimed.append(column)
            }
        }
        unclaimed += free.filter { exact[names[$0]] == nil && folded[names[$0].asciiLowercased] == nil }
        return unclaimed.filter { !touched.contains($0) }
    }

    private mutating func reportColumns(_ unclaimed: [Int]) {
        for column in names.indices where places[names[column]] != column && !ignored.contains(column) {
            // Which of two columns of one name is meant cannot be known; where neither is wanted it does not matter.
            let first = places[names[column]] ?? column
            if !ignoresUnlisted || !unclaimed.contains(first) { duplicates.insert(column) }
        }
        let unknown = ignoresUnlisted ? [] : Set(unclaimed)
        for column in names.indices {
            let code: FindingCode? = duplicates.contains(column) ? .duplicateColumn : unknown.contains(column) ? .unknownColumn : nil
            if let code { findings.append(Finding(code, line: line, field: names[column], value: nil, names[column])) }
        }
    }

    /// What formulas fill may be left out, even where each row must have it.
    private mutating func reportFields() {
        let derived = Set(schema.derived.flatMap(\.targets))
        for (index, field) in schema.fields.enumerated() where field.isNeeded(in: schema) && !derived.contains(field.name) {
            guard case .absent = sources[index] else { continue }
            findings.append(Finding(.missingColumn, line: line, field: field.name, value: nil, field.name))
        }
    }
}

extension Field {
    /// Whether each row must have a value: the field is required, or is a part of the key that cannot be the empty string.
    func isNeeded(in schema: TableSchema) -> Bool { required || (schema.primaryKey.contains(name) && !type.isTextual) }
}

extension String {
    fileprivate var asciiLowercased: String {
        String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
