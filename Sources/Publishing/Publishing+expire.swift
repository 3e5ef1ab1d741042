import Logging
public import Model
import Store

extension Publishing {
    /// Takes rows whose time of publicity has ended out of public view, of every dataset that has any.
    ///
    /// Any number of processes may do this at once: each dataset is locked meanwhile, and whoever comes second finds nothing left to do.
    ///
    /// - Returns: how many rows went.
    @discardableResult
    public func expireDue(at now: Timestamp = .now) async throws -> Int {
        var gone = 0
        for dataset in try await store.expiringDatasets(at: now, limit: 1000) {
            try Task.checkCancellation()
            do {
                gone += try await expire(dataset, at: now)
            } catch {
                // The others must not wait for it; nobody reads it until it goes well (`ReleasedDatasets`).
                logger.error("rows whose publicity has ended could not be taken out; trying again", metadata: ["dataset": "\(dataset)", "error": "\(error)"])
            }
        }
        return gone
    }

    /// Takes the rows of a dataset whose time of publicity has ended out of public view: all of them in one transaction, with one new version.
    ///
    /// - Returns: how many went.
    @discardableResult
    public func expire(_ dataset: String, at now: Timestamp = .now) async throws -> Int {
        let gone = try await store.withdraw(from: dataset) { withdrawing in
            let target = withdrawing.target
            guard target.state == .published, target.currentVersion != nil else { return 0 }
            let rows = try await withdrawing.endedRows(at: now)
            if !rows.isEmpty {
                try await Self.withdraw(Self.withdrawals(of: rows, from: dataset, source: target.currentWindow?.source, now), withdrawing, by: nil, now)
            }
            try await withdrawing.noteExpiry()
            return rows.count
        } ?? 0
        if gone > 0 { logger.notice("publicity ended", metadata: ["dataset": "\(dataset)", "rows": "\(gone)"]) }
        return gone
    }
}
