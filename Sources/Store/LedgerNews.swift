internal import NIOConcurrencyHelpers
internal import Postgres

/// Tells everybody that something waits for its place in the ledger, once for all that was entered within a moment.
///
/// A transaction that notifies holds a lock of the whole server while it commits, so that a thousand a second would wait for one another's writes to the disk. What is told here is told
/// after the commit; when the process dies in between, the notary's beat finds it.
final class LedgerNews: Sendable {
    private let isScheduled = NIOLockedValueBox(false)

    func tell(_ writer: Database) {
        let isFirst = isScheduled.withLockedValue { isScheduled in
            defer { isScheduled = true }
            return !isScheduled
        }
        guard isFirst else { return }
        Task {
            try? await Task.sleep(for: .milliseconds(10))
            isScheduled.withLockedValue { $0 = false }
            _ = try? await writer.execute("SELECT pg_notify(\(Connection.ledgerChannel, as: .text), '')")
        }
    }
}
