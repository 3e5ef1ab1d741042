import Foundation
import Ledger
import Logging
import Model
import Notary
import Store

extension Notary {
    /// The private key of the ledger that the settings name; empty where there is none.
    ///
    /// - Throws: `Failure` where the file is none of a key.
    static func seed(_ settings: Settings, _ store: Store) async throws -> [UInt8] {
        guard let path = settings.ledgerKeyFile else { return try await store.secret("ledger") ?? [] }
        let text = try? String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let data = text.flatMap({ Data(base64Encoded: $0) }), data.count == 32 else { throw Failure("DAYLIGHT_LEDGER_KEY_FILE must name a file with 32 bytes in base64") }
        return Array(data)
    }

    /// The notary that the settings name, with the log ready for the first request.
    ///
    /// - Throws: `Failure` where there is no key, or the log was begun under another one.
    static func open(_ settings: Settings, store: Store, announcements: Announcements, logger: Logger) async throws -> Notary {
        let seed = try await seed(settings, store)
        guard let unnamed = NoteSigner(name: "daylight", seed: seed) else { throw Failure("there is no key for the ledger in the database; run `daylight migrate`") }
        // The same on every server with this key, and on no other.
        let name = settings.ledgerName ?? "daylight/" + HexDigest.of(unnamed.verifier.publicKey).prefix(16)
        guard let signer = NoteSigner(name: name, seed: seed) else { throw Failure("DAYLIGHT_LEDGER_NAME is '\(name)'; it must have no spaces and no plus sign") }
        let witnessing = settings.witnesses.isEmpty ? nil : Witnessing(settings.witnesses, quorum: settings.witnessQuorum, logger: logger, transport: WitnessTransport.send)
        let notary = Notary(store: store, signer: signer, announcements: announcements, witnessing: witnessing, logger: logger)
        do {
            try await notary.prepare()
        } catch let refusal as Refusal {
            throw Failure("\(refusal)")
        } catch let problem as Problem {
            throw Failure(problem.detail.en ?? problem.detail.zh)
        }
        return notary
    }
}
