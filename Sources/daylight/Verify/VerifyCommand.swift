import ArgumentParser
import Crypto
import Foundation
import Ledger
import Model

/// `daylight verify FILE --proof P --key K`: says without any network whether a file is what the ledger says was released.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a downloaded file against the ledger, offline. 离线核验下载的文件。",
        discussion: """
            daylight verify data.csv --proof data.tlog-proof --key KEY
                whether the file is, byte by byte, what was released; the proof is /v1/datasets/{id}/versions/{n}/proof
            daylight verify --old checkpoint.txt --consistency proof.txt --key KEY
                whether a newer log goes on from an older head without changing anything; the proof is /ledger/consistency?old=SIZE
            KEY is the verifier key (name+hash+base64) as /ledger/key has it, or a file with it. Keep it, and old checkpoints, from a time when you trusted them.
            Exit status: 0 proven, 1 not proven, 2 something cannot be read.
            """
    )

    @Argument(help: "The file as it was downloaded: the canonical CSV, not compressed.", completion: .file())
    var file: String?

    @Option(help: "The version's proof (tlog-proof).", completion: .file())
    var proof: String?

    @Option(help: "An older checkpoint that was kept.", completion: .file())
    var old: String?

    @Option(help: "The proof that leads from it to a newer one.", completion: .file())
    var consistency: String?

    @Option(help: "The log's verifier key, or a file with it.")
    var key: String

    func validate() throws {
        let ofFile = file != nil && proof != nil, ofHeads = old != nil && consistency != nil
        guard ofFile != ofHeads, ofFile || (file == nil && proof == nil), ofHeads || (old == nil && consistency == nil) else {
            throw ValidationError("give FILE and --proof, or --old and --consistency")
        }
    }

    func run() throws {
        let terminal = Terminal()
        let language = terminal.language
        do {
            let verifier = try readKey()
            if let file, let proof {
                let finding = try Verification.file(digest: Self.digest(of: file), proof: Self.text(proof), verifier: verifier)
                terminal.print(finding.text(file: file, in: language))
            } else if let old, let consistency {
                let finding = try Verification.consistency(old: Self.text(old), proof: Self.text(consistency), verifier: verifier)
                terminal.print(finding.text(in: language))
            }
        } catch let doubt as Doubt {
            terminal.warn((language == .zh ? "未能证明：" : "NOT proven: ") + doubt.message.text(in: language))
            throw ExitCode(1)
        } catch let failure as Unreadable {
            terminal.warn(failure.message.text(in: language))
            throw ExitCode(2)
        }
    }

    private func readKey() throws -> NoteVerifier {
        let text = (try? String(contentsOfFile: key, encoding: .utf8)) ?? key
        guard let verifier = NoteVerifier(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Unreadable(zh: "--key 既不是验证公钥（名称+校验+base64），也不是含有它的文件", en: "--key is neither a verifier key (name+hash+base64) nor a file with one")
        }
        return verifier
    }

    private static func text(_ path: String) throws -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)") }
        return text
    }

    /// SHA-256 of a file of any size.
    private static func digest(of path: String) throws -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)") }
        defer { try? file.close() }
        var hash = SHA256()
        do {
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        } catch {
            throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)")
        }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }
}
