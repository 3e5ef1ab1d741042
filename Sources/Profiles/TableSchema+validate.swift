public import Model

extension TableSchema {
    /// Everything that is wrong with the schema; empty where it can be used.
    ///
    /// - Parameter path: the JSON pointer of the schema in the document that it came in.
    public func validate(at path: String = "") -> [Problem.Place] { [] }
}
