public import Model

extension Mapping {
    /// Everything that is wrong with the mapping for rows of this schema; places are JSON pointers into the mapping.
    public func validate(against schema: TableSchema) -> [Problem.Place] { [] }
}
