import ArgumentParser
import Model

/// A decision, as it is sent.
private struct DecisionDocument: Encodable, Sendable {
    var decision: String
    var note: String?
    var fields: [String]?
    var filter: String?
    var until: Timestamp?
    var purpose: String?
    var legalBasis: String?
    var scenario: String?
}

/// What every decision names.
struct DecisionTarget: ParsableArguments {
    @OptionGroup var options: ExchangeOptions
    @Argument(help: "The request's identifier.") var request: String

    /// Sends a decision, and shows the request as it stands then.
    fileprivate func decide(_ document: DecisionDocument) async throws {
        try await options.run { client, terminal in
            let answer = try await client.post("/v1/exchange/requests/\(PathText.escaped(request))/decisions", document)
            try options.show(answer, on: terminal) { try $0.json(RequestText.self).lines(in: terminal.language) }
        }
    }
}

/// A decision that says no more than why.
protocol DecisionWord {
    static var command: String { get }
    /// As it is sent.
    static var word: String { get }
    static var abstract: String { get }
}

extension DecisionWord {
    static var word: String { command }
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: command, abstract: abstract) }
}

/// A decision that needs a reason.
struct ReasonedCommand<Word: DecisionWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration { Word.configuration }

    @OptionGroup var target: DecisionTarget
    @Option(help: "Why, or what is missing.") var note: String

    func run() async throws { try await target.decide(DecisionDocument(decision: Word.word, note: note)) }
}

/// A decision that may say something.
struct NotedCommand<Word: DecisionWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration { Word.configuration }

    @OptionGroup var target: DecisionTarget
    @Option(help: "Anything to say.") var note: String?

    func run() async throws { try await target.decide(DecisionDocument(decision: Word.word, note: note)) }
}

/// The words of such decisions.
enum Decisions {
    enum Refuse: DecisionWord { static let command = "refuse"; static let abstract = "Refuse a request, with reasons. 不予共享，并说明理由。" }
    enum Ask: DecisionWord { static let command = "ask"; static let word = "ask_supplement"; static let abstract = "Say, once, what is missing. 一次性告知需补正的内容。" }
    enum Revoke: DecisionWord { static let command = "revoke"; static let abstract = "Take a grant back. 收回授权。" }
    enum Dispute: DecisionWord { static let command = "dispute"; static let abstract = "Dispute a refusal. 对不予共享提出异议，进入协商。" }
    enum Refer: DecisionWord { static let command = "refer"; static let abstract = "Ask the data authority to decide. 提请数据主管部门裁定。" }
    enum Uphold: DecisionWord { static let command = "uphold"; static let abstract = "Decide for the receiver (data authority). 裁定应予共享。" }
    enum Dismiss: DecisionWord { static let command = "dismiss"; static let abstract = "Decide against the receiver (data authority). 裁定不予共享。" }
    enum Withdraw: DecisionWord { static let command = "withdraw"; static let abstract = "Withdraw a request. 撤回申请。" }
    enum Finish: DecisionWord { static let command = "finish"; static let abstract = "Say that the purpose is reached: the grant ends. 使用目的已达成，终止授权。" }
    enum Confirm: DecisionWord { static let command = "confirm"; static let word = "confirm_disposal"; static let abstract = "Confirm that the data was disposed of. 确认数据已处置。" }
}

struct AcceptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "accept", abstract: "Accept a request, in whole or in part. 同意共享（全部或部分）。")

    @OptionGroup var target: DecisionTarget
    @Option(help: "Fewer fields, by commas.") var fields: String?
    @Option(help: "A filter that holds besides the one asked for.") var filter: String?
    @Option(help: "An earlier end.") var until: Timestamp?
    @Option(help: "Anything else.") var note: String?

    func run() async throws {
        try await target.decide(DecisionDocument(decision: "accept", note: note, fields: fields.map { $0.split(separator: ",").map(String.init) }, filter: filter, until: until))
    }
}

struct SupplementCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "supplement", abstract: "Supply what the provider said is missing. 补正申请。")

    @OptionGroup var target: DecisionTarget
    @Option(help: "Other fields, by commas.") var fields: String?
    @Option(help: "Another filter.") var filter: String?
    @Option(help: "Another end.") var until: Timestamp?
    @Option(help: "What for.") var purpose: String?
    @Option(help: "The provision that the need rests on.") var legalBasis: String?
    @Option(help: "What the data is needed in.") var scenario: String?
    @Option(help: "What was missing.") var note: String?

    func run() async throws {
        try await target.decide(
            DecisionDocument(
                decision: "supplement", note: note, fields: fields.map { $0.split(separator: ",").map(String.init) }, filter: filter, until: until, purpose: purpose,
                legalBasis: legalBasis, scenario: scenario))
    }
}

struct ExtendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "extend", abstract: "Let a grant run longer. 延长授权期限。")

    @OptionGroup var target: DecisionTarget
    @Option(help: "Until when: a day, or a time with its offset.") var until: Timestamp
    @Option(help: "Why.") var note: String?

    func run() async throws { try await target.decide(DecisionDocument(decision: "extend", note: note, until: until)) }
}
