public import Model

/// Entries of the exchange's audit as CSV (RFC 4180), for spreadsheets: the members of their JSON by name, and their hash. What the ledger has a digest of is the JSON.
public enum AuditCSV {
    private static let names = [
        "number", "at", "request", "stage", "operation", "target", "key", "department", "grant", "purpose", "path", "from_version", "version", "delivery", "after", "last", "row_count",
        "byte_count", "status", "code", "calls", "nonce",
    ]

    /// The first line, its end included.
    public static let header = Array(((names + ["hash"]).joined(separator: ",") + "\n").utf8)

    /// A line, its end included.
    ///
    /// - Throws: `EncodingError`: not for what the model can hold.
    public static func line(_ entry: AuditEntry) throws -> [UInt8] {
        let json = try CanonicalJSON(entry)
        return try line(names.map { text(json[$0]) }, entry)
    }

    /// The line of an entry that its reader may not see: its hash alone.
    public static func hidden(_ entry: AuditEntry) throws -> [UInt8] { try line(names.map { _ in "" }, entry) }

    private static func line(_ values: [String], _ entry: AuditEntry) throws -> [UInt8] {
        Array(((values + [HexDigest.hexadecimal(try AuditDigest.hash(of: entry))]).joined(separator: ",") + "\n").utf8)
    }

    /// Nothing where it is absent; an empty text in quotes.
    private static func text(_ value: CanonicalJSON?) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .integer(let number): String(number)
        // The key of a row, as addresses spell it.
        case .array(let values): quoted(RowKey.text(values.map { if case .string(let value) = $0 { value } else { "" } }))
        case .boolean, .null, .object, nil: ""
        }
    }

    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
