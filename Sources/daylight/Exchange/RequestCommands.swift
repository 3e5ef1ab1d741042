public import ArgumentParser
import Foundation
public import Model

/// What is asked for, as it is sent.
struct DraftDocument: Encodable, Sendable {
    var dataset: String
    var receiver: String?
    var fields: [String]
    var filter: String?
    var purpose: String
    var legalBasis: String
    var scenario: String
    var method: ShareMethod
    var until: Timestamp
    var note: String?
}

/// A time, or a day: its end in the offset +08:00.
extension Timestamp: ExpressibleByArgument {
    public init?(argument: String) {
        if CalendarDate(argument) != nil { self.init(argument + "T23:59:59+08:00") } else { self.init(argument) }
    }
}

extension ShareMethod: ExpressibleByArgument {}
extension ShareRequest.State: ExpressibleByArgument {}

/// Names by commas.
private func names(_ text: String) -> [String] { text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty } }

struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Ask for another department's data. 提出共享申请。",
        discussion: "What is shared without conditions is granted at once; else the provider has ten working days.")

    @OptionGroup var options: ExchangeOptions
    @Argument(help: "The dataset's identifier.") var dataset: String
    @Option(help: "Names of fields by commas, the primary key among them.") var fields: String
    @Option(help: "Which rows, in CQL2 text; all where it is left out.") var filter: String?
    @Option(help: "What for.") var purpose: String
    @Option(help: "The provision that the need rests on.") var legalBasis: String
    @Option(help: "What the data is needed in (应用场景).") var scenario: String
    @Option(help: "pull, push or file.") var method: ShareMethod = .pull
    @Option(help: "Until when: a day, or a time with its offset.") var until: Timestamp
    @Option(help: "Anything else.") var note: String?
    @Option(help: "On whose behalf, where the access key has no department.") var receiver: String?

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.post(
                "/v1/exchange/requests",
                DraftDocument(
                    dataset: dataset, receiver: receiver, fields: names(fields), filter: filter, purpose: purpose, legalBasis: legalBasis, scenario: scenario, method: method,
                    until: until, note: note))
            try options.show(answer, on: terminal) { try $0.json(RequestText.self).lines(in: terminal.language) }
        }
    }
}

struct RequestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "requests", abstract: "Share requests in which the department has a part. 本部门参与的共享申请。")

    @OptionGroup var options: ExchangeOptions
    @Option(help: "Only those in this state.") var state: ShareRequest.State?
    @Option(help: "Only those for this dataset.") var dataset: String?
    @Flag(help: "Only those of which a clock ran out.") var late = false
    @Option(help: "How many, from 1 to 100.") var limit = 20

    func run() async throws {
        try await options.run { client, terminal in
            var query = ["limit=\(limit)"]
            if let state { query.append("state=\(state.rawValue)") }
            if let dataset { query.append("dataset=\(PathText.escaped(dataset))") }
            if late { query.append("late=true") }
            let answer = try await client.get("/v1/exchange/requests?" + query.joined(separator: "&"))
            try options.show(answer, on: terminal) { try $0.json(ListText<RequestText>.self).data.map { $0.line(in: terminal.language) }.joined(separator: "\n") }
        }
    }
}

struct InboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inbox", abstract: "What the department has to act on, and until when. 待办：须由本部门处理的申请。")

    @OptionGroup var options: ExchangeOptions
    @Option(help: "How many, from 1 to 100.") var limit = 50

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.get("/v1/exchange/inbox?limit=\(limit)")
            try options.show(answer, on: terminal) { answer in
                let list = try answer.json(ListText<RequestText>.self).data
                if list.isEmpty { return terminal.language == .zh ? "没有待办" : "nothing to do" }
                return list.map { $0.line(in: terminal.language) }.joined(separator: "\n")
            }
        }
    }
}

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One share request with its history. 一个共享申请及其经过。")

    @OptionGroup var options: ExchangeOptions
    @Argument(help: "The request's identifier.") var request: String

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.get("/v1/exchange/requests/\(PathText.escaped(request))")
            try options.show(answer, on: terminal) { try $0.json(RequestText.self).lines(in: terminal.language) }
        }
    }
}

struct GrantsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "grants", abstract: "What was granted to the department, and by it. 授权。")

    @OptionGroup var options: ExchangeOptions
    @Option(help: "How many, from 1 to 100.") var limit = 20

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.get("/v1/exchange/grants?limit=\(limit)")
            try options.show(answer, on: terminal) { try $0.json(ListText<ShareGrant>.self).data.map { $0.line(in: terminal.language) }.joined(separator: "\n") }
        }
    }
}
