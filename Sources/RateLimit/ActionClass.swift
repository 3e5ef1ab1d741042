/// What a request asks of the server, as far as limits are concerned.
///
/// The set is closed: a new class needs a default in ``Policy/defaults``, which the compiler cannot miss.
public enum ActionClass: String, CaseIterable, Sendable, Hashable {
    /// One resource by its address.
    case read
    /// Words looked for in the catalogue.
    case search
    /// Filtered, sorted or aggregated rows.
    case query
    /// A file, or a stream without a row limit.
    case download
    /// A write to a dataset: a push and what belongs to it.
    case push
    /// Something that a person has to answer: requests, applications, corrections.
    case apply

    /// Position in ``allCases``, for tables indexed by class.
    public var index: Int {
        switch self {
        case .read: 0
        case .search: 1
        case .query: 2
        case .download: 3
        case .push: 4
        case .apply: 5
        }
    }
}
