import Ledger
import Model

/// The key for statements, as it is read.
struct StatementKeyText: Decodable {
    var publicKey: String
    /// The signed note by which the ledger's key names it.
    var certificate: String?

    /// Whether the certificate is the ledger's word for a key.
    func vouches(for key: String, by verifier: NoteVerifier) -> Bool {
        guard let note = certificate.flatMap({ SignedNote($0) }) else { return false }
        return note.text == "daylight-statement-key/1\n\(key)\n" && note.isSigned(by: verifier)
    }

    /// Holds that the ledger's key says that this is the key for statements.
    ///
    /// - Throws: ``ExchangeFailure`` (`doubtful`), with what to do.
    func check(by verifier: NoteVerifier) throws {
        guard certificate != nil else {
            throw ExchangeFailure.doubtful(LocalizedText(
                zh: "服务器没有出示其声明公钥的证书，无从核验；请向运营方索取该公钥，写入配置文件的 statement_key",
                en: "the server shows no certificate for the key of its statements, so that it cannot be checked; ask its operator for the key and put it into the profile as statement_key"))
        }
        guard vouches(for: publicKey, by: verifier) else {
            throw ExchangeFailure.doubtful(LocalizedText(
                zh: "声明公钥 \(publicKey) 的证书不是存证公钥 \(verifier) 所签：不要接受其声明；请与运营方核对两个公钥，确认无误后写入配置文件的 statement_key 与 ledger_key",
                en: "the certificate of the statement key \(publicKey) is not signed by the ledger's key \(verifier): do not accept its statements; compare both keys with the operator, and when you know the right ones put them into the profile as statement_key and ledger_key"))
        }
    }
}

extension ExchangeClient {
    /// The key that the server's statements must be signed by: the one that is known, else the one that it shows, where the ledger's key vouches for that.
    ///
    /// - Throws: ``ExchangeFailure``; `Unreadable` where the profile's `ledger_key` is none.
    func statementKey() async throws -> String {
        if profile.statementKey != nil, profile.ledgerKey == nil { return profile.statementKey ?? "" }
        let shown = try await get("/v1/exchange/statement-key").json(StatementKeyText.self)
        let verifier: NoteVerifier
        if let known = profile.ledgerKey {
            verifier = try VerifyCommand.readKey(known, "ledger_key")
        } else {
            let text = String(decoding: try await get("/ledger/key").body, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            guard let found = NoteVerifier(text) else { throw ExchangeFailure.doubtful(LocalizedText(zh: "/ledger/key 不是验证公钥", en: "/ledger/key is no verifier key")) }
            verifier = found
        }
        try shown.check(by: verifier)
        if let known = profile.statementKey, known != shown.publicKey {
            throw ExchangeFailure.doubtful(LocalizedText(
                zh: "服务器现在以 \(shown.publicKey) 签署声明，配置文件的 statement_key 为 \(known)；存证公钥为其作证，请与运营方确认后更新 statement_key",
                en: "the server signs statements with \(shown.publicKey) now, and statement_key in the profile is \(known); the ledger's key vouches for the new one: ask the operator whether it was changed, then change statement_key"))
        }
        return shown.publicKey
    }
}
