internal import Model

/// What an endpoint said to a message, or why it said nothing.
enum WebhookReply: Sendable, Hashable {
    /// - Parameter retryAfter: seconds.
    case answered(status: Int, retryAfter: Int?)
    case failed(WebhookFailure)
}

/// Why there was no answer, in the word that the endpoint's department sees.
enum WebhookFailure: String, Error, Sendable, Hashable {
    /// The name has no address.
    case unresolved
    /// Its address is none that may be connected to.
    case addressRefused = "address_refused"
    /// Plain HTTP to an address where that is not allowed.
    case insecure
    case unreachable, timeout
    /// The certificate, or the connection's encryption.
    case tls
    /// What came is not HTTP.
    case malformed
}

/// When a message is tried again, as a value: a reply goes in, what has to be done comes out.
struct WebhookSchedule: Sendable, Hashable {
    enum Outcome: Sendable, Hashable {
        case delivered
        /// - Parameters:
        ///   - next: when the message is tried again; nil where it is given up.
        ///   - resume: until when its endpoint is left alone.
        case failed(String, next: Timestamp?, resume: Timestamp)
        /// The endpoint is gone for good (RFC 9110 section 15.5.11).
        case gone
    }

    /// Seconds between attempts; the last one from then on.
    static let pauses: [Int64] = [5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800]
    /// An endpoint is asked again after an hour at the latest, since something newer may be taken.
    static let longestRest: Int64 = 3600
    /// Nothing waits longer than that: what does was written by a clock that went wrong.
    static let horizon: Int64 = 28800 + 3600
    /// How long a message is tried, in seconds.
    static let patience: Int64 = 3 * 86_400
    /// An endpoint that failed less often in a row has not been given its chance, whatever a clock says.
    static let leastFailures = 8

    /// What follows from a reply.
    ///
    /// - Parameters:
    ///   - attempts: of this message before.
    ///   - failures: of its endpoint in a row before.
    static func outcome(of reply: WebhookReply, attempts: Int, failures: Int, expiresAt: Timestamp, now: Timestamp) -> Outcome {
        let word: String
        var wanted: Int64 = 0
        switch reply {
        case .answered(200...299, _): return .delivered
        case .answered(410, _): return .gone
        case .answered(let status, let retryAfter):
            word = String(status)
            if status == 429 || status == 503 { wanted = min(Int64(retryAfter ?? 0), longestRest) }
        case .failed(let failure): word = failure.rawValue
        }
        let isOver = now >= expiresAt && failures + 1 >= leastFailures
        return .failed(word, next: isOver ? nil : later(now, max(pause(attempts), wanted)), resume: later(now, max(min(pause(failures), longestRest), wanted)))
    }

    private static func pause(_ count: Int) -> Int64 { pauses[min(max(0, count), pauses.count - 1)] }

    static func later(_ now: Timestamp, _ seconds: Int64) -> Timestamp { Timestamp(microseconds: now.microseconds + seconds * 1_000_000) }
}
