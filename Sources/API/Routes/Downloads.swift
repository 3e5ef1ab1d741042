import Bulk
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addDownloadRoutes(_ routes: Routes, _ bulk: Bulk) {
        for form in [SnapshotForm.csv, .gzip, .workbook] {
            routes.get("/v1/datasets/{id}/data.\(form.rawValue)", .download) { request, context in
                try await FileDownload(bulk, request, context, form).response(try context.path("id"), number: nil)
            }
            routes.get("/v1/datasets/{id}/versions/{n}/data.\(form.rawValue)", .download) { request, context in
                let text = try context.path("n")
                guard let number = Int(text), (1...Int(Int32.max)).contains(number) else {
                    throw Problem(.versionNotFound, zh: "没有版本 \(text.prefix(32))", en: "there is no version \(text.prefix(32))")
                }
                return try await FileDownload(bulk, request, context, form).response(try context.path("id"), number: number)
            }
        }
    }
}

/// One request for a version's file.
struct FileDownload {
    let bulk: Bulk
    let request: Request
    let context: AppContext
    let form: SnapshotForm

    init(_ bulk: Bulk, _ request: Request, _ context: AppContext, _ form: SnapshotForm) {
        self.bulk = bulk
        self.request = request
        self.context = context
        self.form = form
    }

    private var isHead: Bool { context.exchange.method == "HEAD" }

    func response(_ dataset: String, number: Int?) async throws -> Response {
        _ = try request.negotiate([form.mediaType])
        let parameters = try QueryParameters(request)
        let names = (form == .csv ? ["dialect"] : []) + (number == nil ? ["as_of"] : [])
        try parameters.only(where: names.contains) { names }
        let isForExcel = form == .csv ? try parameters.dialect(withGuard: false).excel : false
        let form = isForExcel ? SnapshotForm.excel : form
        let asked = if let number { number } else { try await bulk.versionNumber(asOfIn: parameters.all, of: dataset) }
        let version = try await bulk.version(of: dataset, number: asked)
        let facts = try await bulk.facts(version)

        if form == .workbook { try checkRows(facts) }
        let tag = EntityTag("sha256-\(facts.digest)\(form.tagSuffix)")
        var headers = common(facts, isPinned: number != nil)
        headers[.eTag] = tag.field
        let modified = facts.releasedAt.wholeSeconds
        try request.checkRead(of: tag, modified: modified)
        if request.isNotModified(tag, modified: modified) { return .notModified(tag, headers: headers) }
        headers[.contentDisposition] = Attachment.field(name: facts.title, fallback: facts.dataset, suffix: form == .excel ? ".csv" : ".\(form.rawValue)")
        headers[.contentType] = form.mediaType == "text/csv" ? "text/csv; charset=utf-8; header=present" : form.mediaType

        let end = facts.expiresAt.map { ContinuousClock.now + .microseconds($0.microseconds - Timestamp.now.microseconds) }
        // The canonical file's length and digest are known before it is there; those of its other forms are not.
        let file = bulk.rendered(version, as: form)
        let known: (size: Int, digest: String)? = form != .csv ? file.map { ($0.size, $0.digest) } : (facts.byteCount, facts.digest)
        guard let known else {
            if isHead { return .ofUnknownLength(headers) }
            return whole(try await bulk.snapshot(version, as: form), headers, size: nil, until: end)
        }
        headers[.acceptRanges] = "bytes"
        headers[.reprDigest] = Self.reprDigest(known.digest)
        if isHead {
            headers[.contentLength] = String(known.size)
            return Response(status: .ok, headers: headers)
        }
        switch request.allowsRange(of: tag) ? ByteRange(request.headers[.range], size: known.size) : .whole {
        case .whole: return whole(try await bulk.snapshot(version, as: form), headers, size: known.size, until: end)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(known.size)"
            return part(try await bulk.snapshot(version, as: form, range: range), headers, range, until: end)
        case .unsatisfiable:
            let problem = Problem(
                .rangeNotSatisfiable, zh: "文件只有 \(known.size) 字节", en: "the file has \(known.size) bytes",
                places: [.init("Range", zh: "超出文件末尾", en: "beyond the end of the file")])
            var response = ProblemDocument(problem, context.exchange).response
            response.headers[.contentRange] = "bytes */\(known.size)"
            return response
        }
    }

    private func checkRows(_ facts: SnapshotFacts) throws {
        guard facts.rowCount > bulk.workbookRows else { return }
        let csv = "/v1/datasets/\(facts.dataset)/versions/\(facts.version)/data.csv"
        throw Problem(
            .formatUnsuitable, zh: "有 \(facts.rowCount) 行，Excel 工作表最多 \(bulk.workbookRows) 行（另有表头）；请下载 CSV",
            en: "there are \(facts.rowCount) rows; a sheet of Excel holds \(bulk.workbookRows) besides its header; take the CSV",
            members: [.links: try JSON.encode(["csv": csv])])
    }

    private func common(_ facts: SnapshotFacts, isPinned: Bool) -> HTTPFields {
        var headers: HTTPFields = [:]
        // The address of a version always gives the same bytes; that of the current one may give others at any time.
        headers[.cacheControl] = isPinned && !facts.hasWindow ? "public, max-age=31536000, immutable" : "public, no-cache"
        headers[.lastModified] = WallClock.httpDate(seconds: facts.releasedAt.wholeSeconds)
        headers[.daylightVersion] = String(facts.version)
        return headers
    }

    private func whole(_ body: SnapshotBody, _ headers: HTTPFields, size: Int?, until end: ContinuousClock.Instant?) -> Response {
        switch body {
        case .file(let file): Response(status: .ok, headers: headers, body: Self.slice(file, 0..<file.size, until: end))
        case .followed(let bytes): Response(status: .ok, headers: headers, body: Self.follow(bytes, length: size, until: end))
        }
    }

    private func part(_ body: SnapshotBody, _ headers: HTTPFields, _ range: Range<Int>, until end: ContinuousClock.Instant?) -> Response {
        switch body {
        case .file(let file): Response(status: .partialContent, headers: headers, body: Self.slice(file, range, until: end))
        case .followed(let bytes): Response(status: .partialContent, headers: headers, body: Self.follow(bytes, length: range.count, until: end))
        }
    }

    private static func slice(_ file: OpenSnapshot, _ range: Range<Int>, until end: ContinuousClock.Instant?) -> ResponseBody {
        FileSlice(file: FileSlice.File(owning: file.duplicate()), offset: range.lowerBound, length: range.count, until: end).body
    }

    private static func follow(_ bytes: FollowedFile, length: Int?, until end: ContinuousClock.Instant?) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            for try await buffer in bytes {
                if let end, end <= .now { throw ConnectionError.expired }
                try await writer.write(buffer)
            }
            try await writer.finish(nil)
        }
    }

    /// RFC 9530 section 3: of the whole representation, also where a part of it is sent.
    static func reprDigest(_ hexadecimal: String) -> String {
        let digits = Array(hexadecimal.utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { place in
            UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16) ?? 0
        }
        return "sha-256=:\(Data(bytes).base64EncodedString()):"
    }
}

extension SnapshotForm {
    fileprivate var mediaType: String {
        switch self {
        case .csv, .excel: "text/csv"
        case .gzip: "application/gzip"
        case .workbook: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        }
    }

    /// Behind the digest of the canonical bytes: each form is another representation.
    fileprivate var tagSuffix: String {
        switch self {
        case .csv: ""
        case .excel: "-excel"
        case .gzip: "-gz"
        case .workbook: "-xlsx"
        }
    }
}

extension HTTPField.Name {
    static let reprDigest = Self("Repr-Digest")!
}

extension Timestamp {
    /// Seconds since 1970, as HTTP dates count.
    fileprivate var wholeSeconds: Int { Int(microseconds / 1_000_000) }
}
