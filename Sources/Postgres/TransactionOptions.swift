/// How a transaction runs.
public struct TransactionOptions: Sendable, Hashable {
    public enum Isolation: String, Sendable {
        case readCommitted = "READ COMMITTED"
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"
    }

    /// Nil leaves it to the server's default.
    public var isolation: Isolation?
    public var readOnly: Bool
    /// With serializable and read-only: waits for a snapshot that cannot fail (PostgreSQL manual, SET TRANSACTION).
    public var deferrable: Bool
    /// How often the closure may be run again after a serialization failure or a deadlock (SQLSTATE 40001, 40P01).
    ///
    /// Zero unless asked for, because only the caller knows whether the closure may run twice.
    public var retries: Int

    public init(isolation: Isolation? = nil, readOnly: Bool = false, deferrable: Bool = false, retries: Int = 0) {
        (self.isolation, self.readOnly, self.deferrable, self.retries) = (isolation, readOnly, deferrable, retries)
    }

    var begin: String {
        var words = ["BEGIN"]
        if let isolation { words.append("ISOLATION LEVEL \(isolation.rawValue)") }
        if readOnly { words.append("READ ONLY") }
        if deferrable { words.append("DEFERRABLE") }
        return words.joined(separator: " ")
    }
}
