internal import Model

/// When a witness is asked again: at once while it agrees, ever more seldom while it does not.
struct WitnessPatience {
    private var failures = 0
    private var resumes = ContinuousClock.Instant.now

    func isOver(at now: ContinuousClock.Instant) -> Bool { now >= resumes }

    /// Whether it signed the last time: whoever did is waited for a little, so that all sign the same heads.
    var isTrusted: Bool { failures == 0 }

    mutating func succeeded() { failures = 0 }

    /// - Parameters:
    ///   - retryAfter: seconds that the witness asked for.
    ///   - chance: 0 to 1, so that many servers do not come back at once.
    mutating func failed(_ reason: WitnessStanding.Reason, retryAfter: Int?, at now: ContinuousClock.Instant, longest: Duration, chance: Double) {
        failures += 1
        let doubled = Duration.seconds(1 << min(failures - 1, 12))
        let pause = max(min(doubled, longest) * (0.75 + chance / 2), .seconds(min(retryAfter ?? 0, 3600)))
        resumes = now + pause
    }
}
