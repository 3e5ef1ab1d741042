/// One thing that happened to something with a lifecycle, such as a request or a correction. Never changed, never deleted.
public struct LifecycleEvent<State: Sendable & Hashable & Codable>: Sendable, Hashable, Codable {
    /// Its place in the history, from 1.
    public var number: Int
    /// The word of the decision, or of what the clock or a delivery did.
    public var event: String
    /// Where it has stood since.
    public var state: State
    /// On whose behalf; nil for the clock's and for a reader's.
    public var department: String?
    public var note: String?
    public var at: Timestamp

    public init(number: Int, event: String, state: State, department: String?, note: String?, at time: Timestamp) {
        self.number = number
        self.event = event
        self.state = state
        self.department = department
        self.note = note
        at = time
    }
}
