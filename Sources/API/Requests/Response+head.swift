import HTTPTypes
import Hummingbird

extension Response {
    /// The answer to a HEAD whose GET is made while it is sent: it tells no length rather than a wrong one (RFC 9110 section 8.6).
    static func ofUnknownLength(_ headers: HTTPFields) -> Response {
        Response(status: .ok, headers: headers, body: ResponseBody { writer in try await writer.finish(nil) })
    }
}
