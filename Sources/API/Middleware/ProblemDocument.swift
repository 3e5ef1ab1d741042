import HTTPTypes
import Hummingbird
import Model
import NIOCore

/// A problem as it is sent (RFC 9457).
struct ProblemDocument {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: ByteBuffer

    /// - Parameters:
    ///   - problem: what is wrong.
    ///   - exchange: the request, for its id and language.
    ///   - allow: value of `Allow` on 405.
    init(_ problem: Problem, _ exchange: Exchange, allow: String? = nil) {
        let language = exchange.language
        status = HTTPResponse.Status(code: problem.code.status)
        var headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store", .contentLanguage: language.rawValue]
        headers[.vary] = "Accept-Language"
        if let retryAfter = problem.retryAfter ?? (problem.code.status == 503 ? 5 : nil) { headers[.retryAfter] = String(retryAfter) }
        if let allow { headers[.allow] = allow }
        if problem.code.status == 401 {
            headers[.wwwAuthenticate] = exchange.credential == nil ? "Bearer realm=\"daylight\"" : "Bearer realm=\"daylight\", error=\"invalid_token\""
        }
        self.headers = headers

        var text = JSONText(capacity: 512)
        text.raw("{\"type\":")
        text.string(problem.code == .tooManyRequests ? "https://iana.org/assignments/http-problem-types#quota-exceeded" : problem.code.typePath)
        text.raw(",\"title\":")
        text.string(problem.code.title.text(in: language))
        text.raw(",\"status\":\(problem.code.status),\"detail\":")
        text.string(problem.detail.text(in: language))
        text.raw(",\"instance\":")
        text.string(Self.instance(exchange.id))
        text.raw(",\"code\":\"\(problem.code.rawValue)\"")
        if !problem.places.isEmpty {
            text.raw(",\"places\":[")
            for (index, place) in problem.places.enumerated() {
                text.raw(index == 0 ? "{\"place\":" : ",{\"place\":")
                text.string(place.place)
                text.raw(",\"message\":{\"zh\":")
                text.string(place.message.zh)
                if let en = place.message.en {
                    text.raw(",\"en\":")
                    text.string(en)
                }
                text.raw("}}")
            }
            text.raw("]")
        }
        for (name, value) in problem.members.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            text.raw(",")
            text.string(name.rawValue)
            text.raw(":")
            text.raw(value)
        }
        text.raw("}")
        body = text.buffer
    }

    /// What names one request's problem.
    static func instance(_ id: String) -> String { "urn:daylight:request:\(id)" }

    var response: Response {
        Response(status: status, headers: headers, body: .init(byteBuffer: body))
    }
}

extension Gate {
    /// The answer to whatever was thrown.
    func response(to error: any Error, _ exchange: Exchange, allow: String? = nil) -> Response {
        let problem = problem(for: error, exchange)
        exchange.audited?.code = problem.code
        return ProblemDocument(problem, exchange, allow: allow).response
    }
}
