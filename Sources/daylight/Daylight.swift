import ArgumentParser

@main
struct Daylight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daylight",
        abstract: "An open catalogue and exchange platform for public data. 政务数据开放目录与共享交换平台。",
        subcommands: [Serve.self, Migrate.self, ProfilesCommand.self, ReferenceCommand.self, KeysCommand.self, PushCommand.self, VerifyCommand.self, AuditCommand.self, WitnessCommand.self, ExchangeCommand.self, NodeCommand.self, EraseCommand.self, Demo.self]
    )
}
