public import Model

extension Leaf.Release {
    /// The digest that a leaf has of a schema: of what says how rows are to be read.
    ///
    /// - Throws: `EncodingError`, `DecodingError`: not for what the model can hold.
    public static func digest(of fields: TableSchema) throws -> String { HexDigest.of(try schema(fields).bytes) }
}
