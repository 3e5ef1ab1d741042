internal import Ledger
public import Model
internal import Store
internal import Synchronization

/// What a process counts of the ledger, and what it saw of it last.
final class NotaryCounts: Sendable {
    private struct State {
        var leaves = 0
        var integrations = 0
        var seconds = 0.0
        var cosignatures: [String: Int] = [:]
        var last: LedgerFigures?
    }

    private let state = Mutex(State())

    func integrated(_ leaves: Int, in duration: Duration) {
        state.withLock { state in
            state.leaves += leaves
            state.integrations += 1
            state.seconds += duration / .seconds(1)
        }
    }

    func cosigned(_ witness: String) { state.withLock { $0.cosignatures[witness, default: 0] += 1 } }

    func saw(_ figures: LedgerFigures) { state.withLock { $0.last = figures } }

    var figures: LedgerFigures? {
        state.withLock { state in
            guard var figures = state.last else { return nil }
            figures.leavesIntegrated = state.leaves
            figures.integrations = state.integrations
            figures.integrationSeconds = state.seconds
            figures.cosignatures = state.cosignatures
            return figures
        }
    }
}

/// The ledger in figures, for the operator.
public struct LedgerFigures: Sendable {
    /// Leaves under the newest head, and when it was signed.
    public var size: Int
    public var signedAt: Timestamp
    /// Entries that wait for their place.
    public var pending: Int
    /// The newest head that enough witnesses signed; nil where there is none.
    public var cosignedSize: Int?
    public var cosignedAt: Timestamp?
    /// How the witnesses stand that this server is set to ask.
    public var witnesses: [WitnessStanding]
    /// Leaves that this process gave their place, in how many transactions, in how many seconds altogether.
    public var leavesIntegrated = 0
    public var integrations = 0
    public var integrationSeconds = 0.0
    /// Cosignatures that this process gathered, by witness.
    public var cosignatures: [String: Int] = [:]
}

extension Notary {
    /// What was measured last, a few seconds ago at most; nil before the first time.
    public var figures: LedgerFigures? { counts.figures }

    /// The ledger as everybody may see it: heads, and how the witnesses stand.
    ///
    /// - Throws: a `Problem` while there is no head yet, or when the database cannot answer.
    public func status() async throws -> LedgerStatus {
        let checkpoint = try await store.checkpoint(witnesses: [])
        guard let checkpoint, let head = Head(checkpoint, witnesses: []) else { throw Problem(.overloaded, zh: "存证尚未开始", en: "the ledger has not begun yet", retryAfter: 2) }
        let cosigned = try await cosigned(), witnesses = if let witnessing { try await store.witnesses(witnessing.keys) } else { [WitnessStanding]() }
        return LedgerStatus(
            name: signer.verifier.name, key: "\(signer.verifier)", size: head.checkpoint.size, head: head.checkpoint.head.base64, signedAt: checkpoint.signedAt,
            cosigned: cosigned.map { .init(size: $0.checkpoint.size, head: $0.checkpoint.head.base64, cosignatures: $0.cosignatures.count) }, quorum: witnessing?.quorum,
            witnesses: witnesses)
    }

    /// Takes the figures for the metrics. Where the database does not answer, the old ones stay.
    func measure() async {
        guard let checkpoint = try? await store.checkpoint(witnesses: []), let pending = try? await store.ledgerBacklog() else { return }
        var figures = LedgerFigures(size: checkpoint.size, signedAt: checkpoint.signedAt, pending: pending, witnesses: [])
        if let witnessing {
            figures.witnesses = (try? await store.witnesses(witnessing.keys)) ?? []
            if let cosigned = try? await cosigned() {
                figures.cosignedSize = cosigned.checkpoint.size
                figures.cosignedAt = cosigned.cosignatures.map(\.instant).max()
            }
        }
        counts.saw(figures)
    }
}

/// The ledger as it stands, for everybody.
public struct LedgerStatus: Sendable, Hashable, Codable {
    /// A head that enough witnesses have signed.
    public struct Cosigned: Sendable, Hashable, Codable {
        public var size: Int
        /// Base64, as in the checkpoint.
        public var head: String
        public var cosignatures: Int
    }

    public var name: String
    /// Verifier key.
    public var key: String
    /// The newest head.
    public var size: Int
    public var head: String
    public var signedAt: Timestamp
    public var cosigned: Cosigned?
    /// How many signatures make a head cosigned; absent where no witness is asked.
    public var quorum: Int?
    public var witnesses: [WitnessStanding]
}
