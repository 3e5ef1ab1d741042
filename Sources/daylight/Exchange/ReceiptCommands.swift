import ArgumentParser
import Copies
import Crypto
import Exchange
import Foundation
import Model

/// `daylight exchange receipt …`: what was signed for, and what is owed.
struct ReceiptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "A delivery's receipt and its proof, or what a grant still owes. 回执及其证明。",
        discussion: """
            daylight exchange receipt DELIVERY [--proof]
            daylight exchange receipt --grant GRANT      deliveries that were not signed for
            `daylight exchange pull` signs by itself for what it has stored.
            """)

    @OptionGroup var options: ExchangeOptions
    @Argument(help: "The delivery's identifier.") var delivery: String?
    @Option(help: "Lists this grant's deliveries that lack a receipt.") var grant: String?
    @Flag(help: "The proof that the receipt is in the ledger (tlog-proof).") var proof = false

    func validate() throws {
        guard (delivery == nil) != (grant == nil) else { throw ValidationError("give a delivery, or --grant") }
    }

    func run() async throws {
        try await options.run { client, terminal in
            if let grant {
                let answer = try await client.get("/v1/exchange/grants/\(PathText.escaped(grant))/deliveries?unreceipted=true&limit=100")
                return try options.show(answer, on: terminal) { answer in
                    let owed = try answer.json(ListText<Delivery>.self).data
                    if owed.isEmpty { return terminal.language == .zh ? "没有欠缺的回执" : "nothing is owed" }
                    return owed.map { "\($0.id)  \($0.fromVersion) -> \($0.toVersion)  \($0.rowCount ?? 0)  \($0.finishedAt?.description ?? "")" }.joined(separator: "\n")
                }
            }
            let path = "/v1/exchange/receipts/\(PathText.escaped(delivery ?? ""))"
            if proof { return terminal.print(String(decoding: try await client.get(path + "/proof").body, as: UTF8.self).trimmingCharacters(in: .newlines)) }
            let answer = try await client.get(path)
            try options.show(answer, on: terminal) { answer in
                let receipt = try answer.json(Receipt.self), stated = receipt.statement
                return terminal.language == .zh
                    ? "\(stated.dataset) 第 \(stated.fromVersion) 版 → 第 \(stated.toVersion) 版，\(stated.rowCount) 行，摘要 \(stated.digest)\n\(receipt.recordedAt) 由公钥 \(receipt.key) 签收"
                    : "\(stated.dataset), version \(stated.fromVersion) -> \(stated.toVersion), \(stated.rowCount) rows, digest \(stated.digest)\nsigned for by the key \(receipt.key), recorded \(receipt.recordedAt)"
            }
        }
    }
}

/// `daylight exchange statement DELIVERY`: what the server signs that it sent.
struct StatementCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statement", abstract: "What the server signs that it sent; checks it, and a file against it. 交付说明及其核验。",
        discussion: "The output of --json can be given to a third party: with the server's key (GET /v1/exchange/statement-key) it shows who was sent what, and when.")

    @OptionGroup var options: ExchangeOptions
    @Argument(help: "The delivery's identifier.") var delivery: String
    @Option(help: "The bytes of the delivery as they came: a file to be held against it.", completion: .file()) var file: String?

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.get("/v1/exchange/deliveries/\(PathText.escaped(delivery))/statement")
            let signed = try answer.json(SignedDelivery.self)
            guard signed.isValid(by: try await client.statementKey()) else {
                throw ExchangeFailure.doubtful(LocalizedText(zh: "签名不是该服务器的", en: "the statement is not signed by the server's key"))
            }
            if let file {
                guard let data = try? Data(contentsOf: URL(filePath: file), options: .alwaysMapped) else { throw Unreadable(zh: "无法读取 \(file)", en: "cannot read \(file)") }
                let digest = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
                guard digest == signed.statement.digest else {
                    throw ExchangeFailure.doubtful(LocalizedText(zh: "\(file) 不是所交付的内容：摘要 \(digest)", en: "\(file) is not what was delivered: its digest is \(digest)"))
                }
            }
            try options.show(answer, on: terminal) { _ in
                let said = signed.statement
                return terminal.language == .zh
                    ? "\(said.provider) → \(said.receiver)  \(said.dataset) 第 \(said.fromVersion) 版 → 第 \(said.toVersion) 版，\(said.rowCount) 行，\(said.byteCount) 字节，摘要 \(said.digest)\n\(said.finishedAt) 交付，签名有效"
                    : "\(said.provider) -> \(said.receiver)  \(said.dataset), version \(said.fromVersion) -> \(said.toVersion), \(said.rowCount) rows, \(said.byteCount) bytes, digest \(said.digest)\nsent \(said.finishedAt); the signature holds"
            }
        }
    }
}
