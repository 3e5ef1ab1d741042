/// Groups of rows that are kept computed with every version, so that a question about them, or about coarser ones, reads no rows.
///
/// Declared with a schema, in the spelling of an aggregate's parameters; ``RollupShape`` is what that comes down to.
public struct Rollup: Sendable, Hashable, Codable {
    public var name: String
    /// Items of `group_by`: `station`, `day(observed_at)`, `prefix(code,3)`.
    public var groupBy: [String]
    /// Items of `select`: `count`, `sum`, `avg`, `min` and `max` of a field. The number of rows is always kept.
    public var select: [String]

    /// In one schema.
    public static let limit = 10
    /// Items of ``select``.
    public static let selectLimit = 48

    public init(name: String, groupBy: [String], select: [String] = []) {
        self.name = name
        self.groupBy = groupBy
        self.select = select
    }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        name = try c.decode(String.self, forKey: .name)
        groupBy = try c.decode([String].self, forKey: .groupBy)
        select = try c.decodeIfPresent([String].self, forKey: .select) ?? []
    }
}

/// A roll-up that was held against its schema: what it is grouped by, and what is kept of each group.
public struct RollupShape: Sendable, Hashable {
    public let name: String
    public let groups: [AggregateQuery.Group]
    /// `count(*)` first; then counts, sums and extremes. An average is kept as a sum and a count.
    public let parts: [AggregateQuery.Measure]

    /// - Throws: a `Problem` whose places are `group_by` and `select`; fields that are hidden or masked are refused like names that nobody uses.
    public init(_ rollup: Rollup, schema: TableSchema) throws {
        let declared = try AggregateQuery(rollup, fields: QueryableFields(unmasked: schema))
        name = rollup.name
        groups = declared.groupBy
        var parts = [AggregateQuery.Measure(function: .count, field: nil, fieldType: .integer)]
        var places: [Problem.Place] = []
        for measure in declared.select {
            let functions: [AggregateQuery.Measure.Function]
            switch measure.function {
            case .count, .sum, .minimum, .maximum: functions = [measure.function]
            case .average: functions = [.sum, .count]
            case .countDistinct, .percentile:
                places.append(
                    .init(
                        "select", zh: "\(measure.name) 不能由各组的结果得出；可用 count、sum、avg、min、max",
                        en: "\(measure.name) cannot be made from what is kept of groups; there are count, sum, avg, min, max"))
                continue
            }
            for function in functions {
                let part = AggregateQuery.Measure(function: function, field: measure.field, fieldType: measure.fieldType)
                if !parts.contains(part) { parts.append(part) }
            }
        }
        if let first = places.first { throw Problem(.invalidAggregate, zh: first.message.zh, en: first.message.text(in: .en), places: places) }
        self.parts = parts
    }

    /// The same for two roll-ups exactly if they keep the same in the same order, whatever they are called.
    public var signature: String { groups.map(\.name).joined(separator: ",") + "|" + parts.map(\.name).joined(separator: ",") }
}
