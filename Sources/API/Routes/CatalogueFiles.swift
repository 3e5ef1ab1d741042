import Bulk
import Catalogue
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    /// The whole published catalogue in one file.
    func addCatalogueFileRoutes(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/catalogue.csv", .download) { request, context in
            _ = try request.negotiate(["text/csv"])
            let parameters = try QueryParameters(request)
            try parameters.only("dialect", "formula_guard")
            let csv = CatalogueCSV(dialect: try parameters.dialect(withGuard: true))
            return try await CatalogueFile(catalogue, suffix: ".csv", type: "text/csv; charset=utf-8; header=present").response(context) { csv.write($0, isFirst: $1) }
        }

        routes.get("/v1/catalogue.ndjson", .download) { request, context in
            _ = try request.negotiate(["application/x-ndjson"])
            try QueryParameters(request).only()
            return try await CatalogueFile(catalogue, suffix: ".ndjson", type: "application/x-ndjson").response(context) { records, _ in
                let encoder = JSON.encoder()
                var lines = ByteBuffer()
                for record in records {
                    lines.writeBytes(try encoder.encode(DatasetDTO(record, catalogue.visibleDescription(of: record, to: .anonymous))))
                    lines.writeInteger(UInt8(ascii: "\n"))
                }
                return lines
            }
        }
    }

    /// In which forms a dataset can be had.
    func addDownloadPageRoutes(_ routes: Routes, _ bulk: Bulk) {
        routes.get("/v1/datasets/{id}/download", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only("version", "as_of")
            let named = try parameters.integer("version", in: 1...Int(Int32.max))
            let dataset = try context.path("id")
            let asOf = try await bulk.versionNumber(asOfIn: parameters.all, of: dataset)
            let version = try await bulk.version(of: dataset, number: asOf ?? named)
            let facts = try await bulk.facts(version)
            func known(_ form: SnapshotForm) -> DownloadDTO.Known? { bulk.rendered(version, as: form).map { .init(bytes: $0.size, digest: $0.digest) } }
            let own = request.uri.path + (request.uri.query.map { "?\($0)" } ?? "")
            let forms = DownloadDTO(
                facts, gzip: known(.gzip), excel: known(.excel), workbook: known(.workbook), hasWorkbook: facts.rowCount <= bulk.workbookRows, own: own)
            return try .json(forms, tagged: request, headers: [.cacheControl: "public, no-cache"])
        }
    }
}

/// What is published, on its way as a file, made at the pace at which it is read.
private struct CatalogueFile {
    /// Datasets read at once.
    private static let stretch = 500

    private let catalogue: Catalogue
    private let headers: HTTPFields

    init(_ catalogue: Catalogue, suffix: String, type: String) {
        self.catalogue = catalogue
        headers = [.contentType: type, .cacheControl: "public, no-cache", .contentDisposition: Attachment.field(name: "数据资源目录", fallback: "catalogue", suffix: suffix)]
    }

    /// - Parameter write: makes a stretch of the file; told whether it is the first.
    func response(_ context: AppContext, _ write: @escaping @Sendable ([DatasetRecord], Bool) throws -> ByteBuffer) async throws -> Response {
        if context.exchange.method == "HEAD" { return .ofUnknownLength(headers) }
        let catalogue = catalogue
        // What fails before the first byte still gets a problem; what fails later cuts the connection.
        let first = try await catalogue.published(after: nil, limit: Self.stretch)
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                var (records, isFirst) = (first, true)
                while true {
                    try await writer.write(write(records, isFirst))
                    guard records.count == Self.stretch, let last = records.last else { break }
                    records = try await catalogue.published(after: last.id, limit: Self.stretch)
                    isFirst = false
                }
                try await writer.finish(nil)
            })
    }
}
