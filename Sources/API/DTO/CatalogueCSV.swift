import CSV
import Model
import NIOCore

/// The catalogue as CSV: one record for each dataset, with the core of its metadata.
struct CatalogueCSV {
    private struct Column {
        let name: String
        /// Whether a spreadsheet could take its values for formulas.
        let isText: Bool
        let value: @Sendable (DatasetRecord) -> String?
    }

    private static let columns: [Column] = [
        text("id") { $0.id }, text("title_zh") { $0.dataset.description.title.zh }, text("title_en") { $0.dataset.description.title.en },
        text("abstract_zh") { $0.dataset.description.abstract.zh }, text("abstract_en") { $0.dataset.description.abstract.en },
        text("keywords") { $0.dataset.description.keywords.joined(separator: ";") }, text("department") { $0.department },
        text("resource_code") { $0.dataset.description.resourceCode }, text("theme") { $0.dataset.description.theme }, text("profile") { $0.profile?.id },
        number("profile_version") { $0.profile?.version }, text("share_type") { $0.dataset.description.shareType.rawValue },
        text("openness") { $0.dataset.description.openness.rawValue }, text("disclosure") { $0.dataset.description.disclosure.rawValue },
        text("update_cycle") { $0.dataset.description.updateCycle.rawValue }, text("region") { $0.dataset.description.region },
        text("temporal_from") { $0.dataset.description.temporalFrom }, text("temporal_to") { $0.dataset.description.temporalTo },
        text("licence") { $0.dataset.description.licence }, number("current_version") { $0.dataset.currentVersion }, number("row_count") { $0.rowCount },
        text("released_at") { $0.releasedAt?.description }, text("updated_at") { $0.dataset.updatedAt.description },
    ]

    private static func text(_ name: String, _ value: @escaping @Sendable (DatasetRecord) -> String?) -> Column {
        Column(name: name, isText: true, value: value)
    }

    private static func number(_ name: String, _ value: @escaping @Sendable (DatasetRecord) -> Int?) -> Column {
        Column(name: name, isText: false) { value($0).map(String.init) }
    }

    let dialect: CSVDialect

    /// - Parameter isFirst: whether the header comes before the records.
    func write(_ records: [DatasetRecord], isFirst: Bool) -> ByteBuffer {
        let options = WriterOptions(
            byteOrderMark: dialect.excel && isFirst, crlf: dialect.excel, guardedColumns: dialect.formulaGuard ? Self.columns.map(\.isText) : [])
        var writer = RecordWriter(columns: Self.columns.count, options: options)
        if isFirst { writer.header(Self.columns.map(\.name)) }
        for record in records {
            for column in Self.columns {
                if let value = column.value(record) { writer.field(value) } else { writer.null() }
            }
        }
        return writer.sink.withUnsafeBytes { ByteBuffer(bytes: $0) }
    }
}
