import Foundation
import Model
import NIOCore

/// Asks one node: patiently where it sets limits, and for no more than was expected.
struct HomeLink: Sendable {
    let url: String
    /// Sent with each question; nil for a stranger's.
    var accessKey: String?
    let transport: HomeTransport

    /// Longest answer that is collected, in bytes.
    private static let longest = 16 << 20
    /// Longest wait that a node may ask for, in seconds.
    private static let longestPause = 120
    private static let patience = 200

    struct Reply {
        let answer: HomeAnswer
        let body: [UInt8]
        var status: Int { answer.status }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Gets a short answer whole.
    ///
    /// - Throws: `MirrorFault.unreachable`, also for an error of the node's own.
    func get(_ path: String) async throws -> Reply { try await send(request(path)) }

    /// Gets a document that has to be there.
    func json<T: Decodable>(_ type: T.Type, _ path: String) async throws -> T {
        let reply = try await get(path)
        guard reply.status == 200 else { throw Self.unexpected(reply.status, path) }
        return try Self.decode(type, reply, path)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ reply: Reply, _ path: String) throws -> T {
        do {
            return try JSON.decoder().decode(type, from: Data(reply.body))
        } catch {
            throw MirrorFault.unreachable(zh: "\(path) 的回答无法识别", en: "the answer of \(path) cannot be read")
        }
    }

    static func unexpected(_ status: Int, _ path: String) -> MirrorFault { .unreachable(zh: "\(path) 回答 \(status)", en: "\(path) answers \(status)") }

    func request(_ path: String) -> HomeRequest {
        var request = HomeRequest(url: url + path)
        if let accessKey { request.headers.append(("Authorization", "Bearer \(accessKey)")) }
        return request
    }

    func send(_ request: HomeRequest) async throws -> Reply {
        var body: [UInt8] = []
        let answer = try await patiently(request) { _, buffer in
            guard body.count + buffer.readableBytes <= Self.longest else { throw MirrorFault.unreachable(zh: "回答过长", en: "an answer is too long") }
            body += buffer.readableBytesView
        } begin: {
            body = []
        }
        return Reply(answer: answer, body: body)
    }

    /// Sends a request and waits where it is told to.
    ///
    /// - Parameter begin: called before each attempt.
    func patiently(_ request: HomeRequest, _ receive: (HomeAnswer, ByteBuffer) async throws -> Void, begin: () throws -> Void = {}) async throws -> HomeAnswer {
        for _ in 0..<Self.patience {
            try begin()
            let answer: HomeAnswer
            do {
                answer = try await transport(request) { answer, buffer in
                    // What a refusal says is not what was asked for.
                    if answer.status < 500, answer.status != 429 { try await receive(answer, buffer) }
                }
            } catch let error as HomeUnreachable {
                throw MirrorFault.unreachable(zh: "无法连接：\(error.reason)", en: "it cannot be reached: \(error.reason)")
            }
            if answer.status >= 500 { throw MirrorFault.unreachable(zh: "回答 \(answer.status)", en: "it answers \(answer.status)") }
            guard answer.status == 429 else { return answer }
            try await Task.sleep(for: .seconds(min(max(1, answer["Retry-After"].flatMap { Int($0) } ?? 1), Self.longestPause)))
        }
        throw MirrorFault.unreachable(zh: "一再限流", en: "it asks to wait again and again")
    }
}
