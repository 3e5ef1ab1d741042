import Bulk
import Model

/// In which forms a version can be had.
struct DownloadDTO: Encodable, Sendable {
    struct Form: Encodable, Sendable {
        /// `csv`, `csv.gz`, `xlsx`, `csv-excel`, `ndjson`.
        var format: String
        var mediaType: String
        var href: String
        /// Absent where they are known only once the file was made, and for `ndjson`, which is made anew each time.
        var bytes: Int?
        /// SHA-256, 64 hexadecimal digits; absent as `bytes` is.
        var digest: String?
        /// Whether a part of it can be asked for by `Range`.
        var ranges: Bool
    }

    /// What is known of a file that was made.
    struct Known {
        var bytes: Int
        var digest: String
    }

    struct Meta: Encodable, Sendable {
        var dataset: String
        var version: Int
        var rows: Int
        var releasedAt: Timestamp
    }

    struct Links: Encodable, Sendable {
        var own: String
        var version: String
        var schema: String

        enum CodingKeys: String, CodingKey {
            case own = "self"
            case version, schema
        }
    }

    var data: [Form]
    var meta: Meta
    var links: Links

    /// - Parameters:
    ///   - gzip: of the gzip form, where it is there already.
    ///   - excel: the same of the CSV for Excel.
    ///   - workbook: the same of the workbook.
    ///   - hasWorkbook: whether the rows fit into one.
    ///   - own: the address that was asked.
    init(_ facts: SnapshotFacts, gzip: Known?, excel: Known?, workbook: Known?, hasWorkbook: Bool, own: String) {
        let base = "/v1/datasets/\(facts.dataset)", version = "\(base)/versions/\(facts.version)"
        data = [
            Form(format: "csv", mediaType: "text/csv", href: "\(version)/data.csv", bytes: facts.byteCount, digest: facts.digest, ranges: true),
            Form(format: "csv.gz", mediaType: "application/gzip", href: "\(version)/data.csv.gz", bytes: gzip?.bytes, digest: gzip?.digest, ranges: true),
            Form(format: "csv-excel", mediaType: "text/csv", href: "\(version)/data.csv?dialect=excel", bytes: excel?.bytes, digest: excel?.digest, ranges: true),
            Form(format: "ndjson", mediaType: "application/x-ndjson", href: "\(base)/rows.ndjson?version=\(facts.version)", ranges: false),
        ]
        if hasWorkbook {
            let type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            data.insert(Form(format: "xlsx", mediaType: type, href: "\(version)/data.xlsx", bytes: workbook?.bytes, digest: workbook?.digest, ranges: true), at: 2)
        }
        meta = Meta(dataset: facts.dataset, version: facts.version, rows: facts.rowCount, releasedAt: facts.releasedAt)
        links = Links(own: own, version: version, schema: "\(base)/schema")
    }
}
