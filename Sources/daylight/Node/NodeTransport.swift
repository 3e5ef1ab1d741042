import AsyncHTTPClient
import Exchange
import Mirror
import NIOCore
import NIOHTTP1
import NIOPosix

/// The way to other nodes over HTTP, where the rule for addresses lets it go.
final class NodeTransport: Sendable {
    /// Longest time without a byte, in seconds.
    private static let silence = 30
    private let secure: HTTPClient
    private let plain: HTTPClient

    /// - Parameter rule: the same as for webhooks.
    init(_ rule: AddressRule) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(Int64(Self.silence)))
        secure = HTTPClient(eventLoopGroupProvider: .singleton, configuration: rule.guarding(configuration, isPlain: false))
        plain = HTTPClient(eventLoopGroupProvider: .singleton, configuration: rule.guarding(configuration, isPlain: true))
    }

    func close() async {
        try? await secure.shutdown()
        try? await plain.shutdown()
    }

    @Sendable func send(_ request: HomeRequest, _ receive: (HomeAnswer, ByteBuffer) async throws -> Void) async throws -> HomeAnswer {
        var question = HTTPClientRequest(url: request.url)
        question.method = HTTPMethod(rawValue: request.method)
        question.headers = HTTPHeaders([("User-Agent", "daylight-node"), ("Accept", "*/*")] + request.headers.map { ($0.name, $0.value) })
        if !request.body.isEmpty { question.body = .bytes(ByteBuffer(bytes: request.body)) }
        let answer: HomeAnswer, body: HTTPClientResponse.Body
        do {
            let client = request.url.hasPrefix("http:") ? plain : secure
            let response = try await client.execute(question, timeout: request.isShort ? .seconds(60) : .hours(6))
            answer = HomeAnswer(status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) })
            body = response.body
        } catch {
            throw try Self.unreachable(error)
        }
        try await receive(answer, ByteBuffer())
        var pieces = body.makeAsyncIterator()
        while true {
            let piece: ByteBuffer?
            do { piece = try await pieces.next() } catch { throw try Self.unreachable(error) }
            guard let piece else { return answer }
            try await receive(answer, piece)
        }
    }

    /// What went wrong on the way, in words; a task that was cancelled is another matter.
    private static func unreachable(_ error: any Error) throws -> HomeUnreachable {
        try Task.checkCancellation()
        if error is AddressRefused { return HomeUnreachable("its address may not be connected to from here") }
        return HomeUnreachable(String("\(error)".prefix(200)))
    }
}
