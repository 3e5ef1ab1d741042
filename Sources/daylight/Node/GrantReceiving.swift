import Copies
import Exchange
import Foundation
import Logging
import Model
import Store

/// Takes what other nodes give to departments of this one by grants (回流): the rows of each go to a table of their own, are held against the other node's signed statement before
/// that, and signed for after it.
///
/// All that it knows stands in PostgreSQL. One process of all works at a time (`Jobs`), and any can go on where another ended.
final class GrantReceiving: Sendable {
    struct Configuration: Sendable {
        /// Where the tables are.
        var databaseURL: String
        /// Where deliveries lie while they come.
        var folder: URL
        /// Time between two looks whether there is anything new.
        var pause = Duration.seconds(30)
        /// Longest delivery, in bytes.
        var longest = 20 << 30
        /// Which addresses may be connected to.
        var addresses = AddressRule()
        /// Before a failed turn is tried again; doubled with each failure, up to five minutes.
        var backoff = Duration.seconds(1)

        init(databaseURL: String, folder: URL) { (self.databaseURL, self.folder) = (databaseURL, folder) }
    }

    let configuration: Configuration
    let store: Store
    let logger: Logger

    init(_ configuration: Configuration, store: Store, logger: Logger) { (self.configuration, self.store, self.logger) = (configuration, store, logger) }

    /// Follows all grants, side by side, until it is cancelled.
    ///
    /// - Throws: a `Problem` where the database does not answer; nothing is lost by calling it again.
    func work() async throws {
        // What a process left that was killed: what was not taken comes again.
        try? FileManager.default.removeItem(at: configuration.folder)
        try await withThrowingDiscardingTaskGroup { group in
            var known: Set<String> = []
            while true {
                try await store.disposeLeftovers()
                for grant in try await store.receivedGrants() where grant.isFollowed && known.insert(grant.id).inserted {
                    group.addTask { try await self.follow(grant.id) }
                }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Follows one grant, for ever; one that is over is looked for again from time to time.
    private func follow(_ id: String) async throws {
        while true {
            let reception = try await store.reception(id)
            if let reception, reception.grant.nextTryAt.map({ $0 <= .now }) ?? false { try await turn(reception) }
            try await Task.sleep(for: reception == nil ? .seconds(5) : .milliseconds(500))
        }
    }

    /// Takes what is new by one grant.
    private func turn(_ reception: GrantReception) async throws {
        let grant = reception.grant
        do {
            try await GrantTurn(receiving: self, reception: reception).run()
            try await store.settleReceiving(grant.id, pause: configuration.pause)
        } catch let over as GrantTurn.Over {
            try await store.endReceiving(grant.id, reason: over.reason)
            try await store.countReceived(grant.id)
            logger.notice("nothing more comes by a grant; what came by it has to be disposed of", metadata: ["grant": "\(grant.id)", "node": "\(grant.node)"])
        } catch let problem as Problem {
            throw problem
        } catch {
            try Task.checkCancellation()
            let (reason, asked) = Self.words(error)
            logger.warning("a turn of receiving by a grant failed", metadata: ["grant": "\(grant.id)", "node": "\(grant.node)", "reason": "\(reason.text(in: .en))"])
            try await store.noteReceiving(reason, of: grant.id, pause: asked ?? min(configuration.backoff * (1 << min(grant.failures, 10)), .seconds(300)))
            try await store.countReceived(grant.id)
        }
    }

    /// Why a turn failed, and how long the node asks to be left alone.
    private static func words(_ error: any Error) -> (LocalizedText, Duration?) {
        switch error {
        case ExchangeFailure.refused(let status, let problem):
            let title = problem.code.flatMap(ProblemCode.init)?.title, code = problem.code ?? "HTTP \(status)"
            let pause = problem.retryAfter.flatMap(Double.init).map { Duration.seconds(min(max(1, $0), 3600)) }
            return (LocalizedText(zh: "对方节点回答 \(code)\(title.map { "：\($0.zh)" } ?? "")", en: "the node answers \(code): \((problem.detail ?? title?.en ?? "").prefix(300))"), pause)
        case ExchangeFailure.unreachable(let reason): return (LocalizedText(zh: "无法连接：\(reason.prefix(200))", en: "it cannot be reached: \(reason.prefix(200))"), nil)
        case ExchangeFailure.doubtful(let message): return (message, nil)
        case let failure as CopyFailure: return (failure.message, nil)
        case let failure as Unreadable: return (failure.message, nil)
        default: return (LocalizedText(zh: "接收失败：\(type(of: error))", en: "receiving failed: \(type(of: error))"), nil)
        }
    }
}
