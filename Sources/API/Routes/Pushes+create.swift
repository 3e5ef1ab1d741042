import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing

extension API {
    /// Takes a push in. The body is read no faster than it can be stored, and the answer is whole even where reading stops early.
    func createPush(_ request: Request, _ context: AppContext, _ publishing: Publishing) async throws -> Response {
        let dataset = try context.path("id")
        let key = try context.require(.push, dataset: dataset)
        let target = try await publishing.target(dataset)
        if let department = key.department, department != target.department {
            if target.isHidden, !Reader(key: key).seesDraft(of: target.department, dataset: dataset) { throw Publishing.noDataset }
            throw Problem(
                .datasetOfAnotherDepartment, zh: "数据资源属于其他部门，密钥 \(key.prefix) 不能向其报送", en: "the dataset belongs to another department; the key \(key.prefix) cannot push to it")
        }
        let push = try pushRequest(request, dataset: dataset, key: key)
        let outcome = try await publishing.receive(push, body: request.body) { report in try Self.answer(report, context.exchange) }
        var headers = Self.unshared
        headers[.location] = "/v1/pushes/\(outcome.push)"
        let status = HTTPResponse.Status(code: outcome.answer.status)
        let body = ByteBuffer(string: outcome.answer.body)
        if status.code < 400 { return .json(text: body, status: status, headers: headers) }
        headers[.contentType] = "application/problem+json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: body))
    }

    private func pushRequest(_ request: Request, dataset: String, key: AccessKey) throws -> PushRequest {
        let query = try QueryParameters(request)
        try query.only("mode", "dry_run")
        try request.requireMediaType("text/csv")
        var push = PushRequest(
            dataset: dataset, mode: try query.word("mode", as: PushMode.self) ?? .replace, dryRun: try query.boolean("dry_run") ?? false, key: key,
            line: "POST \(request.uri.path)?\(request.uri.query ?? "")")
        push.charset = request.headers[.contentType].flatMap { MediaTypeParameter.value("charset", of: $0) }
        switch request.headers[.contentEncoding]?.lowercased() {
        case nil, "identity"?: break
        case "gzip"?, "x-gzip"?: push.isCompressed = true
        default:
            throw Problem(
                .unsupportedEncoding, zh: "Content-Encoding 只支持 gzip", en: "the only Content-Encoding is gzip",
                places: [.init("Content-Encoding", zh: "只支持 gzip", en: "must be gzip")])
        }
        push.contentDigest = try request.headers[.contentDigest].map(ContentDigestField.sha256) ?? nil
        push.idempotencyKey = try request.headers[.idempotencyKey].map(IdempotencyKeyField.value)
        return push
    }

    /// The answer to a push, which its retries get as well.
    private static func answer(_ report: PushReport, _ exchange: Exchange) throws -> StoredAnswer {
        let push = report.record.push
        guard report.isRejected else {
            let status = switch push.state {
            case .unchanged, .checked: 200
            default: 201
            }
            return StoredAnswer(status: status, body: try JSON.encode(PushDocument(report.record)))
        }
        var counts: [String: Int] = [:]
        for count in report.counts { counts[count.code.rawValue, default: 0] += count.count }
        let problem = Problem(
            .pushRejected, zh: "发现 \(push.errorCount) 个错误、\(push.warningCount) 个警告；请按问题清单修正后重新报送",
            en: "\(push.errorCount) errors and \(push.warningCount) warnings; mend what the findings name and send it again",
            members: [
                .push: "\"\(push.id)\"", .counts: try JSON.encode(counts), .findings: try JSON.encode(report.findings),
                .links: try JSON.encode(["push": "/v1/pushes/\(push.id)", "findings": "/v1/pushes/\(push.id)/findings"]),
            ])
        let document = ProblemDocument(problem, exchange)
        return StoredAnswer(status: Int(document.status.code), body: String(buffer: document.body))
    }
}

extension HTTPField.Name {
    // Names of RFC 9530 and of draft-ietf-httpapi-idempotency-key-header.
    static let contentDigest = HTTPField.Name("Content-Digest")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}

/// A parameter of a media type (RFC 9110 section 8.3.1).
enum MediaTypeParameter {
    static func value(_ name: String, of field: String) -> String? {
        for parameter in field.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, parts[0].lowercased() == name else { continue }
            let value = parts[1]
            return value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"") ? String(value.dropFirst().dropLast()) : value
        }
        return nil
    }
}

/// `Content-Digest` (RFC 9530 section 2): a dictionary of algorithms, of which SHA-256 is looked at.
enum ContentDigestField {
    /// - Returns: 32 bytes; nil where the field names other algorithms only.
    /// - Throws: `Problem` (`invalidDigestField`).
    static func sha256(_ field: String) throws -> [UInt8]? {
        for member in field.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, !parts[0].isEmpty else { throw invalid }
            guard parts[0] == "sha-256" else { continue }
            let value = parts[1]
            guard value.count > 2, value.hasPrefix(":"), value.hasSuffix(":"), let data = Data(base64Encoded: String(value.dropFirst().dropLast())),
                data.count == 32
            else { throw invalid }
            return Array(data)
        }
        return nil
    }

    private static var invalid: Problem {
        Problem(
            .invalidDigestField, zh: "Content-Digest 应为 sha-256=:…:，其中为 32 字节摘要的 base64", en: "Content-Digest must be sha-256=:…: with the base64 of 32 bytes",
            places: [.init("Content-Digest", zh: "应为 sha-256=:…:", en: "must be sha-256=:…:")])
    }
}

/// `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header section 2.1): a string, its quotes optional here.
enum IdempotencyKeyField {
    /// - Throws: `Problem` (`idempotencyKeyInvalid`).
    static func value(_ field: String) throws -> String {
        let isQuoted = field.count >= 2 && field.hasPrefix("\"") && field.hasSuffix("\"")
        let value = isQuoted ? String(field.dropFirst().dropLast()) : field
        guard (1...255).contains(value.utf8.count), value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) else {
            throw Problem(
                .idempotencyKeyInvalid, zh: "Idempotency-Key 应为 1 到 255 个可见 ASCII 字符", en: "Idempotency-Key must be 1 to 255 visible ASCII characters",
                places: [.init("Idempotency-Key", zh: "应为 1 到 255 个可见 ASCII 字符", en: "must be 1 to 255 visible ASCII characters")])
        }
        return value
    }
}
