/// What arrives on a channel that is listened to.
public enum Notification: Sendable, Hashable {
    /// A `NOTIFY` was committed.
    case message(channel: String, payload: String)
    /// The connection was lost and is listening again, or the reader was too slow: notifications may have been missed,
    /// so whatever they keep fresh has to be read anew. Also the first element, once listening has begun.
    case reconnected
    /// All that was committed before this moment has come: the server answered a question that was asked then. Only where such questions were wanted.
    case upToDate(ContinuousClock.Instant)
}
