import Foundation
import Ledger
public import Model
public import Store

extension Mirror {
    /// Withdraws what came from a node that is followed no more, and deletes its rows. Each dataset leaves a tombstone here and a leaf in this node's ledger, as when its
    /// home withdraws it; what was broken off goes on when it is called again.
    ///
    /// - Parameters:
    ///   - node: removed before, so that nothing of it comes any more.
    ///   - reason: what the tombstones say.
    ///   - told: called with each dataset that is done, and whether it stood until now.
    /// - Throws: a `Problem` where the database does not answer, or somebody reads the rows for longer than is waited for.
    public static func withdrawCopies(of node: HomeNode, reason: LocalizedText, store: Store, told: (_ dataset: String, _ stood: Bool) -> Void) async throws {
        for dataset in try await store.mirroredDatasets(of: node.id) {
            // Withdrawn first, for everybody at once; then nobody begins to read what is deleted.
            let stood = try await store.mirror(dataset, of: node.id, isOver: true) { mirroring -> Bool? in
                if mirroring.target.state == .withdrawn { return false }
                // Of what has no version yet nobody sees anything.
                guard mirroring.target.currentVersion != nil else { return nil }
                let withdrawal = Withdrawal(
                    id: UUID().uuidString.lowercased(), dataset: dataset, subject: .dataset, version: nil, keys: [], reason: reason, reasonCode: .other, legalBasis: nil, withdrawnAt: .now)
                _ = try await mirroring.withdraw(withdrawal, rows: [], entry: .withdrawal(withdrawal))
                return true
            }
            guard let stood = stood ?? nil else { continue }
            _ = try await store.mirror(dataset, of: node.id, isOver: true) { try await $0.deleteRows() }
            told(dataset, stood)
        }
    }
}
