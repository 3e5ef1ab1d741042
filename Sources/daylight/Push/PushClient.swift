import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOFoundationCompat
import Model
import NIOCore
import NIOHTTP1

/// Sends one push and follows it to its end, over connections that may break.
struct PushClient: Sendable {
    struct Query: Sendable {
        var mode: PushMode
        var dryRun: Bool
        var charset: String?
    }

    enum Outcome: Sendable {
        case accepted(PushReport, [Finding])
        case rejected(PushReport?, String, [Finding])
        /// The server would not take the push at all.
        case refused(String)

        var exitCode: Int32 {
            switch self {
            case .accepted: 0
            case .rejected: 1
            case .refused: 2
            }
        }
    }

    private let server: String
    private let key: String
    private let retries: Int
    private let terminal: Terminal
    private let http: HTTPClient

    init(server: String, key: String, retries: Int, terminal: Terminal) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.key = key
        self.retries = retries
        self.terminal = terminal
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(10), read: nil, write: .seconds(120))
        configuration.redirectConfiguration = .disallow
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func close() async throws { try await http.shutdown() }

    /// - Throws: `ExitCode(3)` when the server could not be reached however often it was tried.
    func push(_ source: PushSource, dataset: String, query: Query, findings: Int) async throws -> Outcome {
        let idempotencyKey = UUID().uuidString.lowercased()
        var attempt = 0
        while true {
            let progress = TransferProgress(total: source.size, terminal: terminal)
            do {
                let (status, body, retryAfter) = try await send(source, dataset: dataset, query: query, idempotencyKey: idempotencyKey, progress: progress)
                progress.finish()
                if status == 429 || status == 503 || (status == 409 && body.code == ProblemCode.idempotencyInProgress.rawValue) {
                    attempt += 1
                    guard attempt <= retries else { return .refused(body.line) }
                    try await wait(seconds: Double(retryAfter ?? 2), because: body.line)
                    continue
                }
                return try await outcome(status: status, body: body, findings: findings)
            } catch let error where isConnectionLoss(error) {
                progress.finish()
                attempt += 1
                guard attempt <= retries else {
                    terminal.warn(terminal.language == .zh ? "无法连接服务器：\(error)" : "the server cannot be reached: \(error)")
                    throw ExitCode(3)
                }
                try await wait(
                    seconds: min(30, pow(2, Double(attempt - 1))),
                    because: terminal.language == .zh ? "连接中断，用同一幂等键重试" : "connection lost; trying again with the same idempotency key")
            }
        }
    }

    private func wait(seconds: Double, because reason: String) async throws {
        terminal.warn("\(reason) (\(Int(seconds)) s)")
        try await Task.sleep(for: .seconds(seconds))
    }

    private func isConnectionLoss(_ error: any Error) -> Bool {
        !(error is ExitCode) && !(error is CancellationError) && !(error is DecodingError) && !(error is ValidationError)
    }

    private struct Answer {
        var push: PushReport?
        var problem: ProblemReport?
        var code: String? { problem?.code }
        var line: String { problem?.line ?? "" }
    }

    private func send(
        _ source: PushSource, dataset: String, query: Query, idempotencyKey: String, progress: TransferProgress
    ) async throws -> (status: Int, body: Answer, retryAfter: Int?) {
        var request = HTTPClientRequest(url: "\(server)/v1/datasets/\(dataset)/pushes?mode=\(query.mode.rawValue)\(query.dryRun ? "&dry_run=true" : "")")
        request.method = .POST
        request.headers = headers()
        request.headers.add(name: "Content-Type", value: "text/csv" + (query.charset.map { "; charset=\($0)" } ?? ""))
        if source.isGzip { request.headers.add(name: "Content-Encoding", value: "gzip") }
        request.headers.add(name: "Content-Digest", value: source.contentDigest)
        request.headers.add(name: "Idempotency-Key", value: "\"\(idempotencyKey)\"")
        request.body = .stream(source.pieces { progress.sent($0) }, length: .known(Int64(source.size)))
        let response = try await http.execute(request, timeout: .hours(24))
        let data = Data(buffer: try await response.body.collect(upTo: 1 << 24))
        var answer = Answer()
        if response.status.code < 300 {
            answer.push = try JSON.decoder().decode(PushReport.self, from: data)
        } else {
            answer.problem = (try? JSON.decoder().decode(ProblemReport.self, from: data)) ?? ProblemReport(title: "HTTP \(response.status.code)")
        }
        return (Int(response.status.code), answer, response.headers.first(name: "Retry-After").flatMap(Int.init))
    }

    private func outcome(status: Int, body: Answer, findings limit: Int) async throws -> Outcome {
        if let push = body.push { return .accepted(push, try await findings(of: push.id, limit: limit)) }
        guard status == ProblemCode.pushRejected.status, let id = body.problem?.push else { return .refused(body.line) }
        return .rejected(try await get("/v1/pushes/\(id)", as: PushReport.self), body.line, try await findings(of: id, limit: limit))
    }

    private func findings(of push: String, limit: Int) async throws -> [Finding] {
        limit == 0 ? [] : try await get("/v1/pushes/\(push)/findings?limit=\(limit)", as: FindingPage.self)?.data ?? []
    }

    private func get<T: Decodable>(_ path: String, as type: T.Type) async throws -> T? {
        var request = HTTPClientRequest(url: server + path)
        request.headers = headers()
        let response = try await http.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 24)
        guard response.status == .ok else { return nil }
        return try JSON.decoder().decode(T.self, from: Data(buffer: body))
    }

    private func headers() -> HTTPHeaders {
        ["Authorization": "Bearer \(key)", "Accept-Language": terminal.language.rawValue, "User-Agent": "daylight-push"]
    }
}
