import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// What happens to the built program when something breaks.
@Suite(.serialized)
struct FaultTests {
    static let fields = """
        id|编号|code|required
        name|名称|text
        amount|金额|decimal(12,2)
        """

    @Test func aServerKilledInTheMiddleOfAPushLeavesNothingAndARetrySucceeds() async throws {
        try await Installation.with { site in
            try await site.describe("fault", Descriptions.own("中断", department: site.department, fields: Self.fields, key: ["id"]))
            // half a body, and then nothing until the server dies
            let (stream, continuation) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
            continuation.yield(ByteBuffer(string: "id,name,amount\n"))
            for block in 0..<50 {
                continuation.yield(ByteBuffer(string: (0..<1000).map { "K\(block)-\($0),名称,1.00\n" }.joined()))
            }
            let base = site.reader.baseURL
            let key = site.pushKey
            let sending = Task {
                var request = HTTPClientRequest(url: base + "/v1/datasets/fault/pushes?mode=replace")
                request.method = .POST
                request.headers = ["Authorization": "Bearer \(key)", "Content-Type": "text/csv", "Idempotency-Key": "\"the-push\""]
                request.body = .stream(stream, length: .unknown)
                _ = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
            }
            var push: String?
            try await eventually("the push has begun") {
                push = try await site.pusher.get("/v1/datasets/fault/pushes").json()["data"]?[0]?["id"]?.string
                return push != nil
            }
            let id = try #require(push)
            await site.kill()
            continuation.finish(throwing: CancellationError())
            _ = try? await sending.value

            try await site.restart()
            try await eventually("the push has failed") { try await site.pusher.get("/v1/pushes/\(id)").json()["state"]?.string == "failed" }
            #expect(try await site.reader.get("/v1/datasets/fault/rows").status == 404)
            let file = Data(("id,name,amount\n" + (0..<10).map { "K\($0),名称,1.00\n" }.joined()).utf8)
            let again = try await site.push("fault", file, headers: [("Idempotency-Key", "\"the-push\"")])
            #expect(again.status == 201, "\(again.text)")
        }
    }

    @Test func twoPushesAtOnceBothEndInADefinedOrder() async throws {
        try await Installation.with { site in
            try await site.describe("fault", Descriptions.own("同时", department: site.department, fields: Self.fields, key: ["id"]))
            func file(_ name: String) -> Data { Data(("id,name,amount\n" + (0..<20_000).map { "K\($0),\(name),\($0).00\n" }.joined()).utf8) }
            async let first = site.publish("fault", file("甲"), mode: "upsert")
            async let second = site.publish("fault", file("乙"), mode: "upsert")
            _ = try await (first, second)
            let current = try await site.records("fault")
            #expect(current.count == 20_001)
            #expect(Set(current.dropFirst().map { $0[1] }).count == 1)
            let versions = try await site.reader.get("/v1/datasets/fault/versions").json()
            #expect(versions["data"]?.array?.count == 2)
        }
    }

    @Test func stoppingTheServerLetsARunningDownloadFinish() async throws {
        try await Installation.with { site in
            try await site.describe("fault", Descriptions.own("停止", department: site.department, fields: Self.fields, key: ["id"]))
            let file = Data(("id,name,amount\n" + (0..<200_000).map { "K\($0),一个很长的名称，使文件大到不能一次发完,\($0).00\n" }.joined()).utf8)
            try await site.publish("fault", file)
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: site.reader.baseURL + "/v1/datasets/fault/rows.csv"), timeout: .seconds(180))
            #expect(response.status == .ok)
            var iterator = response.body.makeAsyncIterator()
            var bytes = try await iterator.next()?.readableBytes ?? 0
            site.terminate()
            while let piece = try await iterator.next() { bytes += piece.readableBytes }
            #expect(bytes > file.count / 2)
            let whole = PlainCSV.records(String(decoding: file, as: UTF8.self)).count
            #expect(whole == 200_001)
            try await eventually("the server has ended") { !site.isRunning }
        }
    }

    @Test func thePushCommandPrintsFindingsAndExitsWithOneWhenRejected() async throws {
        try await Installation.with { site in
            try await site.describe("fault", Descriptions.own("命令行", department: site.department, fields: Self.fields, key: ["id"]))
            let file = site.home.appending(path: "rows.csv")
            try Data("id,name,amount\nA,好,1.00\nB,坏,abc\nC,坏,1.234\n".utf8).write(to: file)
            let arguments = ["push", file.path, "--dataset", "fault", "--to", site.reader.baseURL]
            let rejected = try await Installation.run(arguments, environment: ["DAYLIGHT_KEY": site.pushKey, "LANG": "C.UTF-8", "LC_ALL": ""])
            #expect(rejected.status == 1, "\(rejected.output)")
            #expect(rejected.output.contains("F202") && rejected.output.contains("F203"))
            #expect(rejected.output.contains("amount"))
            #expect(!rejected.output.contains(site.pushKey))

            try Data("id,name,amount\nA,好,1.00\n".utf8).write(to: file)
            let accepted = try await Installation.run(arguments, environment: ["DAYLIGHT_KEY": site.pushKey, "LANG": "zh_CN.UTF-8", "LC_ALL": ""])
            #expect(accepted.status == 0, "\(accepted.output)")
            #expect(accepted.output.contains("等待保密审查"))

            let unreachable = try await Installation.run(
                ["push", file.path, "--dataset", "fault", "--to", "http://127.0.0.1:9", "--retries", "0"], environment: ["DAYLIGHT_KEY": site.pushKey])
            #expect(unreachable.status == 3)
            let schemeless = try await Installation.run(["push", file.path, "--dataset", "fault", "--to", "127.0.0.1:9"], environment: ["DAYLIGHT_KEY": site.pushKey])
            #expect(schemeless.status == 64 && schemeless.output.contains("must begin with http:// or https://"), "\(schemeless.output)")
            let refused = try await Installation.run(arguments, environment: ["DAYLIGHT_KEY": "dk_wrong_wrongwrongwrong"])
            #expect(refused.status == 2, "\(refused.output)")
        }
    }
}
