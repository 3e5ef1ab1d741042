import ArgumentParser
import AsyncHTTPClient
import Copies
import Crypto
import Exchange
import Foundation
import Model
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOPosix

/// Why a call of the exchange came to nothing.
enum ExchangeFailure: Error {
    /// The server said no: with the status and its problem document.
    case refused(status: Int, ProblemText)
    case unreachable(String)
    /// What came is not what was sent.
    case doubtful(LocalizedText)

    /// The members of a problem document (RFC 9457) that are shown.
    struct ProblemText: Decodable {
        struct Place: Decodable {
            var place: String
            var message: LocalizedText
        }

        var code: String?
        var title: String?
        var detail: String?
        var places: [Place]?
        /// What the answer's head says of that: no member of the document.
        var retryAfter: String?

        private enum CodingKeys: String, CodingKey { case code, title, detail, places }
    }

    /// Says it in words, and how the command ends: 1 refused, 2 something here, 3 unreachable, 4 the grant has ended.
    static func end(_ error: any Error, on terminal: Terminal) -> any Error {
        let isChinese = terminal.language == .zh
        switch error {
        case ExchangeFailure.refused(let status, let problem):
            terminal.warn(([problem.code ?? "HTTP \(status)", problem.detail ?? problem.title].compactMap(\.self)).joined(separator: ": "))
            for place in problem.places ?? [] { terminal.warn("  \(place.place): \(place.message.text(in: terminal.language))") }
            let isEnd = problem.code == ProblemCode.grantEnded.rawValue
            if isEnd { terminal.warn(isChinese ? "请处置已获得的数据，并确认：daylight exchange confirm 申请编号" : "dispose of what was got by it, and confirm that: daylight exchange confirm REQUEST") }
            return ExitCode(isEnd ? 4 : 1)
        case ExchangeFailure.unreachable(let reason):
            terminal.warn((isChinese ? "无法连接服务器：" : "the server cannot be reached: ") + reason)
            return ExitCode(3)
        case ExchangeFailure.doubtful(let message):
            terminal.warn(message.text(in: terminal.language))
            return ExitCode(1)
        case let failure as Unreadable:
            terminal.warn(failure.message.text(in: terminal.language))
            return ExitCode(2)
        case let failure as CopyFailure:
            terminal.warn(failure.message.text(in: terminal.language))
            return ExitCode(2)
        default: return error
        }
    }

    /// Whether it may be gone the next time.
    var isPassing: Bool {
        switch self {
        case .refused(let status, _): status == 429 || status == 408 || status >= 500
        case .unreachable: true
        case .doubtful: false
        }
    }
}

/// Calls the exchange on behalf of a department, signed where it has a registered key.
final class ExchangeClient: Sendable {
    /// Longest document, in bytes.
    private static let longest = 16 << 20
    let profile: ExchangeProfile
    /// The department's key; nil where calls and receipts cannot be signed.
    let signer: SigningKeyFile?
    let terminal: Terminal
    private let signs: Bool
    private let rule: AddressRule?
    private let attempts: Int
    private let http: HTTPClient

    /// - Parameters:
    ///   - rule: which addresses may be connected to; whoever runs a command says that by its address.
    ///   - attempts: how often a document is asked for where something goes wrong on the way.
    /// - Throws: `Unreadable` where the key file is not usable.
    init(_ profile: ExchangeProfile, signs: Bool, signer: SigningKeyFile? = nil, terminal: Terminal, rule: AddressRule? = nil, attempts: Int = 5) throws {
        self.profile = profile
        self.signs = signs
        self.terminal = terminal
        (self.rule, self.attempts) = (rule, attempts)
        self.signer = try signer ?? profile.signingKeyFile.flatMap { FileManager.default.fileExists(atPath: $0) ? try SigningKeyFile(reading: $0) : nil }
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(120))
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        if let rule { configuration = rule.guarding(configuration, isPlain: profile.server.hasPrefix("http:")) }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func close() async { try? await http.shutdown() }

    /// Does something with another signing key.
    func signing<T>(with signer: SigningKeyFile, _ body: (ExchangeClient) async throws -> T) async throws -> T {
        let other = try ExchangeClient(profile, signs: signs, signer: signer, terminal: terminal, rule: rule, attempts: attempts)
        do {
            let result = try await body(other)
            await other.close()
            return result
        } catch {
            await other.close()
            throw error
        }
    }

    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: Data

        func json<T: Decodable>(_ type: T.Type) throws -> T {
            do {
                return try JSON.decoder().decode(type, from: body)
            } catch {
                throw ExchangeFailure.doubtful(LocalizedText(zh: "服务器的回答无法识别：\(error)", en: "the server's answer cannot be read: \(error)"))
            }
        }
    }

    func get(_ path: String, headers: HTTPHeaders = [:], method: HTTPMethod = .GET) async throws -> Answer {
        try await patiently { try await self.once(method, path, headers: headers, body: nil) }
    }

    /// Sends a document. A lost answer is asked for again with the same Idempotency-Key, so that nothing is done twice.
    func post(_ path: String, _ body: some Encodable & Sendable) async throws -> Answer {
        let data = try JSON.encoder().encode(body), key = UUID().uuidString.lowercased()
        return try await patiently {
            try await self.once(.POST, path, headers: ["Content-Type": "application/json", "Idempotency-Key": "\"\(key)\""], body: data)
        }
    }

    private func once(_ method: HTTPMethod, _ path: String, headers: HTTPHeaders, body: Data?) async throws -> Answer {
        let response = try await http.execute(try request(method, path, headers: headers, body: body), timeout: .seconds(120))
        let collected = method == .HEAD ? ByteBuffer() : try await response.body.collect(upTo: Self.longest)
        return try Self.good(Answer(status: Int(response.status.code), headers: response.headers, body: Data(buffer: collected)))
    }

    /// Gets a delivery, and hands over its head and its bytes while they come. It is not asked for again here: whoever takes it in knows what it has.
    func open<T>(_ path: String, headers: HTTPHeaders, _ body: (HTTPHeaders, HTTPClientResponse.Body) async throws -> T) async throws -> T {
        try await Self.inWords {
            let response = try await http.execute(try request(.GET, path, headers: headers, body: nil), timeout: .hours(24))
            if response.status != .ok {
                let collected = try await response.body.collect(upTo: Self.longest)
                _ = try Self.good(Answer(status: Int(response.status.code), headers: response.headers, body: Data(buffer: collected)))
            }
            return try await body(response.headers, response.body)
        }
    }

    private func request(_ method: HTTPMethod, _ path: String, headers: HTTPHeaders, body: Data?) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: profile.server + path)
        request.method = method
        request.headers = headers
        request.headers.add(name: "Authorization", value: "Bearer \(profile.accessKey)")
        request.headers.add(name: "Accept-Language", value: terminal.language.rawValue)
        request.headers.add(name: "User-Agent", value: "daylight-exchange")
        if let body {
            request.body = .bytes(ByteBuffer(bytes: body))
            request.headers.add(name: "Content-Digest", value: ContentDigest.field(of: body))
        }
        if signs, let signer, let id = signer.id, let key = signer.key { try sign(&request, method, body: body != nil, id: id, key) }
        return request
    }

    private func sign(_ request: inout HTTPClientRequest, _ method: HTTPMethod, body: Bool, id: String, _ key: Curve25519.Signing.PrivateKey) throws {
        guard let url = URLComponents(string: request.url), let host = url.percentEncodedHost else { throw Unreadable(zh: "地址无效：\(profile.server)", en: "\(profile.server) is no address") }
        var covered = ["@method", "@authority", "@path", "@query"]
        // What is asked for, what for, and what is sent.
        for name in ["daylight-purpose", "idempotency-key"] where request.headers.contains(name: name) { covered.append(name) }
        if body { covered += ["content-type", "content-digest"] }
        let nonce = (0..<16).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }.joined()
        let signature = MessageSignature(covering: covered, created: Int(Date().timeIntervalSince1970), keyID: id, nonce: nonce, algorithm: "ed25519")
        let fields = Dictionary(request.headers.map { ($0.name.lowercased(), $0.value) }) { $0 + ", " + $1 }
        let isUsual = url.port == nil || (url.scheme == "https" && url.port == 443) || (url.scheme == "http" && url.port == 80)
        let signed = try signature.signed(
            SignableRequest(
                method: method.rawValue, authority: isUsual ? host : "\(host):\(url.port ?? 80)", path: url.percentEncodedPath, query: url.percentEncodedQuery, scheme: url.scheme, fields: fields),
            with: key)
        request.headers.add(name: "Signature-Input", value: signed.input)
        request.headers.add(name: "Signature", value: signed.signature)
    }

    private static func good(_ answer: Answer) throws -> Answer {
        if answer.status < 300 { return answer }
        var problem = (try? JSON.decoder().decode(ExchangeFailure.ProblemText.self, from: answer.body)) ?? .init()
        problem.retryAfter = answer.headers.first(name: "Retry-After")
        throw ExchangeFailure.refused(status: answer.status, problem)
    }

    private func patiently<T>(_ body: () async throws -> T) async throws -> T {
        for attempt in 1... {
            do {
                return try await Self.inWords(body)
            } catch let failure as ExchangeFailure where failure.isPassing && attempt < attempts {
                try await Task.sleep(for: .seconds(Self.pause(failure, attempt: attempt)))
            }
        }
        throw CancellationError()
    }

    /// What the server asks for, else longer each time; in seconds.
    static func pause(_ failure: ExchangeFailure?, attempt: Int) -> Double {
        if case .refused(_, let problem) = failure, let asked = problem.retryAfter.flatMap(Double.init) { return min(max(1, asked), 3600) }
        return min(60, Double(1 << min(attempt, 6)) * Double.random(in: 0.5...1))
    }

    /// Errors of a connection as such.
    static func inWords<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch is AddressRefused {
            throw ExchangeFailure.unreachable("its address may not be connected to from here")
        } catch let error as HTTPClientError {
            throw ExchangeFailure.unreachable("\(error)")
        } catch let error as NIOConnectionError {
            throw ExchangeFailure.unreachable("\(error)")
        } catch let error as IOError {
            throw ExchangeFailure.unreachable("\(error)")
        } catch let error as ChannelError {
            throw ExchangeFailure.unreachable("\(error)")
        } catch let error as HTTPParserError {
            throw ExchangeFailure.unreachable("\(error)")
        }
    }
}
