import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Notary

/// The way to witnesses over HTTP.
enum WitnessTransport {
    /// A few lines of signature, or of a problem.
    private static let longest = 64 * 1024

    /// Sends the body of `add-checkpoint`. Redirections are not followed: the operator names where a witness is.
    @Sendable static func send(_ url: String, _ body: String) async throws -> WitnessReply {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = ["Content-Type": "text/plain; charset=utf-8", "User-Agent": "daylight"]
        request.body = .bytes(ByteBuffer(string: body))
        let answer = try await client.execute(request, timeout: .seconds(10))
        let text = String(buffer: try await answer.body.collect(upTo: longest))
        let type = (answer.headers.first(name: "Content-Type") ?? "").prefix { $0 != ";" }.lowercased()
        return WitnessReply(
            status: Int(answer.status.code), contentType: type.filter { $0 != " " }, body: text, retryAfter: answer.headers.first(name: "Retry-After").flatMap { Int($0) })
    }

    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(5))
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
}
