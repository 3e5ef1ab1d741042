import ArgumentParser
import Foundation
import Ledger
import Model

/// `daylight verify FILE --proof P --key K`: says without any network whether a file, a row or a difference is what the ledger says was released.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a downloaded file, a row or a difference against the ledger, offline. 离线核验下载的文件、一行数据或版本差异。",
        discussion: """
            daylight verify data.csv --proof data.tlog-proof --key KEY
                whether the file is, byte by byte, what was released; the proof is /v1/datasets/{id}/versions/{n}/proof
            daylight verify --row row.proof --key KEY
                whether a row stands in a version that was released; the proof is /v1/datasets/{id}/rows/{key}/proof
            daylight verify --difference diff.csv --from old.csv --from-proof old.tlog-proof --to-proof new.tlog-proof --key KEY
                whether a difference is all that lies between two versions that were released; it is /v1/datasets/{id}/diff.csv?from=M&to=N
            daylight verify --audit audit-7.ndjson --proof audit-7.tlog-proof --key KEY
                whether an exported audit of the exchange is what was sealed; both are below /v1/exchange/audit/seals/{n}
            daylight verify --opening 12.json --proof 12.tlog-proof --key KEY
                what a leaf with a salted digest stands for; both are below /v1/ledger/leaves/{index}
            daylight verify --old checkpoint.txt --consistency proof.txt --key KEY
                whether a newer log goes on from an older head without changing anything; the proof is /ledger/consistency?old=SIZE
            --witness KEY (more than once), --quorum N
                also asks that so many of these witnesses have signed the head: all of them, where nothing else is said
            KEY is the verifier key (name+hash+base64) as /ledger/key has it, or a file with it. Keep it, and old checkpoints, from a time when you trusted them.
            Exit status: 0 proven, 1 not proven, 2 something cannot be read.
            """
    )

    @Argument(help: "The file as it was downloaded: the canonical CSV, not compressed.", completion: .file())
    var file: String?

    @Option(help: "The version's proof, the audit's, or the leaf's (tlog-proof).", completion: .file())
    var proof: String?

    @Option(help: "An exported audit of the exchange: entries and hashes, a line each.", completion: .file())
    var audit: String?

    @Option(help: "What opens a leaf: its salt and content.", completion: .file())
    var opening: String?

    @Option(help: "The proof of one row, which has the row in it.", completion: .file())
    var row: String?

    @Option(help: "What differs between two versions: diff.csv as it was downloaded.", completion: .file())
    var difference: String?

    @Option(help: "The older version's file: the canonical CSV.", completion: .file())
    var from: String?

    @Option(help: "The older version's proof (tlog-proof).", completion: .file())
    var fromProof: String?

    @Option(help: "The newer version's proof (tlog-proof).", completion: .file())
    var toProof: String?

    @Option(help: "An older checkpoint that was kept.", completion: .file())
    var old: String?

    @Option(help: "The proof that leads from it to a newer one.", completion: .file())
    var consistency: String?

    @Option(help: "The log's verifier key, or a file with it.")
    var key: String

    @Option(name: .customLong("witness"), help: "The verifier key of a witness that you trust, or a file with it. May be repeated.")
    var witnesses: [String] = []

    @Option(help: "How many of the witnesses must have signed; all of them where it is left out.")
    var quorum: Int?

    func validate() throws {
        try Self.check(quorum: quorum, of: witnesses)
        let proven = [file, audit, opening].compactMap { $0 }
        let given = [proven.isEmpty && proof == nil ? [nil] : [proven.count == 1 ? proof : nil, proof ?? proven.first], [row], [difference, from, fromProof, toProof], [old, consistency]].map { options in options.map { $0 != nil } }
        guard given.count(where: { $0.contains(true) }) == 1, given.contains(where: { $0.allSatisfy { $0 } }) else {
            throw ValidationError("give FILE and --proof, or --audit and --proof, or --opening and --proof, or --row, or --difference with --from, --from-proof and --to-proof, or --old and --consistency")
        }
    }

    func run() throws {
        let terminal = Terminal()
        let language = terminal.language
        do {
            let verifier = try Self.readKey(key, "--key"), trust = try Self.readTrust(witnesses, quorum: quorum)
            if let file, let proof {
                let finding = try Verification.file(Self.canonicalFile(file), proof: Self.text(proof), verifier: verifier, trust: trust)
                terminal.print(finding.text(file: file, in: language))
            } else if let audit, let proof {
                terminal.print(try Verification.audit(Self.text(audit), proof: Self.text(proof), verifier: verifier, trust: trust).text(file: audit, in: language))
            } else if let opening, let proof {
                terminal.print(try Verification.opening(Self.text(opening), proof: Self.text(proof), verifier: verifier, trust: trust).text(in: language))
            } else if let row {
                terminal.print(try Verification.row(proof: Self.text(row), verifier: verifier, trust: trust).text(in: language))
            } else if let difference, let from, let fromProof, let toProof {
                let finding = try Verification.difference(
                    Self.bytes(difference), old: Self.bytes(from), Self.canonicalFile(from), fromProof: Self.text(fromProof), toProof: Self.text(toProof), verifier: verifier, trust: trust)
                terminal.print(finding.text(file: difference, in: language))
            } else if let old, let consistency {
                let finding = try Verification.consistency(old: Self.text(old), proof: Self.text(consistency), verifier: verifier, trust: trust)
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

    static func readKey(_ key: String, _ option: String) throws -> NoteVerifier {
        let text = (try? String(contentsOfFile: key, encoding: .utf8)) ?? key
        guard let verifier = NoteVerifier(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Unreadable(zh: "\(option) 既不是验证公钥（名称+校验+base64），也不是含有它的文件", en: "\(option) is neither a verifier key (name+hash+base64) nor a file with one")
        }
        return verifier
    }

    static func check(quorum: Int?, of witnesses: [String]) throws {
        guard let quorum else { return }
        guard !witnesses.isEmpty, (1...witnesses.count).contains(quorum) else { throw ValidationError("--quorum must be from 1 to the number of witnesses (--witness)") }
    }

    static func readTrust(_ witnesses: [String], quorum: Int?) throws -> Verification.Trust {
        let keys = try witnesses.map { text in
            let key = try readKey(text, "--witness")
            guard key.kind == .cosignature else { throw Unreadable(zh: "\(key.name) 不是见证方的公钥", en: "the key of \(key.name) is not one of a witness") }
            return key
        }
        return Verification.Trust(witnesses: keys, quorum: quorum ?? keys.count)
    }

    private static func text(_ path: String) throws -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)") }
        return text
    }

    /// A file that is not read before it is needed.
    private static func bytes(_ path: String) throws -> Data {
        guard let bytes = try? Data(contentsOf: URL(filePath: path), options: .alwaysMapped) else { throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)") }
        return bytes
    }

    private static func canonicalFile(_ path: String) throws -> CanonicalFile {
        guard let file = FileHandle(forReadingAtPath: path) else { throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)") }
        defer { try? file.close() }
        do {
            return try CanonicalFile(reading: file)
        } catch {
            throw Unreadable(zh: "无法读取 \(path)", en: "cannot read \(path)")
        }
    }
}
