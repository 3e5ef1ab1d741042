public import AsyncHTTPClient
public import Foundation
import NIOCore
public import NIOHTTP1

/// An HTTP client that holds every answer it sees against `openapi.yaml`.
///
/// An answer that the contract does not allow is thrown as ``ContractViolation``, so that no test can overlook it. Which (operation, status) pairs were seen is
/// kept by ``ContractCoverage``.
public struct ContractClient: Sendable {
    /// For example `http://127.0.0.1:8080`.
    public var baseURL: String
    /// Sent as a bearer token where there is one.
    public var key: String?
    /// How long a read is repeated while the answer is 503 with `Retry-After`, as a server on a busy machine may say.
    public var patience = Duration.zero
    private let contract: Contract

    public init(baseURL: String, key: String? = nil) throws {
        self.baseURL = baseURL
        self.key = key
        contract = try Contract.daylight.get()
    }

    /// The same client with another key, or none.
    public func with(key: String?) -> ContractClient {
        var client = self
        client.key = key
        return client
    }

    /// Sends a request and collects the answer.
    ///
    /// - Parameters:
    ///   - target: path with query, percent-encoded.
    ///   - timeout: for the whole exchange.
    ///   - limit: the longest body that is collected, in bytes.
    /// - Throws: ``ContractViolation``, or the client's error where there was no answer.
    public func send(
        _ method: HTTPMethod, _ target: String, headers: [(String, String)] = [], body: HTTPClientRequest.Body? = nil,
        timeout: Duration = .seconds(180), limit: Int = 256 << 20
    ) async throws -> ContractResponse {
        let isRead = method == .GET || method == .HEAD, end = ContinuousClock.now + patience
        var request = HTTPClientRequest(url: baseURL + target)
        request.method = method
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        request.headers.add(contentsOf: headers)
        request.body = body
        while true {
            let answer = try await execute(request, isRead: isRead, timeout: .nanoseconds(Int64(timeout / .nanoseconds(1))))
            let bytes = method == .HEAD ? ByteBuffer() : try await answer.body.collect(upTo: limit)
            let response = ContractResponse(status: Int(answer.status.code), headers: answer.headers, body: Data(bytes.readableBytesView))
            try check(response, method: method.rawValue, target: target)
            guard isRead, response.status == 503, ContinuousClock.now < end, let pause = response.header("Retry-After").flatMap({ Int($0) }) else { return response }
            try await Task.sleep(for: .seconds(pause))
        }
    }

    /// A read on a kept connection that the server closed meanwhile, before any byte of an answer, is repeated once (RFC 9112 section 9.3.1).
    private func execute(_ request: HTTPClientRequest, isRead: Bool, timeout: TimeAmount) async throws -> HTTPClientResponse {
        do {
            return try await HTTPClient.shared.execute(request, timeout: timeout)
        } catch let error as HTTPClientError where error == .remoteConnectionClosed && isRead {
        } catch let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode) && isRead {
        }
        return try await HTTPClient.shared.execute(request, timeout: timeout)
    }

    public func get(_ target: String, headers: [(String, String)] = []) async throws -> ContractResponse {
        try await send(.GET, target, headers: headers)
    }

    /// Sends a JSON body.
    public func send(_ method: HTTPMethod, _ target: String, json: String, headers: [(String, String)] = []) async throws -> ContractResponse {
        try await send(method, target, headers: [("Content-Type", "application/json")] + headers, body: .bytes(ByteBuffer(string: json)))
    }

    private func check(_ response: ContractResponse, method: String, target: String) throws {
        let path = String(target.prefix { $0 != "?" })
        let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { $0 + ", " + $1 }
        let violations: [String]
        // Every GET answers HEAD too, with the same status and headers.
        if let operation = contract.operation(method == "HEAD" ? "GET" : method, path) {
            ContractCoverage.saw(operation.id, response.status)
            violations = contract.violations(of: operation, status: response.status, headers: headers, body: method == "HEAD" ? nil : response.body)
        } else {
            let expected = contract.knows(path: path) ? 405 : 404
            violations = response.status == expected ? [] : ["no operation of the contract stands here, so the status must be \(expected)"]
        }
        if !violations.isEmpty { throw ContractViolation(request: "\(method) \(target)", status: response.status, violations: violations) }
    }
}

/// An answer, whole.
public struct ContractResponse: Sendable {
    public var status: Int
    public var headers: HTTPHeaders
    public var body: Data

    public var text: String { String(decoding: body, as: UTF8.self) }

    public func json() throws -> JSONValue { try JSONValue(json: body) }

    /// The first value of a header.
    public func header(_ name: String) -> String? { headers.first(name: name) }
}

/// An answer that `openapi.yaml` does not allow.
public struct ContractViolation: Error, CustomStringConvertible {
    public var request: String
    public var status: Int
    public var violations: [String]

    public var description: String { "\(request) answered \(status), against the contract:\n  " + violations.joined(separator: "\n  ") }
}
