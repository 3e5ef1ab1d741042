import Catalogue
import Model

/// A dataset with its whole description.
struct DatasetDTO: Encodable, Sendable {
    struct Links: Encodable, Sendable {
        var own: String
        var schema: String
        var versions: String
        var revisions: String
        var rows: String?
        var csv: String?

        enum CodingKeys: String, CodingKey {
            case own = "self"
            case schema, versions, revisions, rows, csv
        }
    }

    var id: String
    var state: Dataset.State
    var revision: Int
    var currentVersion: Int?
    var rowCount: Int?
    var createdAt: Timestamp
    var updatedAt: Timestamp
    var releasedAt: Timestamp?
    /// The address of the node where it is at home, where that is another one.
    var home: String?
    var description: DatasetDescription
    var links: Links

    /// - Parameter description: what the reader may see of it.
    init(_ record: DatasetRecord, _ description: DatasetDescription) {
        let path = "/v1/datasets/\(record.id)"
        id = record.id
        state = record.dataset.state
        revision = record.dataset.revision
        currentVersion = record.dataset.currentVersion
        rowCount = record.rowCount
        createdAt = record.dataset.createdAt
        updatedAt = record.dataset.updatedAt
        releasedAt = record.releasedAt
        home = record.home
        self.description = description
        let isReleased = record.dataset.currentVersion != nil
        links = Links(
            own: path, schema: path + "/schema", versions: path + "/versions", revisions: path + "/revisions", rows: isReleased ? path + "/rows" : nil,
            csv: isReleased ? path + "/data.csv" : nil
        )
    }
}

/// A dataset as it stands in lists.
struct DatasetSummaryDTO: Encodable, Sendable {
    var id: String
    var title: LocalizedText
    var abstract: LocalizedText
    var keywords: [String]
    var department: String
    var theme: String?
    var profile: ProfileReference?
    var shareType: ShareType
    var openness: Openness
    var updateCycle: UpdateCycle
    var region: String?
    var licence: String
    var state: Dataset.State
    var currentVersion: Int?
    var rowCount: Int?
    var updatedAt: Timestamp

    init(_ overview: DatasetOverview) {
        let description = overview.description
        id = overview.id
        title = description.title
        abstract = description.abstract
        keywords = description.keywords
        department = description.department
        theme = description.theme
        profile = overview.profile
        shareType = description.shareType
        openness = description.openness
        updateCycle = description.updateCycle
        region = description.region
        licence = description.licence
        state = overview.state
        currentVersion = overview.currentVersion
        rowCount = overview.rowCount
        updatedAt = overview.updatedAt
    }
}
