import ArgumentParser
import Logging
import Publishing
import Store

/// `daylight erase`: what was withdrawn, for good.
struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase withdrawn rows for good. 永久删除已撤回的行。",
        discussion: """
            Takes the values of the rows that a withdrawal took out of public view, what quotes them in findings and left-out records, and the salt of the withdrawal's digest \
            out of the database. The tombstone with the keys stays, and the ledger stays valid. There is no way back; backups and PostgreSQL's log keep what they had until they are \
            renewed.
            """
    )

    @Argument(help: "The withdrawal's identifier, from GET /v1/datasets/{id}/withdrawals.")
    var withdrawal: String

    @Flag(help: "Do it; without this nothing is erased.")
    var confirm = false

    func run() async throws {
        guard confirm else { throw ValidationError("this cannot be undone; add --confirm") }
        try await Operator.withStore { store in
            let erasure = try await Publishing(store: store, logger: Operator.logger).erase(withdrawal)
            print("\(erasure.states) states of rows, \(erasure.quotations) quotations of their values erased, \(erasure.pushes) waiting pushes ended")
        }
    }
}
