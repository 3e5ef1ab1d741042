/// Who reads the catalogue, as far as it matters for what is seen: what has a draft's department or task sees drafts.
public struct Reader: Sendable, Hashable {
    /// The department on whose behalf is read.
    public var department: String?
    public var scopes: Set<Scope>
    /// Datasets that the reader's key is limited to; no limit where empty.
    public var datasets: [String]

    public init(department: String? = nil, scopes: Set<Scope> = [], datasets: [String] = []) {
        self.department = department
        self.scopes = scopes
        self.datasets = datasets
    }

    /// The holder of a key; anybody where it is nil.
    public init(key: AccessKey?) {
        self.init(department: key?.department, scopes: Set(key?.scopes ?? []), datasets: key?.datasets ?? [])
    }

    public static let anonymous = Reader()

    /// Whether the reader's task takes in every department's drafts.
    public var seesAllDrafts: Bool { !scopes.isDisjoint(with: [.review, .oversight, .admin]) }

    /// Whether the reader sees this dataset while it is a draft, and its fields that are not public by name.
    public func seesDraft(of department: String, dataset: String) -> Bool {
        guard datasets.isEmpty || datasets.contains(dataset) else { return false }
        return seesAllDrafts || (self.department == department && !scopes.isEmpty)
    }
}
