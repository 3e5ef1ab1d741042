import AsyncHTTPClient
import Copies
import Crypto
import Exchange
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1

/// Keeps a local copy in step with a grant: what is owed is signed for first, then comes what is new; a receipt leaves only for what is stored.
struct Pull {
    let client: ExchangeClient
    let copy: any LocalCopy
    let grant: ShareGrant
    let purpose: String
    let key: [KeyField]
    let types: [String: ColumnType]
    /// The key of the server's statements.
    let statementKey: String
    let progress: PullProgress?

    /// What a step takes.
    enum Extent: Sendable {
        /// What is new to the copy.
        case changes
        /// Everything; what is there stays until that is stored.
        case whole
        /// The same, also where the copy has versions that the server does not know any more.
        case anew
    }

    /// What one step came to.
    enum Outcome: Sendable {
        case upToDate(version: Int)
        case stored(from: Int, to: Int, rows: Int)
    }

    private var path: String { "/v1/exchange/grants/\(PathText.escaped(grant.id))" }
    private var stated: HTTPHeaders { ["Daylight-Purpose": PathText.escaped(purpose)] }

    /// Signs for what is owed, and takes in what is new.
    ///
    /// - Throws: `ExchangeFailure`; `CopyFailure`, which is `isDiverged` where only `anew` mends the copy.
    func step(_ extent: Extent = .changes) async throws -> Outcome {
        let held = try await copy.held()
        if let held, held.grant != grant.id {
            throw CopyFailure(zh: "副本属于授权 \(held.grant)；换一个目标，或加 --again", en: "the copy is one by the grant \(held.grant); take another target, or add --again")
        }
        let isKnown = if let held { try await Self.isKnown(held, client) } else { true }
        if let held, !isKnown, extent != .anew { throw Self.unknown(held.version) }
        // What the server does not know cannot be signed for.
        if let owed = held?.owed, isKnown { try await sign(owed) }
        let outcome = try await fetch(extent == .changes ? held : nil, isAnew: extent == .anew)
        if let owed = try await copy.held()?.owed { try await sign(owed) }
        return outcome
    }

    /// Whether the server still has what the copy came by. One that was restored from an older backup has not, even where it has a version of the same number again.
    private static func isKnown(_ held: Held, _ client: ExchangeClient) async throws -> Bool {
        guard let delivery = held.delivery ?? held.owed?.delivery else { return true }
        return try await isKnown(delivery, to: held.version, client)
    }

    /// Whether the server has sent a delivery up to a version.
    static func isKnown(_ delivery: String, to version: Int, _ client: ExchangeClient) async throws -> Bool {
        do {
            return try await client.get("/v1/exchange/deliveries/\(PathText.escaped(delivery))/statement").json(SignedDelivery.self).statement.toVersion == version
        } catch ExchangeFailure.refused(status: 404, let problem) where problem.code == ProblemCode.deliveryNotFound.rawValue {
            return false
        }
    }

    private static func unknown(_ version: Int) -> CopyFailure {
        CopyFailure(
            zh: "服务器已没有本副本所据的交付（第 \(version) 版），可能是从较早的备份恢复的。副本未作改动。请先与提供方核实；确认以服务器现有数据为准后，加 --again 重新获取全部数据",
            en: "the server does not know what this copy came by any more (version \(version)); it may have been restored from an older backup. The copy was left as it is. Ask the provider first; when what the server has now is what counts, add --again to get everything anew",
            isDiverged: true)
    }

    private func fetch(_ held: Held?, isAnew: Bool) async throws -> Outcome {
        do {
            return try await take(since: held?.version, isAnew: isAnew)
        } catch ExchangeFailure.refused(status: 400, let problem) where problem.places?.contains(where: { $0.place == "since" }) ?? false {
            throw Self.unknown(held?.version ?? 0)
        }
    }

    /// - Parameter version: the copy's own, not the last receipt's: a copy that was lost is made anew. Nil for everything.
    private func take(since version: Int?, isAnew: Bool) async throws -> Outcome {
        let address = version.map { "/changes?since=\($0)" } ?? "/data.csv"
        progress?.begin()
        return try await client.open(path + address, headers: stated) { headers, body in
            guard let from = headers.first(name: "Daylight-Since").flatMap(Int.init), let to = headers.first(name: "Daylight-Version").flatMap(Int.init), from == version ?? 0 else {
                throw ExchangeFailure.doubtful(LocalizedText(zh: "服务器没有说明版本", en: "the server does not say which versions these are"))
            }
            guard let delivery = headers.first(name: "Daylight-Delivery") else {
                for try await _ in body {}
                return .upToDate(version: to)
            }
            let incoming = Incoming(
                grant: grant.id, dataset: grant.dataset, delivery: delivery, fromVersion: from, toVersion: to, key: key, fields: Set(grant.terms.fields), types: types,
                isAnew: isAnew)
            let progress = progress
            var rows = 0
            try await copy.take(incoming, Watched(body: body) { progress?.received($0, version: to) }) { arrival in
                rows = arrival.rows
                return try await check(arrival, incoming)
            }
            progress?.end()
            return .stored(from: from, to: to, rows: rows)
        }
    }

    /// Holds what came against what the server signs that it sent.
    private func check(_ arrival: Arrival, _ incoming: Incoming) async throws -> ReceiptStatement {
        let signed = try await client.get("/v1/exchange/deliveries/\(PathText.escaped(incoming.delivery))/statement").json(SignedDelivery.self)
        guard signed.isValid(by: statementKey) else {
            throw ExchangeFailure.doubtful(LocalizedText(zh: "交付说明的签名不是该服务器的", en: "the statement of the delivery is not signed by the server's key"))
        }
        let said = signed.statement
        guard said.delivery == incoming.delivery, said.grant == grant.id, said.fromVersion == incoming.fromVersion, said.toVersion == incoming.toVersion,
            said.digest == arrival.digest, said.rowCount == arrival.rows, said.byteCount == arrival.bytes
        else {
            throw ExchangeFailure.doubtful(
                LocalizedText(
                    zh: "收到的数据与服务器签名的不符：收到 \(arrival.rows) 行，摘要 \(arrival.digest)；签名为 \(said.rowCount) 行，摘要 \(said.digest)",
                    en: "what came is not what the server signed: \(arrival.rows) rows with digest \(arrival.digest) came, \(said.rowCount) with \(said.digest) were sent"))
        }
        return ReceiptStatement(
            grant: grant.id, delivery: incoming.delivery, dataset: grant.dataset, fromVersion: incoming.fromVersion, toVersion: incoming.toVersion, digest: arrival.digest,
            rowCount: arrival.rows, receivedAt: .now)
    }

    private struct SignedReceipt: Encodable, Sendable {
        var statement: ReceiptStatement
        var key: String
        var signature: String
    }

    /// Sends the receipt for what is stored. One that was sent before, and whose answer was lost, is answered with the receipt that there is.
    func sign(_ statement: ReceiptStatement) async throws {
        guard let signer = client.signer, let id = signer.id, let key = signer.key else { throw Pull.noKey }
        let signature = try key.signature(for: Data(try statement.signedBytes))
        _ = try await client.post("/v1/exchange/receipts", SignedReceipt(statement: statement, key: id, signature: signature.base64EncodedString()))
        try await copy.settle(statement.delivery)
    }

    static let noKey = Unreadable(
        zh: "没有已登记的签名密钥，无法出具回执：先运行 daylight exchange key make 和 key register", en: "there is no registered key to sign receipts with: run daylight exchange key make, then key register")

    /// What a look says.
    enum News: Sendable { case none, newer, over }

    /// Whether there is a newer version. A look costs the server one row of a table, no delivery.
    ///
    /// - Returns: `over` where nothing is given any more; why, the next question says: an answer to HEAD has no words.
    static func news(of grant: String, since version: Int, purpose: String, _ client: ExchangeClient) async throws -> News {
        do {
            let head = try await client.get(
                "/v1/exchange/grants/\(PathText.escaped(grant))/changes?since=\(version)", headers: ["Daylight-Purpose": PathText.escaped(purpose)], method: .HEAD)
            return head.headers.first(name: "Daylight-Version") == String(version) ? .none : .newer
        } catch ExchangeFailure.refused(status: 410, _) {
            return .over
        } catch ExchangeFailure.refused(status: 400, _) {
            // It does not know the version.
            return .newer
        }
    }

    /// Waits until there is a newer version than the copy's, or none will come, or the copy's own is known no more.
    func wait(every seconds: Double) async throws {
        var failures = 0
        while true {
            try await Task.sleep(for: .seconds(seconds * Double.random(in: 0.9...1.1)))
            do {
                guard let held = try await copy.held() else { return }
                if try await Self.news(of: grant.id, since: held.version, purpose: purpose, client) != .none { return }
                // The same number, but is it the same version? What to do the next step says.
                if try await !Self.isKnown(held, client) { return }
                failures = 0
            } catch let failure as ExchangeFailure where failure.isPassing {
                failures += 1
                try await Task.sleep(for: .seconds(ExchangeClient.pause(failure, attempt: failures)))
            }
        }
    }
}

/// A body whose bytes are counted while they pass.
private struct Watched: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let body: HTTPClientResponse.Body
    let seen: @Sendable (ByteBuffer) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        var body: HTTPClientResponse.Body.AsyncIterator
        let seen: @Sendable (ByteBuffer) -> Void

        mutating func next() async throws -> ByteBuffer? {
            guard let buffer = try await ExchangeClient.inWords({ try await body.next() }) else { return nil }
            seen(buffer)
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body.makeAsyncIterator(), seen: seen) }
}
