internal import Ledger
internal import Model

/// How a public field differs between two versions.
public struct FieldChange: Sendable, Hashable {
    public enum Kind: String, Sendable {
        /// The older version does not show it.
        case added = "field_added"
        case changed = "field_changed"
    }

    public let kind: Kind
    public let field: String
    /// What it was, of what differs, as JSON; nil for a new field.
    public let old: String?
    /// What it is; the whole of a new field.
    public let new: String

    /// The changes in the order of the newer version's fields.
    ///
    /// - Throws: `EncodingError`, `DecodingError`: not for what the model can hold.
    static func between(_ old: TableSchema?, _ new: TableSchema) throws -> [FieldChange] {
        try new.publicFields.compactMap { field in
            let now = try members(field)
            guard let before = old?.field(field.name), before.visibility == .public else {
                return FieldChange(kind: .added, field: field.name, old: nil, new: text(.object(now)))
            }
            let then = try members(before)
            let names = Set(now.keys).union(then.keys).filter { now[$0] != then[$0] }
            guard !names.isEmpty else { return nil }
            func part(_ all: [String: CanonicalJSON]) -> String {
                text(.object(Dictionary(uniqueKeysWithValues: names.map { ($0, all[$0] ?? .null) })))
            }
            return FieldChange(kind: .changed, field: field.name, old: part(then), new: part(now))
        }
    }

    private static func members(_ field: Field) throws -> [String: CanonicalJSON] {
        guard case .object(let members) = try CanonicalJSON(parsing: Array(JSON.encode(field.publicPart).utf8)) else { return [:] }
        return members
    }

    private static func text(_ value: CanonicalJSON) -> String { String(decoding: value.bytes, as: UTF8.self) }
}
