import Foundation
import Model
import NIOCore
import Postgres
import TestSupport
import Testing

/// A server with a dataset that is shared, and both departments with what they keep on disk.
struct ExchangeSite {
    /// Fields of the dataset `lines`; its key is `code`, `number`.
    static let fields = """
        number|序号|integer|required
        code|编码|code|required
        name|名称|text|
        amount|金额|decimal(10,2)|
        at|时间|datetime|
        """

    let installation: Installation
    let folder: URL
    let receiver: String

    func path(_ name: String) -> String { folder.appending(path: name).path }

    private func environment(_ who: String, _ language: String) -> [String: String] {
        ["DAYLIGHT_PROFILE": path("\(who).json"), "DAYLIGHT_URL": "", "DAYLIGHT_KEY": "", "DAYLIGHT_ACCESS_KEY_FILE": "", "DAYLIGHT_RECEIPT_KEY": "", "DATABASE_URL": "", "LC_ALL": language]
    }

    /// Runs `daylight exchange …` to its end.
    func run(_ who: String, _ arguments: [String], language: String = "C") async throws -> (status: Int32, output: String) {
        try await Installation.run(["exchange"] + arguments, environment: environment(who, language))
    }

    /// Runs it, and expects that it works.
    @discardableResult
    func good(_ who: String, _ arguments: [String], language: String = "C", sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let (status, output) = try await run(who, arguments, language: language)
        #expect(status == 0, "\(arguments): \(output)", sourceLocation: sourceLocation)
        return output
    }

    func json(_ who: String, _ arguments: [String]) async throws -> JSONValue { try JSONValue(json: Data(try await good(who, arguments + ["--json"]).utf8)) }

    /// Starts it, and lets it run.
    ///
    /// - Parameter log: a file for what it says; nil where nobody reads that.
    func start(_ who: String, _ arguments: [String], log: String? = nil) throws -> Process {
        let process = Process()
        process.executableURL = Installation.program
        process.arguments = ["exchange"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment(who, "C")) { $1 }
        var output = FileHandle.nullDevice
        if let log {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            output = try FileHandle(forWritingTo: URL(filePath: log))
        }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        return process
    }

    /// All granted rows, as the server has them.
    func granted(_ grant: String, key: String) async throws -> String {
        try await installation.reader.with(key: key).get("/v1/exchange/grants/\(grant)/data.csv", headers: [("Daylight-Purpose", "test")]).text
    }

    static func with(shareType: String, server: String? = nil, _ body: (ExchangeSite, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-exchange-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Installation.with(environment: ["DAYLIGHT_RATE_LIMITS": "*.*=1000000/60"], server: server) { installation in
            let receiver = try await installation.database.addDepartment(2)
            let site = ExchangeSite(installation: installation, folder: folder, receiver: receiver.uscc)
            let keys = [
                "receiver": try await installation.database.addKey([.read, .exchange], department: receiver.uscc, tier: "trusted").text,
                "provider": try await installation.database.addKey([.read, .exchange], department: installation.department, tier: "trusted").text,
                "authority": try await installation.database.addKey([.oversight], tier: "trusted").text,
            ]
            for (who, key) in keys {
                try Data((key + "\n").utf8).write(to: folder.appending(path: "\(who).key"))
                try Data(#"{"url":"\#(installation.reader.baseURL)","access_key_file":"\#(who).key","receipt_key":"\#(who).signing"}"#.utf8).write(to: folder.appending(path: "\(who).json"))
            }
            try await installation.describe(
                "lines", Descriptions.own("共享", department: installation.department, fields: Self.fields, key: ["code", "number"]).replacing("\"share_type\":\"unconditional\"", with: "\"share_type\":\"\(shareType)\",\"share_condition\":\"限应急使用\""))
            try await body(site, keys["receiver"] ?? "")
        }
    }

    /// What a request asks for on the command line.
    static let draft = ["--fields", "number,code,name,amount,at", "--filter", "number < 90", "--purpose", "应急 调度", "--legal-basis", "某法第三条", "--scenario", "应急系统", "--until", "2030-12-31"]
}
