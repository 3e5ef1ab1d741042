import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOPosix

/// Asks a server as any stranger does: patiently, and no faster than it wants.
struct AuditClient: Sendable {
    /// Longest answer that is collected, in bytes: a full bundle of the longest entries has 16 MiB.
    private static let longest = 20 << 20
    private static let attempts = 5

    private let base: String
    private let terminal: Terminal
    private let http: HTTPClient
    /// An API key to ask with; nil asks as a stranger.
    var accessKey: String?

    init(_ base: String, terminal: Terminal) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.terminal = terminal
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(60))
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func close() async { try? await http.shutdown() }

    struct Answer {
        let status: Int
        let body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }

        func json<T: Decodable>(_ type: T.Type, of path: String) throws -> T {
            do {
                return try JSON.decoder().decode(type, from: Data(body))
            } catch {
                throw Unreadable(zh: "\(path) 的回答无法识别", en: "the answer of \(path) cannot be read: \(error)")
            }
        }
    }

    /// Gets something whole.
    ///
    /// - Throws: ``Unreadable`` where the server cannot be reached, or answers nothing but errors of its own.
    func get(_ path: String) async throws -> Answer {
        try await patiently(path) { response in
            Answer(status: Int(response.status.code), body: Array((try await response.body.collect(upTo: Self.longest)).readableBytesView))
        }
    }

    /// Gets a text that must be there.
    func text(_ path: String) async throws -> String {
        let answer = try await get(path)
        guard answer.status == 200 else { throw Unreadable(zh: "\(path) 回答 \(answer.status)", en: "\(path) answers \(answer.status)") }
        return answer.text
    }

    /// Gets something piece by piece; what came before a connection broke is forgotten by `begin`, and it is asked for again.
    ///
    /// - Returns: the status; pieces are given for 200 only. Nil where the server broke off each time.
    func stream(_ path: String, begin: () -> Void, _ piece: (ByteBuffer) async throws -> Void) async throws -> Int? {
        for attempt in 1...3 {
            begin()
            var status = 0
            do {
                return try await patiently(path) { response in
                    status = Int(response.status.code)
                    guard status == 200 else {
                        _ = try await response.body.collect(upTo: Self.longest)
                        return status
                    }
                    do {
                        for try await buffer in response.body { try await piece(buffer) }
                    } catch let error as HTTPClientError {
                        throw BrokenOff(reason: "\(error)")
                    } catch let error as any NIOBrokenOff {
                        throw BrokenOff(reason: "\(error)")
                    }
                    return status
                }
            } catch is BrokenOff {
                if attempt < 3 { try await Task.sleep(for: .seconds(attempt)) }
            }
        }
        return nil
    }

    private struct BrokenOff: Error { let reason: String }

    private func patiently<T>(_ path: String, _ body: (HTTPClientResponse) async throws -> T) async throws -> T {
        var failures = 0
        while true {
            do {
                var request = HTTPClientRequest(url: base + path)
                request.headers = ["User-Agent": "daylight-audit", "Accept": "*/*"]
                if let accessKey { request.headers.add(name: "X-API-Key", value: accessKey) }
                let response = try await http.execute(request, timeout: .hours(6))
                let status = Int(response.status.code)
                guard status == 429 || status >= 500 else { return try await body(response) }
                _ = try await response.body.collect(upTo: Self.longest)
                // Limits are kept to, however long that takes; what fails on the other side is tried a few times.
                if status != 429 { failures += 1 }
                guard failures < Self.attempts else { throw Unreadable(zh: "\(path) 一再回答 \(status)", en: "\(path) answers \(status) again and again") }
                let pause = response.headers.first(name: "Retry-After").flatMap { Int($0) } ?? failures
                try await Task.sleep(for: .seconds(min(max(1, pause), 3600)))
            } catch let error as HTTPClientError {
                failures += 1
                guard failures < Self.attempts else { throw Unreadable(zh: "无法连接 \(base)：\(error)", en: "\(base) cannot be reached: \(error)") }
                try await Task.sleep(for: .seconds(failures))
            } catch let error as any NIOBrokenOff {
                failures += 1
                guard failures < Self.attempts else { throw Unreadable(zh: "无法连接 \(base)：\(error)", en: "\(base) cannot be reached: \(error)") }
                try await Task.sleep(for: .seconds(failures))
            }
        }
    }
}

/// Errors of a connection that went.
private protocol NIOBrokenOff: Error {}
extension IOError: NIOBrokenOff {}
extension ChannelError: NIOBrokenOff {}
extension NIOConnectionError: NIOBrokenOff {}
extension HTTPParserError: NIOBrokenOff {}
