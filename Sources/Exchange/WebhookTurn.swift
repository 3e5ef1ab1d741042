internal import Model
internal import Store

/// An endpoint's turn, as a value: what was heard goes in, what has to be done comes out.
///
/// The first message goes alone: whoever hangs or is gone gets no more than that. Once something is taken, several go at a time, since their order is not promised. The first that is
/// not taken ends the turn; what is on its way then is waited for.
struct WebhookTurn {
    enum Action: Equatable {
        case send(OutgoingMessage)
        /// Note that these were taken.
        case note([String])
    }

    /// A message that was not taken.
    typealias Failure = (message: String, word: String, next: Timestamp?, resume: Timestamp)

    private let failures: Int
    private let width: Int
    private var waiting: ArraySlice<OutgoingMessage>
    private var room = 1
    private var sending = 0
    private var taken: [String] = []
    private var isNoting = false
    private var hasTaken = false
    private var isOver = false
    /// What was not taken; noted at the end.
    private(set) var failed: [Failure] = []
    /// Whether the endpoint is gone for good.
    private(set) var isGone = false

    /// - Parameters:
    ///   - failures: of the endpoint in a row before.
    ///   - width: messages at a time, once the first is taken.
    init(_ messages: [OutgoingMessage], failures: Int, width: Int) {
        (waiting, self.failures, self.width) = (messages[...], failures, width)
    }

    /// What is to be done now.
    mutating func actions() -> [Action] {
        var actions: [Action] = []
        while !isOver, sending < room, let message = waiting.popFirst() {
            actions.append(.send(message))
            sending += 1
        }
        // What is taken while something is being noted is noted together.
        if !isNoting, !taken.isEmpty {
            actions.append(.note(taken))
            (taken, isNoting) = ([], true)
        }
        return actions
    }

    mutating func heard(_ reply: WebhookReply, to message: OutgoingMessage, at now: Timestamp) {
        sending -= 1
        switch WebhookSchedule.outcome(of: reply, attempts: message.attempts, failures: hasTaken ? 0 : failures, expiresAt: message.expiresAt, now: now) {
        case .delivered:
            taken.append(message.id)
            hasTaken = true
            room = min(room * 2, width)
        case .failed(let word, let next, let resume):
            failed.append((message.id, word, next, resume))
            isOver = true
        case .gone: (isGone, isOver) = (true, true)
        }
    }

    /// - Parameter stands: whether the endpoint is still what it was.
    mutating func noted(stands: Bool) {
        isNoting = false
        if !stands { isOver = true }
    }

    /// Sends nothing more.
    mutating func end() { isOver = true }
}
