public import Foundation
public import Ledger
public import Logging

/// A witness of logs (C2SP tlog-witness): signs a log's head when it goes on from the last one that it signed, and never two that contradict each other.
///
/// What it signed last is on the disk before a signature leaves.
public final class Witness: Sendable {
    /// What is answered to `add-checkpoint`.
    public struct Answer: Sendable, Hashable {
        /// Status of HTTP.
        public let status: Int
        public let contentType: String
        public let body: String
    }

    /// Confined to the queue, on which one request is decided after the other.
    private struct Confined: @unchecked Sendable {
        let book: HeadBook
    }

    private let rules: WitnessRules
    private let cosigner: Cosigner
    private let confined: Confined
    private let queue = DispatchQueue(label: "daylight.witness")
    private let now: @Sendable () -> Int64
    private let logger: Logger

    /// - Parameters:
    ///   - folder: where it keeps what it has signed; made where there is none. No other process may use it.
    ///   - now: whole seconds since 1970.
    /// - Throws: ``WitnessFailure``.
    public init(
        cosigner: Cosigner, rules: WitnessRules, folder: URL, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }, logger: Logger
    ) throws {
        self.rules = rules
        self.cosigner = cosigner
        self.now = now
        self.logger = logger
        confined = Confined(book: try HeadBook(folder, rules: rules))
    }

    /// What its signatures are believed by.
    public var verifier: NoteVerifier { cosigner.verifier }

    /// Decides on a request, after all that came before it.
    ///
    /// - Parameter request: the body as it came.
    public func answer(_ request: [UInt8]) async -> Answer {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.decide(request)) }
        }
    }

    private func decide(_ request: [UInt8]) -> Answer {
        guard let text = String(validating: request, as: UTF8.self) else { return Self.text(400, "the body is not UTF-8") }
        switch rules.judge(text, head: confined.book.head) {
        case .malformed(let reason): return Self.text(400, reason)
        case .unknownLog: return Self.text(404, "this witness does not watch that log")
        case .unsigned: return Self.text(403, "the checkpoint is not signed by a key that is trusted for its log")
        case .otherSize(let size): return Answer(status: 409, contentType: "text/x.tlog.size", body: "\(size)\n")
        case .otherHead(let new):
            // Two heads of one size under one key: what was sent is the proof, so it is kept in the log.
            logger.critical("refused: the log contradicts the head that was signed before", metadata: ["log": "\(new.origin)", "size": "\(new.size)", "request": "\(text)"])
            return Self.text(409, "the head of \(new.size) leaves is not the one that was signed before")
        case .inconsistent(let new):
            logger.critical("refused: the head is not proven to go on from the one that was signed before", metadata: ["log": "\(new.origin)", "size": "\(new.size)", "request": "\(text)"])
            return Self.text(422, "the proof does not lead from the last signed head to this one")
        case .cosign(let head, let note): return sign(head, note)
        }
    }

    private func sign(_ head: Checkpoint, _ note: SignedNote) -> Answer {
        do {
            if confined.book.head(of: head.origin) != head { try confined.book.keep(head, note) }
            let line = try cosigner.cosign(note.text, at: now())
            logger.info("signed", metadata: ["log": "\(head.origin)", "size": "\(head.size)"])
            return Answer(status: 200, contentType: "text/plain; charset=utf-8", body: "\(line)\n")
        } catch {
            logger.error("nothing was signed", metadata: ["log": "\(head.origin)", "size": "\(head.size)", "error": "\(error)"])
            return Self.text(500, "the witness cannot keep what it would sign")
        }
    }

    private static func text(_ status: Int, _ reason: String) -> Answer { Answer(status: status, contentType: "text/plain; charset=utf-8", body: reason + "\n") }
}
