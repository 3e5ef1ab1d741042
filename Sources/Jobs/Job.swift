public import Logging
internal import Model
public import Store

/// Work that recurs, and that one node at a time does for all: any node can, and the next one takes over when it falls silent.
///
/// The lease is a row in PostgreSQL (`daylight.job`), so that nodes need not know of each other. What fails is logged and tried again with the next round.
public struct Job: Sendable {
    /// Its name among all nodes.
    public let name: String
    /// Time between two rounds.
    public let pause: Duration
    /// How long the lease is worth without a sign of life.
    public let lease: Duration
    private let work: @Sendable () async throws -> Void

    /// - Parameters:
    ///   - name: lower-case letters.
    ///   - pause: between the end of a round and the next.
    ///   - lease: a node that died holds the others up for so long at most.
    ///   - work: one round. It is cancelled when the lease is lost; doing it twice must do no harm.
    public init(_ name: String, every pause: Duration, lease: Duration = .seconds(15), work: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.pause = pause
        self.lease = lease
        self.work = work
    }

    /// Does the work whenever the lease is this node's, until the task is cancelled.
    public func run(on store: Store, as holder: String, logger: Logger) async {
        while !Task.isCancelled {
            do {
                if try await store.hold(job: name, as: holder, for: lease) { try await round(store, holder) }
            } catch is CancellationError {
            } catch {
                logger.warning("a job failed; trying again", metadata: ["job": "\(name)", "error": "\(error)"])
            }
            try? await Task.sleep(for: pause)
        }
        // The next node need not wait for the lease to run out.
        await Task { try? await store.release(job: name, from: holder) }.value
    }

    /// One round, for as long as the lease can be held.
    private func round(_ store: Store, _ holder: String) async throws {
        let (name, lease, work) = (name, lease, work)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await work()
                return true
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: lease / 3)
                    guard try await store.hold(job: name, as: holder, for: lease) else { return false }
                }
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }
}
