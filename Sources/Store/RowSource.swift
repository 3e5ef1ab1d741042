internal import Model
internal import Postgres

/// Where the rows of one version of one dataset are read: always the view that shows values as everybody may see them.
struct RowSource: Sendable {
    let number: Int
    let version: Int

    var view: SQL { "published.\(identifier: "d\(number)")" }

    /// True while the version is the dataset's current one, in the same snapshot that the rows are read in.
    var guardCondition: SQL { "(SELECT current_version FROM published.release WHERE dataset_number = \(raw: String(number))) = \(version, as: .int4)" }

    /// All rows of the version, whether it is current or not: those that still stand and those that ended after it.
    ///
    /// - Parameter columns: the columns that the query around it names.
    func asOf(_ columns: [String]) -> SQL {
        """
        SELECT \(identifiers: columns) FROM \(view) WHERE _until IS NULL AND _since <= \(version, as: .int4) \
        UNION ALL SELECT \(identifiers: columns) FROM \(view) WHERE _until > \(version, as: .int4) AND _since <= \(version, as: .int4)
        """
    }
}
