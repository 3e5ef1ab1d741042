/// Where a page of rows ended, and of which question at which version. Names are short because they stand in addresses.
struct RowCursor: Hashable, Codable {
    /// The version that the first page was read from.
    var version: Int
    /// Tells the question apart from every other (``RowFingerprint``).
    var fingerprint: UInt64
    /// The order's values of the last row; nil for a missing one.
    var values: [String?]

    /// The longest cursor that opens again.
    static let sizeLimit = 4096

    enum CodingKeys: String, CodingKey {
        case version = "v"
        case fingerprint = "f"
        case values = "k"
    }
}
