import Synchronization

/// Whether the process can serve, asked of the database once a second at most, however often strangers ask.
final class Readiness: Sendable {
    private struct Answer {
        var reason: String?
        var freshUntil = Int64.min
    }

    private static let lifetime: Int64 = 1_000_000_000
    private let ask: @Sendable () async -> String?
    private let last = Mutex(Answer())

    init(_ ask: @escaping @Sendable () async -> String?) {
        self.ask = ask
    }

    /// Why it cannot serve, nil when it can.
    func reason(at now: Int64) async -> String? {
        let known: Answer? = last.withLock { answer in
            guard answer.freshUntil <= now else { return answer }
            // Whoever comes meanwhile gets the answer before, so that a database that hangs is asked once.
            answer.freshUntil = answer.freshUntil == .min ? .min : now + Self.lifetime
            return nil
        }
        if let known { return known.reason }
        let reason = await ask()
        last.withLock { $0 = Answer(reason: reason, freshUntil: now + Self.lifetime) }
        return reason
    }
}
