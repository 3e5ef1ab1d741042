import Model

/// A change as it is told.
struct ChangeDTO: Encodable, Sendable {
    struct WithdrawalDTO: Encodable, Sendable {
        var id: String
        var subject: Withdrawal.Subject
        var reason: LocalizedText
    }

    var number: Int
    var id: String
    var kind: Change.Kind
    var dataset: String
    var title: LocalizedText?
    var department: String
    var version: Int?
    var revision: Int?
    var withdrawal: WithdrawalDTO?
    var changedAt: Timestamp
    var links: [String: String]

    init(_ change: Change) {
        number = change.number
        id = change.id
        kind = change.kind
        dataset = change.dataset
        title = change.title
        department = change.department
        version = change.version
        revision = change.revision
        withdrawal = change.withdrawal.map { WithdrawalDTO(id: $0.id, subject: $0.subject, reason: $0.reason) }
        changedAt = change.changedAt
        links = ["dataset": change.datasetPath]
        if change.kind == .release, let version = change.version {
            links["version"] = "\(change.datasetPath)/versions/\(version)"
            links["data"] = "\(change.datasetPath)/versions/\(version)/data.csv"
        }
    }
}

extension Change {
    var datasetPath: String { "/v1/datasets/\(dataset)" }
}

/// A page of changes, and the number to go on from.
struct ChangeListDTO: Encodable, Sendable {
    struct Meta: Encodable, Sendable {
        /// The number to give as `since` next time.
        var last: Int
    }

    var data: [ChangeDTO]
    var meta: Meta
    var links: PageLinks
}
