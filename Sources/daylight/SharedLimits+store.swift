import API
import Foundation
import Store

extension API.SharedLimits {
    /// Limits shared through the database by all processes that serve from it.
    init(_ store: Store) {
        let node = UUID().uuidString.lowercased()
        self.init(
            beat: { try await store.nodeLives(node) },
            leave: { try await store.nodeLeaves(node) },
            settle: { try await store.settle($0) },
            sweep: { try await store.sweepSharedLimits() },
            add: { try await store.add($0.map { KeyUsage(keyID: $0.keyID, action: $0.action, requests: $0.requests, units: $0.units, refused: $0.refused) }) },
            usage: {
                try await store.usage(ofKey: $0).map {
                    API.Usage(keyID: $0.keyID, action: $0.action, requests: $0.requests, units: $0.units, refused: $0.refused)
                }
            }
        )
    }
}
