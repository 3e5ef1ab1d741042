/// The fields of a schema that everybody may ask about: names and types of the public ones, in the form in which questions look them up.
public struct QueryableFields: Sendable, Hashable {
    /// One field.
    public struct Entry: Sendable, Hashable {
        public let name: String
        public let type: FieldType
        /// Key fields hold no missing values.
        public let isKey: Bool
    }

    /// In schema order.
    public let entries: [Entry]

    public init(_ schema: TableSchema) {
        entries = schema.publicFields.map { Entry(name: $0.name, type: $0.type, isKey: schema.primaryKey.contains($0.name)) }
    }

    /// The same without the fields whose values are shown masked: what is computed of them would tell more than what is shown.
    public init(unmasked schema: TableSchema) {
        var schema = schema
        schema.fields.removeAll { $0.mask != nil }
        self.init(schema)
    }

    /// - Returns: nil for names that nobody uses and for those of fields that are not public alike.
    public subscript(_ name: some StringProtocol) -> Entry? {
        for entry in entries where entry.name == name { return entry }
        return nil
    }

    /// Says that there is no such field, and which there are; the same for names that nobody uses and for those of fields that are not public.
    func unknown(_ name: some StringProtocol) -> LocalizedText {
        let names = entries.prefix(60).map(\.name).joined(separator: ", ")
        let shown = name.prefix(64)
        return LocalizedText(zh: "没有信息项 \(shown)；可用：\(names)", en: "no field \(shown); there are: \(names)")
    }
}
