/// What arrives on a channel that is listened to.
public enum Notification: Sendable, Hashable {
    /// A `NOTIFY` was committed.
    case message(channel: String, payload: String)
    /// The connection was lost and is listening again, or the reader was too slow: notifications may have been missed,
    /// so whatever they keep fresh has to be read anew. Also the first element, once listening has begun.
    case reconnected
}
