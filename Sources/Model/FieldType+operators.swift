extension FieldType {
    /// What a filter can do with a field of this type: operators as CQL2 JSON names them, the temporal functions as `t_…`.
    public var filterOperators: [String] {
        let equality = ["=", "<>"], order = ["<", "<=", ">", ">="]
        switch self {
        case .text, .code, .period: return equality + order + ["between", "in", "isNull", "like", "casei"]
        case .geoPoint: return equality + ["in", "isNull", "like", "casei"]
        case .integer, .decimal: return equality + order + ["between", "in", "isNull"] + Predicate.Term.Operation.allCases.map(\.rawValue)
        case .boolean: return equality + ["in", "isNull"]
        case .date, .datetime: return equality + order + ["between", "in", "isNull"] + TemporalRelation.allCases.map(\.name)
        case .json: return ["isNull"]
        }
    }
}

extension FieldType {
    /// Suffixes after `__` of the simple parameters that a field of this type takes.
    public var parameterOperators: [String] {
        var operators = self == .json ? [] : ["eq", "ne"]
        if isOrdered { operators += ["gt", "gte", "lt", "lte"] }
        if self != .json { operators.append("in") }
        if isTextual { operators.append("like") }
        return operators + ["null"]
    }
}
