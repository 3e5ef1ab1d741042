public import Ledger
public import Logging
internal import Model
public import Store

/// Keeps the ledger: gives what transactions entered its place in the log, signs the head, and proves what is in it.
///
/// It holds no state that PostgreSQL does not: any number of processes may run one on the same database.
public final class Notary: Sendable {
    /// What it is set to.
    public struct Configuration: Sendable {
        /// Entries that are given their place in one transaction.
        public var batch = 1000
        /// Shortest time between two heads: what is entered in between shares one.
        public var pause = Duration.milliseconds(100)
        /// How often it looks for entries that nobody told it of.
        public var beat = Duration.seconds(5)
        /// How often its figures are taken for the metrics.
        public var measuring = Duration.seconds(2)
        /// How long a proof is waited for, of what has only just been released.
        public var patience = Duration.seconds(3)

        public init() {}
    }

    /// Why the log cannot be continued.
    public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        /// The newest head was not signed by the key that is set.
        case anotherKey(newest: String)
        /// The stored leaves do not make the head that was signed: somebody changed them.
        case broken(size: Int)

        public var description: String {
            switch self {
            case .anotherKey(let origin): "the newest checkpoint of the ledger (\(origin)) is not signed by this server's ledger key; set the key and the name that it was begun with"
            case .broken(let size): "the ledger's stored leaves do not make the head that was signed at \(size) leaves; nothing more is signed"
            }
        }
    }

    public let configuration: Configuration
    let store: Store
    let signer: NoteSigner
    /// Who else signs the heads; nil where nobody is asked.
    public let witnessing: Witnessing?
    let counts = NotaryCounts()
    let logger: Logger
    private let needs: AsyncStream<Void>
    private let need: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - announcements: where it hears that something was entered; nil where nobody tells.
    ///   - witnessing: who else is asked to sign the heads.
    public init(
        store: Store, signer: NoteSigner, announcements: Announcements? = nil, witnessing: Witnessing? = nil, configuration: Configuration = Configuration(), logger: Logger
    ) {
        self.store = store
        self.witnessing = witnessing
        self.signer = signer
        self.configuration = configuration
        self.logger = logger
        (needs, need) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let need = need
        announcements?.onNews { news in
            if news == .entered || news == .mayHaveMissed { need.yield() }
        }
    }

    /// Whose signature is on the heads, for ``/ledger/key``.
    public var verifier: NoteVerifier { signer.verifier }

    /// Keeps the log up to date until the task is cancelled.
    public func run() async {
        need.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in self.needs {
                    await self.catchUp()
                    try? await Task.sleep(for: self.configuration.pause)
                }
            }
            // What nobody told of, and what failed, is tried again with the next beat.
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.configuration.beat)
                    if (try? await self.store.hasPendingEntries()) == true { self.need.yield() }
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    await self.measure()
                    try? await Task.sleep(for: self.configuration.measuring)
                }
            }
            if let witnessing = self.witnessing { group.addTask { await witnessing.run(self) } }
        }
    }

    private func catchUp() async {
        do {
            while try await integrate() == configuration.batch {}
        } catch let refusal as Refusal {
            logger.critical("the ledger is not continued", metadata: ["reason": "\(refusal)"])
        } catch is CancellationError {
        } catch {
            logger.error("the ledger could not be continued; trying again", metadata: ["error": "\(error)"])
        }
    }
}
