import Exchange
import Foundation
import HTTPTypes
import Hummingbird
import Model
import RateLimit

extension API {
    func addSealedFileRoute(_ routes: Routes, _ sharing: Sharing) {
        routes.get("/v1/exchange/grants/{grant}/file", .download) { request, context in
            _ = try request.negotiate(["application/octet-stream"])
            let query = try QueryParameters(request)
            try query.only("since", "version")
            var member = try context.member()
            // A signature on a question for the headers alone proves no wish for the file.
            if context.exchange.method == "HEAD" { member.signed = nil }
            let sealed = try await sharing.sealedFile(
                by: try context.path("grant"), for: member, purpose: try request.purpose(), since: try query.integer("since", in: 0...Int(Int32.max)),
                version: try query.integer("version", in: 1...Int(Int32.max)), call: context.requestID)
            return sealed.response(request, context)
        }
    }
}

extension SealedDelivery {
    /// The file, or the part of it that was asked for (RFC 9110 section 14). It is the same bytes whenever and wherever it is asked for, so a broken download goes on.
    fileprivate func response(_ request: Request, _ context: AppContext) -> Response {
        let tag = EntityTag("sha256-\(file.digest)")
        var headers: HTTPFields = [.cacheControl: "private, no-cache", .acceptRanges: "bytes"]
        headers[.eTag] = tag.field
        headers[.contentLocation] = "/v1/exchange/grants/\(grant)/file?since=\(fromVersion)&version=\(toVersion)"
        headers[.daylightVersion] = String(toVersion)
        headers[.daylightSince] = String(fromVersion)
        headers[.daylightDelivery] = delivery
        headers[.daylightKey] = key
        headers.add(allowances)
        if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
        headers[.contentType] = "application/octet-stream"
        headers[.contentDisposition] = Attachment.field(name: title.zh, fallback: dataset, suffix: ".csv.age")
        headers[.reprDigest] = FileDownload.reprDigest(file.digest)
        switch request.allowsRange(of: tag) && context.exchange.method != "HEAD" ? ByteRange(request.headers[.range], size: file.size) : .whole {
        case .whole:
            if context.exchange.method == "HEAD" {
                headers[.contentLength] = String(file.size)
                return Response(status: .ok, headers: headers)
            }
            return Response(status: .ok, headers: headers, body: slice(0..<file.size))
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return Response(status: .partialContent, headers: headers, body: slice(range))
        case .unsatisfiable:
            let problem = Problem(
                .rangeNotSatisfiable, zh: "文件只有 \(file.size) 字节", en: "the file has \(file.size) bytes",
                places: [.init("Range", zh: "超出文件末尾", en: "beyond the end of the file")])
            var response = ProblemDocument(problem, context.exchange).response
            response.headers[.contentRange] = "bytes */\(file.size)"
            return response
        }
    }

    private func slice(_ range: Range<Int>) -> ResponseBody {
        FileSlice(
            file: FileSlice.File(owning: file.duplicate()), offset: range.lowerBound, length: range.count,
            until: expiresAt.map { .now + .microseconds($0.microseconds - Timestamp.now.microseconds) }
        ).body
    }
}

extension HTTPField.Name {
    /// The key that a file is sealed to.
    fileprivate static let daylightKey = Self("Daylight-Key")!
}
