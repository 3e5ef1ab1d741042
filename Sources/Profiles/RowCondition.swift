internal import Model

/// When a rule applies, compiled.
struct RowCondition: Sendable {
    private let field: Int
    private let type: FieldType
    private let values: ValueList?
    private let lower: Int128
    private let upper: Int128
    private let isBounded: Bool
    private let present: Bool?

    /// - Returns: nil where the schema has no such field.
    init?(_ condition: Check.Condition, in schema: TableSchema) {
        guard let field = schema.fields.firstIndex(where: { $0.name == condition.field }) else { return nil }
        self.field = field
        type = schema.fields[field].type
        values = condition.values.isEmpty ? nil : ValueList(condition.values)
        lower = condition.minimum.flatMap { OrderKey.of(literal: $0, of: schema.fields[field]) } ?? Int128.min
        upper = condition.maximum.flatMap { OrderKey.of(literal: $0, of: schema.fields[field]) } ?? Int128.max
        isBounded = condition.minimum != nil || condition.maximum != nil
        present = condition.present
    }

    func holds(_ value: (Int) -> UnsafeRawBufferPointer) -> Bool {
        let bytes = value(field)
        if let present, (bytes.count > 0) != present { return false }
        if let values, !values.contains(bytes) { return false }
        if isBounded {
            guard bytes.count > 0 else { return false }
            let key = OrderKey.of(bytes, type: type)
            if key < lower || key > upper { return false }
        }
        return true
    }
}
