import Copies
import Exchange
import Foundation
import Ledger
import Logging
import Model
import NIOHTTP1
import NIOPosix
import Store

/// One turn of receiving by a grant: what is owed is signed for, what is new is taken.
struct GrantTurn {
    let receiving: GrantReceiving
    let reception: GrantReception

    /// Nothing comes by the grant any more.
    struct Over: Error {
        var reason: LocalizedText
    }

    /// Whoever heard nothing for so long begins from what stands. In microseconds.
    private static let longAway: Int64 = 3_600_000_000
    /// So long before a term's end, it is looked up whether it was extended. In microseconds.
    private static let nearEnd: Int64 = 600_000_000

    private var store: Store { receiving.store }
    private var id: String { reception.grant.id }
    private var path: String { "/v1/exchange/grants/\(id)" }

    /// - Throws: ``Over``, `ExchangeFailure`, `CopyFailure`, `Unreadable`; a `Problem` where the node's own database does not answer.
    func run() async throws {
        let profile = ExchangeProfile(server: reception.grant.node, accessKey: reception.accessKey, signingKeyFile: nil, statementKey: reception.statementKey)
        let client = try ExchangeClient(
            profile, signs: true, signer: try JSON.decode(SigningKeyFile.self, reception.signingKey), terminal: Terminal(environment: [:]),
            rule: receiving.configuration.addresses, attempts: 1)
        do {
            try await run(client)
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }

    private func run(_ client: ExchangeClient) async throws {
        let now = Timestamp.now.microseconds, isLong = reception.grant.checkedAt.map { now - $0.microseconds > Self.longAway } ?? false
        // Where all was well the last time, nothing is owed, and a look is enough.
        if reception.grant.state == .receiving, !isLong, let until = reception.grant.until, until.microseconds - now > Self.nearEnd, let version = reception.grant.version, let purpose = reception.purpose,
            try await Pull.news(of: id, since: version, purpose: purpose, client) == .none, try await isKnown(version, client)
        { return }
        let granted = try await client.get(path).json(ShareGrant.self), purpose = reception.purpose ?? granted.terms.purpose
        guard granted.id.lowercased() == id, UUID(uuidString: granted.request) != nil else {
            throw ExchangeFailure.doubtful(LocalizedText(zh: "对方节点给出的是另一个授权", en: "the node shows another grant"))
        }
        let copy = try await open()
        do {
            try await take(granted, purpose, client, copy, isWhole: isLong)
            await copy.close()
        } catch ExchangeFailure.refused(status: 410, let problem) {
            try await over(problem, copy)
        } catch {
            await copy.close()
            // Whatever failed: a grant that has ended is over.
            if let end = granted.endedAt ?? (granted.terms.until <= .now ? granted.terms.until : nil) { throw Self.ended(at: end) }
            throw error
        }
    }

    private func take(_ granted: ShareGrant, _ purpose: String, _ client: ExchangeClient, _ copy: any LocalCopy, isWhole: Bool) async throws {
        let held = try await copy.held()
        if try await Pull.news(of: id, since: held?.version ?? 0, purpose: purpose, client) == .over {
            try await signOwed(held, granted, purpose, client, copy)
            // A question with an answer in words.
            _ = try await client.get("\(path)/rows?limit=1", headers: ["Daylight-Purpose": PathText.escaped(purpose)])
        }
        let schema = try await client.get("/v1/exchange/datasets/\(PathText.escaped(granted.dataset))").json(SchemaText.self)
        guard try await store.department(granted.receiver) != nil else {
            throw Unreadable(zh: "授权给了部门 \(granted.receiver)，本节点没有该部门", en: "the grant is the department \(granted.receiver)'s, which this node does not know")
        }
        let statementKey = try await statementKey(client)
        try await store.note(granted, title: schema.title ?? LocalizedText(zh: granted.dataset), purpose: purpose, statementKey: statementKey, of: id)
        // Values stay as they came, byte for byte; only numbers of the key are numbers, for the order of the rows.
        let numbers = Dictionary(schema.key.filter(\.isNumber).map { ($0.name, schema.types[$0.name] ?? .text) }) { $1 }
        func pull(_ copy: any LocalCopy) -> Pull {
            Pull(client: client, copy: copy, grant: granted, purpose: purpose, key: schema.key, types: numbers, statementKey: statementKey, progress: nil)
        }
        do {
            try await note(try await pull(copy).step(isWhole ? .whole : .changes))
        } catch let failure as CopyFailure where failure.isDiverged {
            // What is here stays until all of that is stored.
            receiving.logger.warning(
                "what came by a grant is no version that the node knows, as where it was restored from a backup; all of it is taken again",
                metadata: ["grant": "\(id)", "node": "\(reception.grant.node)", "version": "\(held?.version ?? 0)"])
            try await note(try await pull(copy).step(.anew))
        }
    }

    /// Whether the node still has the delivery that is here.
    private func isKnown(_ version: Int, _ client: ExchangeClient) async throws -> Bool {
        guard let delivery = try await store.receivedDelivery(reception) else { return true }
        return try await Pull.isKnown(delivery, to: version, client)
    }

    private func note(_ outcome: Pull.Outcome) async throws {
        try await store.countReceived(id)
        guard case .stored(let from, let to, let rows) = outcome else { return }
        receiving.logger.info("a delivery was received and signed for", metadata: ["grant": "\(id)", "from": "\(from)", "version": "\(to)", "rows": "\(rows)"])
    }

    /// What was stored before the end is signed for nonetheless, if that is still taken.
    private func signOwed(_ held: Held?, _ granted: ShareGrant, _ purpose: String, _ client: ExchangeClient, _ copy: any LocalCopy) async throws {
        guard let owed = held?.owed else { return }
        let pull = Pull(client: client, copy: copy, grant: granted, purpose: purpose, key: [], types: [:], statementKey: "", progress: nil)
        do {
            try await pull.sign(owed)
        } catch ExchangeFailure.refused(let status, let problem) where status < 500 && status != 429 {
            receiving.logger.warning("a receipt is not taken any more", metadata: ["grant": "\(id)", "reason": "\(problem.code ?? "")"])
        }
    }

    /// Nothing is given any more: rows that were withdrawn at home go here, too; what a grant gave that has ended stays closed until it is disposed of.
    private func over(_ problem: ExchangeFailure.ProblemText, _ copy: any LocalCopy) async throws {
        let code = problem.code.flatMap(ProblemCode.init)
        do {
            if code == .datasetWithdrawn || code == .versionWithdrawn { try await copy.empty() }
            await copy.close()
        } catch {
            await copy.close()
            throw error
        }
        switch code {
        case .datasetWithdrawn: throw Over(reason: LocalizedText(zh: "数据资源已在提供方撤回", en: "the dataset was withdrawn at home"))
        case .grantEnded: throw Self.ended(at: nil)
        default: throw ExchangeFailure.refused(status: 410, problem)
        }
    }

    private static func ended(at time: Timestamp?) -> Over {
        Over(reason: LocalizedText(zh: "授权已终止\(time.map { "（\($0)）" } ?? "")", en: "the grant has ended\(time.map { " (\($0))" } ?? "")"))
    }

    private func open() async throws -> any LocalCopy {
        let table = try await TableCopy.open(
            receiving.configuration.databaseURL, table: "\(GrantReception.schema).\(reception.table)", writer: GrantReception.writer, reader: GrantReception.reader,
            group: MultiThreadedEventLoopGroup.singleton, logger: receiving.logger)
        return SpooledCopy(table, folder: receiving.configuration.folder, longest: receiving.configuration.longest)
    }

    /// The key of the node's statements: the one that is known, else the one that it shows. Where the key of its ledger is known, it has to have signed it.
    private func statementKey(_ client: ExchangeClient) async throws -> String {
        let shown = try await client.get("/v1/exchange/statement-key").json(StatementKeyText.self), key = reception.statementKey ?? shown.publicKey
        let ledger = try await store.homeNodes().first { $0.url == reception.grant.node }?.ledgerKey.flatMap { NoteVerifier($0) }
        if let ledger {
            guard shown.vouches(for: key, by: ledger) else {
                throw ExchangeFailure.doubtful(LocalizedText(zh: "交付说明的公钥没有对方节点存证密钥的签名", en: "the key of its statements is not signed by its ledger's key"))
            }
        }
        return key
    }
}
