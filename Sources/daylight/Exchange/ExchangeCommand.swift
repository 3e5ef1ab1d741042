import ArgumentParser

/// `daylight exchange …`: a department's whole part in the exchange, from a terminal.
struct ExchangeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exchange",
        abstract: "Share data with other departments. 部门间数据共享：申请、审核、取数、回执。",
        discussion: """
            Address and keys come from options, from the environment (DAYLIGHT_URL, DAYLIGHT_ACCESS_KEY_FILE or DAYLIGHT_KEY, DAYLIGHT_RECEIPT_KEY) or from a profile file
            (DAYLIGHT_PROFILE, else ~/.config/daylight/exchange.json), in this order. Calls are signed with the department's key where it is registered (RFC 9421).
            Messages are Chinese where the locale is. Exit status: 0 done, 1 refused, 2 something here cannot be read or written, 3 the server cannot be reached, 4 the grant has ended.
            """,
        subcommands: [
            RequestCommand.self, RequestsCommand.self, ShowCommand.self, InboxCommand.self,
            AcceptCommand.self, ReasonedCommand<Decisions.Refuse>.self, ReasonedCommand<Decisions.Ask>.self, ExtendCommand.self, ReasonedCommand<Decisions.Revoke>.self,
            SupplementCommand.self, NotedCommand<Decisions.Withdraw>.self, ReasonedCommand<Decisions.Dispute>.self, ReasonedCommand<Decisions.Refer>.self, NotedCommand<Decisions.Finish>.self, NotedCommand<Decisions.Confirm>.self,
            ReasonedCommand<Decisions.Uphold>.self, ReasonedCommand<Decisions.Dismiss>.self,
            GrantsCommand.self, PullCommand.self, ReceiptCommand.self, StatementCommand.self, NodesCommand.self, DepartmentsCommand.self, KeyCommand.self, SigningCommand.self, OpenCommand.self, KeygenCommand.self,
        ])
}
