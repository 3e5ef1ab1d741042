internal import Logging
public import Model
internal import Store
internal import WorkCalendar

extension Sharing {
    /// Lets clocks and terms run out; to be called every now and then. Each request is locked while it is looked at, so that any number of nodes may do it. What
    /// fails is logged and tried again the next time.
    public func sweep(at now: Timestamp) async {
        do {
            try await runDue(at: now)
            try await settleClocks()
            try await runDueCorrections(at: now)
            try await store.forgetShareClaims()
            try await store.forgetNonces()
            try await store.forgetPasses()
            try await store.forgetSealedFiles()
        } catch is CancellationError {
        } catch {
            logger.warning("upkeep of the exchange failed", metadata: ["error": "\(error)"])
        }
    }

    /// Takes the events of clocks that ran out and of terms that came to their end.
    func runDue(at now: Timestamp) async throws {
        let calendar = try await calendar()
        for id in try await store.dueShareRequests(at: now, limit: 200) {
            do {
                try await runDue(id, at: now, calendar)
            } catch let problem as Problem where problem.code.status < 500 {
                // Another node was quicker.
                logger.notice("a clock of the exchange was not taken", metadata: ["request": "\(id)", "code": "\(problem.code.rawValue)"])
            }
        }
    }

    private func runDue(_ id: String, at now: Timestamp, _ calendar: WorkCalendar) async throws {
        _ = try await store.changeShareRequest(id) { change in
            if let clock = change.request.clock, clock.dueAt < now {
                try await self.take(ShareDecision(.overdue), in: change, department: nil, key: nil, calendar: calendar, now: now)
            }
            if let grant = try await change.grant(), grant.terms.until <= now {
                try await self.take(ShareDecision(.expired), in: change, department: nil, key: nil, calendar: calendar, now: now)
            }
        }
    }

    /// Computes due times anew that counted days whose holidays were not announced.
    func settleClocks() async throws {
        let calendar = try await calendar()
        for id in try await store.provisionalShareRequests(limit: 200) {
            guard let clock = try await store.shareRequest(id)?.clock else { continue }
            let anew = configuration.clocks.start(clock.name, at: clock.startedAt, calendar)
            if anew != clock { try await store.moveClock(of: id, to: anew) }
        }
    }
}
