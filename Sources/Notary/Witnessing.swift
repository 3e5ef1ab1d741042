internal import Foundation
internal import Ledger
public import Logging
internal import Model
internal import Store
internal import Synchronization

/// Has the log's heads signed by others: asks each witness for its cosignature, checks it and keeps it.
///
/// Any number of processes may run one on the same database; one of them asks. All witnesses are asked for the same heads, so that a head has the
/// signatures of all that answer. One that does not answer holds nobody up.
public final class Witnessing: Sendable {
    /// Sends the body of `add-checkpoint` to an address and gives the answer, within a time of its own.
    public typealias Transport = @Sendable (_ url: String, _ body: String) async throws -> WitnessReply

    /// Times of asking.
    public struct Configuration: Sendable {
        /// Shortest time between two heads that are sent.
        public var pace = Duration.seconds(1)
        /// How long a head waits for witnesses that answered the last time, before the next is sent to the others.
        public var courtesy = Duration.seconds(3)
        /// Longest pause before a witness that did not sign is asked again.
        public var longestPause = Duration.seconds(300)
        /// A head that stays is signed again so often, which says that it still is the newest.
        public var renewal = Duration.seconds(3600)

        public init() {}
    }

    public let witnesses: [WitnessAddress]
    /// How many signatures make a head one that is served as cosigned.
    public let quorum: Int
    let configuration: Configuration
    private let transport: Transport
    private let logger: Logger
    private let node = UUID().uuidString
    private let state: Mutex<[NoteVerifier: Place]>

    /// What this process remembers of a witness.
    private struct Place {
        var patience = WitnessPatience()
        var isAsked = false
        /// What it signed last, and when.
        var signed: (text: String, at: ContinuousClock.Instant)?
    }

    /// - Parameter quorum: from 1 to the number of witnesses.
    public init(_ witnesses: [WitnessAddress], quorum: Int, configuration: Configuration = Configuration(), logger: Logger, transport: @escaping Transport) {
        self.witnesses = witnesses
        self.quorum = quorum
        self.configuration = configuration
        self.transport = transport
        self.logger = logger
        state = Mutex(Dictionary(uniqueKeysWithValues: witnesses.map { ($0.verifier, Place()) }))
    }

    var verifiers: [NoteVerifier] { witnesses.map(\.verifier) }
    var keys: [String] { witnesses.map(\.verifier.description) }

    /// Asks until the task is cancelled.
    func run(_ notary: Notary) async {
        guard !witnesses.isEmpty else { return }
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    for question in try await self.questions(notary) {
                        group.addTask { await self.ask(question, notary) }
                    }
                } catch is CancellationError {
                } catch {
                    self.logger.error("witnesses could not be asked; trying again", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: self.configuration.pace)
                await self.waitForTheTrusted()
            }
        }
        // In a task of its own: this one is cancelled, and would wait for no connection. Another process would then have to wait for the claim's end.
        let store = notary.store, node = node
        await Task { try? await store.releaseWitnesses(node: node) }.value
    }

    private struct Question {
        let witness: WitnessAddress
        let dialogue: WitnessDialogue
    }

    /// Who is to be asked for the newest head now.
    private func questions(_ notary: Notary) async throws -> [Question] {
        let claimed = try await notary.store.claimWitnesses(keys, node: node, seconds: 30)
        guard !claimed.isEmpty, let head = try await notary.head() else { return [] }
        let signed = Set(head.note.cosignatures(of: verifiers).map(\.witness)), now = ContinuousClock.now
        return witnesses.compactMap { witness in
            guard let known = claimed.first(where: { $0.key == witness.verifier.description })?.knownSize else { return nil }
            let isDue = state.withLock { state in
                guard var place = state[witness.verifier], !place.isAsked, place.patience.isOver(at: now) else { return false }
                if place.signed?.text != head.note.text { place.signed = nil }
                // What another process had signed is as good, for a while.
                if signed.contains(witness.verifier), place.signed == nil { place.signed = (head.note.text, now) }
                let stands = place.signed.map { now - $0.at < configuration.renewal } ?? false
                place.isAsked = !stands
                state[witness.verifier] = place
                return !stands
            }
            guard isDue else { return nil }
            let note = SignedNote(text: head.note.text, signatures: head.own)
            return Question(witness: witness, dialogue: WitnessDialogue(witness: witness.verifier, note: note, size: head.checkpoint.size, known: known))
        }
    }

    private func ask(_ question: Question, _ notary: Notary) async {
        let witness = question.witness, key = witness.verifier.description
        var dialogue = question.dialogue, retryAfter: Int?, failure: WitnessStanding.Reason?
        do {
            loop: while true {
                let proof = ConsistencyProof(oldSize: dialogue.known, path: try await notary.path(from: dialogue.known, to: dialogue.size), checkpoint: dialogue.note)
                let reply: WitnessReply
                do {
                    reply = try await transport("\(witness.url)/add-checkpoint", proof.description)
                } catch where !(error is CancellationError) {
                    failure = .noAnswer
                    break loop
                }
                switch dialogue.take(reply) {
                case .ask: continue loop
                case .cosigned(let cosignature):
                    try await notary.store.add(cosignature: "\(cosignature.line)", of: key, size: dialogue.size, at: cosignature.instant)
                    notary.counts.cosigned(witness.verifier.name)
                    break loop
                case .failed(let reason):
                    (failure, retryAfter) = (reason, reply.retryAfter)
                    break loop
                }
            }
            if let failure { try await notary.store.note(failure, of: key, knownSize: dialogue.known) }
        } catch is CancellationError {
            return
        } catch {
            logger.error("a witness could not be asked", metadata: ["witness": "\(witness.verifier.name)", "error": "\(error)"])
            failure = .noAnswer
        }
        end(of: question, failure, retryAfter)
    }

    private func end(of question: Question, _ failure: WitnessStanding.Reason?, _ retryAfter: Int?) {
        let now = ContinuousClock.now, witness = question.witness.verifier
        let wasTrusted = state.withLock { state in
            guard var place = state[witness] else { return false }
            let wasTrusted = place.patience.isTrusted
            place.isAsked = false
            if let failure {
                place.patience.failed(failure, retryAfter: retryAfter, at: now, longest: configuration.longestPause, chance: .random(in: 0...1))
            } else {
                place.patience.succeeded()
                place.signed = (question.dialogue.note.text, now)
            }
            state[witness] = place
            return wasTrusted
        }
        // Told when it changes; a refusal each time, for it may be the last thing that is heard of the old history.
        let metadata: Logger.Metadata = ["witness": "\(witness.name)", "size": "\(question.dialogue.size)", "reason": "\(failure?.rawValue ?? "")"]
        switch failure?.state {
        case .refusing?: logger.critical("a witness refuses the ledger's head: it signed another history before", metadata: metadata)
        case .some where wasTrusted: logger.warning("a witness does not sign the ledger's heads", metadata: metadata)
        case nil where !wasTrusted: logger.notice("a witness signs the ledger's heads again", metadata: metadata)
        default: break
        }
    }

    /// Gives witnesses that signed the last time the chance to sign this head, too, before the next one is sent.
    private func waitForTheTrusted() async {
        let deadline = ContinuousClock.now + configuration.courtesy
        while ContinuousClock.now < deadline, !Task.isCancelled, state.withLock({ $0.values.contains { $0.isAsked && $0.patience.isTrusted } }) {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
