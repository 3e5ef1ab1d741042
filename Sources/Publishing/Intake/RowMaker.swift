import CSV
import Model
import Profiles

/// Makes the rows of records: takes values from their columns, treats and checks them, checks the row, and writes it for PostgreSQL.
///
/// A good value costs no allocation, no reference count and no string. Memory is that of one record and of the rows not yet fetched.
struct RowMaker: ~Copyable {
    /// What the loop over a row's fields looks at.
    struct Slot {
        enum Kind { case absent, column, tokens, treated, constant, composed, unpivot }
        var kind: Kind
        var column = 0
        var tokens: ShortTokens?
        // The plan holds on to what these point to.
        var treatment: Unmanaged<Treatment>?
        var recipe: Unmanaged<DatetimeRecipe>?
    }

    let schema: TableSchema
    let plan: RowPlan
    let keepsRecords: Bool
    let fieldCount: Int
    private let slots: UnsafeMutablePointer<Slot>
    let checks: UnsafeMutablePointer<ValueCheck>
    let rowChecks: [RowCheck]
    let derivations: [Derivation]
    /// The fields that formulas fill, and those of them that each row must have.
    let targets: [Int]
    let neededTargets: [Int]
    let keys: KeyLimit
    /// The canonical values of the record in hand, and where each field's stands; missing ones are empty.
    var values = RowBytes(capacity: 4096)
    let spans: UnsafeMutablePointer<Span>
    var scratch = TreatmentScratch()
    /// The values of the columns that become rows, and those of formulas, row after row.
    var unpivoted: [(name: Span, value: Span)] = []
    var unpivotedTargets: [Span] = []
    var writer: CopyRowWriter
    var order: KeyOrder
    var canonical: CanonicalStream?
    private(set) var rowCount = 0

    init(schema: TableSchema, plan: RowPlan, keepsRecords: Bool) {
        self.schema = schema
        self.plan = plan
        self.keepsRecords = keepsRecords
        let count = schema.fields.count
        fieldCount = count
        rowChecks = schema.rowChecks
        derivations = schema.derivations
        let derived = Set(schema.derived.flatMap(\.targets))
        targets = schema.fields.indices.filter { derived.contains(schema.fields[$0].name) }
        neededTargets = targets.filter { schema.fields[$0].isNeeded(in: schema) }
        keys = KeyLimit(schema)
        writer = CopyRowWriter(schema)
        order = KeyOrder(schema)
        canonical = order.holds ? CanonicalStream(schema) : nil
        slots = .allocate(capacity: count)
        checks = .allocate(capacity: count)
        spans = .allocate(capacity: count)
        spans.initialize(repeating: .empty, count: count)
        for (index, field) in schema.fields.enumerated() {
            var field = field
            // A key holds no null. What formulas fill is looked at after they have.
            field.required = field.isNeeded(in: schema) && !derived.contains(field.name)
            (checks + index).initialize(to: ValueCheck(field, defaultOffset: plan.offsets[index]))
            (slots + index).initialize(to: Slot(plan.sources[index]))
        }
    }

    deinit {
        checks.deinitialize(count: fieldCount).deallocate()
        slots.deallocate()
        spans.deallocate()
    }

    /// Makes the rows of a record.
    ///
    /// - Returns: false where something is wrong with any of them; then none is made.
    @inline(__always)
    mutating func make(_ record: borrowing Record, _ log: inout FindingLog) -> Bool {
        values.removeAll()
        if plan.unpivot != nil { return makeUnpivoted(record, &log) }
        let isGood = fill(record, &log)
        guard finishRow(record.line, isGood, &log) else { return false }
        emit(record)
        return true
    }

    /// Checks the values of all fields but those of an unpivot.
    @inline(__always)
    mutating func fill(_ record: borrowing Record, _ log: inout FindingLog) -> Bool {
        var isGood = true
        var index = 0
        while index < fieldCount {
            let slot = slots[index]
            let raw: UnsafeRawBufferPointer
            switch slot.kind {
            case .column: raw = record[slot.column]
            case .absent: raw = .nothing
            case .unpivot:
                index &+= 1
                continue
            case .tokens:
                let value = record[slot.column]
                raw = slot.tokens.unsafelyUnwrapped.holds(value) ? .nothing : value
            case .treated, .constant, .composed:
                switch prepared(index, slot, record) {
                case .value(let value): raw = value
                case .fault(let code):
                    isGood = false
                    report(code, index, record.line, rawText(index, record), &log)
                    spans[index] = .empty
                    index &+= 1
                    continue
                }
            }
            let start = values.count
            let code = checks[index].check(raw, into: &values)
            spans[index] = Span(start: start, count: values.count &- start)
            if let code {
                isGood = false
                report(code, index, record.line, rawText(index, record), &log)
            }
            index &+= 1
        }
        return isGood
    }

    /// The value of a field that a mapping provides.
    private mutating func prepared(_ index: Int, _ slot: Slot, _ record: borrowing Record) -> Treated {
        if let treatment = slot.treatment {
            let value = record[slot.column]
            return treatment._withUnsafeGuaranteedRef { $0.apply(value, &scratch) }
        }
        if let recipe = slot.recipe { return recipe._withUnsafeGuaranteedRef { $0.compose(record, &scratch) } }
        guard case .constant(let bytes) = plan.sources[index] else { return .value(.nothing) }
        return .value(scratch.write { sink in bytes.withUnsafeBytes { sink.append($0) } })
    }

    /// The value of a field as it stands in the file.
    private func rawText(_ index: Int, _ record: borrowing Record) -> String? {
        switch plan.sources[index] {
        case .column(let column, _): return record.string(column)
        case .constant(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .composed(let recipe): return recipe.raw(record)
        case .absent, .unpivotName, .unpivotValue: return nil
        }
    }

    /// Notes what is wrong with a value, and shows the value where everybody may see it.
    @inline(never)
    func report(_ code: FindingCode, _ index: Int, _ line: Int, _ raw: @autoclosure () -> String?, _ log: inout FindingLog) {
        log.note(code) {
            let field = schema.fields[index]
            let isShown = field.visibility == .public && field.mask == nil && code != .personalIdentifier
            // A citizen's number may stand in the wrong column.
            let value = isShown ? raw().flatMap { $0.isEmpty || Identifiers.isCitizenNumber($0.trimmedName) ? nil : $0 } : nil
            var finding = Finding(code, line: line, field: field.name, value: value)
            finding.message = code.message(checks[index].arguments(for: code))
            return finding
        }
    }

    /// Fills the row that the spans say where formulas can, and checks it.
    ///
    /// - Parameter isGood: whether its values are; formulas and rules about several values would only repeat what is wrong with one.
    @inline(__always)
    mutating func finishRow(_ line: Int, _ isGood: Bool, _ log: inout FindingLog) -> Bool {
        if isGood, !derivations.isEmpty, !derive(line, &log) { return false }
        if values.count > KeyLimit.bytes, let field = keys.exceeding(spans) {
            log.note(Finding(.tooLong, line: line, field: schema.fields[field].name, value: nil, String(keys.characters(spans, field))))
            return false
        }
        if !isGood || rowChecks.isEmpty { return isGood }
        return runRowChecks(line, &log)
    }

    private func runRowChecks(_ line: Int, _ log: inout FindingLog) -> Bool {
        var isGood = true
        for check in rowChecks {
            guard let finding = check.check(line: line, { values.slice(spans[$0]) }) else { continue }
            log.note(finding)
            if finding.severity == .error { isGood = false }
        }
        return isGood
    }

    /// Writes the row that the spans say.
    @inline(__always)
    mutating func emit(_ record: borrowing Record) {
        writer.write(line: record.line, values, spans, record: keepsRecords ? record.raw : nil)
        rowCount &+= 1
        guard order.holds else { return }
        order.take(values, spans)
        if order.holds {
            canonical?.take(values, spans)
        } else {
            canonical = nil
        }
    }
}

extension RowMaker.Slot {
    init(_ source: RowPlan.Source) {
        switch source {
        case .absent: self.init(kind: .absent)
        case .column(let column, nil): self.init(kind: .column, column: column)
        case .column(let column, let treatment?):
            let tokens = treatment.shortTokens
            self.init(kind: tokens == nil ? .treated : .tokens, column: column, tokens: tokens, treatment: .passUnretained(treatment))
        case .constant: self.init(kind: .constant)
        case .composed(let recipe): self.init(kind: .composed, recipe: .passUnretained(recipe))
        case .unpivotName, .unpivotValue: self.init(kind: .unpivot)
        }
    }
}
