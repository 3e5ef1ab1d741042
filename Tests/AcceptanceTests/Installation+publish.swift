import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

extension Installation {
    /// Describes a dataset; the answer must be 201.
    func describe(_ id: String, _ description: String) async throws {
        let answer = try await pusher.send(.PUT, "/v1/datasets/\(id)", json: description, headers: [("If-None-Match", "*")])
        try #require(answer.status == 201, "\(answer.text)")
    }

    func map(_ id: String, _ mapping: String) async throws {
        let answer = try await pusher.send(.PUT, "/v1/datasets/\(id)/mapping", json: mapping, headers: [("If-None-Match", "*")])
        try #require(answer.status < 300, "\(answer.text)")
    }

    func push(_ id: String, _ file: Data, mode: String = "replace", gzip: Bool = false, headers: [(String, String)] = []) async throws -> ContractResponse {
        var all = headers
        if !headers.contains(where: { $0.0 == "Content-Type" }) { all.append(("Content-Type", "text/csv")) }
        if gzip { all.append(("Content-Encoding", "gzip")) }
        return try await pusher.send(
            .POST, "/v1/datasets/\(id)/pushes?mode=\(mode)", headers: all, body: .bytes(ByteBuffer(bytes: file)), timeout: .seconds(600))
    }

    /// Pushes, reviews and releases; gives the push as it was accepted.
    @discardableResult
    func publish(_ id: String, _ file: Data, mode: String = "replace", gzip: Bool = false, headers: [(String, String)] = []) async throws -> JSONValue {
        let pushed = try await push(id, file, mode: mode, gzip: gzip, headers: headers)
        try #require(pushed.status == 201, "\(pushed.text)")
        let push = try pushed.json()
        let number = try #require(push["id"]?.string)
        if push["state"]?.string == "ready" {
            let digest = try #require(push["digest"]?.string)
            let review = try await reviewer.send(
                .POST, "/v1/pushes/\(number)/reviews", json: #"{"decision":"pass","legal_basis":"政府信息公开条例 第十七条","digest":"\#(digest)"}"#)
            try #require(review.status == 201, "\(review.text)")
        }
        let release = try await pusher.send(.POST, "/v1/pushes/\(number)/release", json: "{}")
        try #require(release.status == 200, "\(release.text)")
        return push
    }

    /// The whole current version as records of strings, read with the tests' own parser.
    func records(_ id: String) async throws -> [[String]] {
        let answer = try await reader.get("/v1/datasets/\(id)/data.csv")
        try #require(answer.status == 200, "\(answer.text.prefix(500))")
        return await aside { PlainCSV.records(answer.text) }
    }

    /// The number of findings with a code.
    func findings(of push: JSONValue, code: String) async throws -> Int {
        let number = try #require(push["id"]?.string ?? push["push"]?.string)
        let answer = try await pusher.get("/v1/pushes/\(number)/findings?limit=1000")
        try #require(answer.status == 200, "\(answer.text)")
        return try answer.json()["meta"]?["by_code"]?[code]?.int ?? 0
    }
}
