/// An entry of the public record of changes: something that readers see differently since.
public struct Change: Sendable, Hashable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// A new version.
        case release
        /// A dataset, a version or rows were taken out of public view.
        case withdrawal
        /// The description of a published dataset was edited.
        case description
    }

    /// Its place in the order. Numbers rise in the order in which changes became visible, and may have gaps.
    public var number: Int
    public var id: String
    public var kind: Kind
    public var dataset: String
    /// The dataset's title as it is now; nil once the dataset is withdrawn.
    public var title: LocalizedText?
    public var department: String
    public var departmentName: LocalizedText
    /// The version released or withdrawn.
    public var version: Int?
    /// The description's revision.
    public var revision: Int?
    public var withdrawal: Withdrawal?
    public var changedAt: Timestamp

    /// What was taken away, and why.
    public struct Withdrawal: Sendable, Hashable {
        public var id: String
        public var subject: Model.Withdrawal.Subject
        public var reason: LocalizedText

        public init(id: String, subject: Model.Withdrawal.Subject, reason: LocalizedText) {
            (self.id, self.subject, self.reason) = (id, subject, reason)
        }
    }

    public init(
        number: Int, id: String, kind: Kind, dataset: String, title: LocalizedText?, department: String, departmentName: LocalizedText, version: Int? = nil,
        revision: Int? = nil, withdrawal: Withdrawal? = nil, changedAt: Timestamp
    ) {
        self.number = number
        self.id = id
        self.kind = kind
        self.dataset = dataset
        self.title = title
        self.department = department
        self.departmentName = departmentName
        self.version = version
        self.revision = revision
        self.withdrawal = withdrawal
        self.changedAt = changedAt
    }
}
