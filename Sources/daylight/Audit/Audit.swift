import Ledger
import Model

/// One run of an audit.
///
/// Not thread-safe: one task runs it.
final class Audit {
    let client: AuditClient
    let memory: AuditMemory
    let sample: Sample
    let grace: Int
    let trust: Verification.Trust
    let progress: AuditProgress
    var report: AuditReport
    /// Versions kept back to be downloaded in the end.
    var reserve: [Target] = []
    /// How many could have been.
    var candidates = 0
    /// What may only be late: asked again when everything else is done.
    var waiting: [(dataset: String, lie: Lie)] = []

    /// A version whose bytes are compared with its leaf.
    struct Target {
        let release: Leaf.Release
        var path: String { "/v1/datasets/\(release.dataset)/versions/\(release.version)" }
        var line: String { "\(release.dataset) \(release.version) \(release.digest)" }
    }

    init(server: String, client: AuditClient, memory: AuditMemory, terminal: Terminal, sample: Sample, grace: Int, trust: Verification.Trust) {
        (self.client, self.memory, self.sample, self.grace, self.trust) = (client, memory, sample, grace, trust)
        progress = AuditProgress(terminal)
        report = AuditReport(server: server)
    }

    /// - Parameter key: the ledger's, where its reader has it from elsewhere.
    /// - Throws: ``Lie`` with the first thing that is wrong, ``Unreadable``.
    func run(key: NoteVerifier?) async throws {
        let verifier = try await self.verifier(key)
        report.key = "\(verifier)"
        report.origin = verifier.name
        report.previousSize = memory.head?.size
        try await follow(verifier)
        try await readOpenings()
        try await checkSalted()
        try await readCatalogue()
        for part in 0..<AuditMemory.parts { try await checkVersions(part) }
        try await downloadReserve()
        try await checkProfiles()
        try await askAgain(verifier)
        try await checkWitnesses(verifier)
        memory.forgetRun()
    }

    /// The key: the one that is known, else the one of the last time, else the one that the server shows.
    private func verifier(_ key: NoteVerifier?) async throws -> NoteVerifier {
        let text = try await client.text("/ledger/key").split(separator: "\n").first.map(String.init) ?? ""
        guard let shown = NoteVerifier(text) else { throw Unreadable(zh: "/ledger/key 不是验证公钥", en: "/ledger/key is no verifier key") }
        guard let known = key ?? memory.head.flatMap({ NoteVerifier($0.key) }) else { return shown }
        if let head = memory.head, head.key != "\(known)" {
            throw Unreadable(zh: "--state 中记着另一个存证：\(head.key)", en: "--state remembers another ledger: \(head.key)")
        }
        guard shown == known else { throw Lie(.key, promised: "\(known)", served: "\(shown)", zh: "服务器的公钥与所知的不同", en: "the server's key is another than the known one") }
        return known
    }
}
