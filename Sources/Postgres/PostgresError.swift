/// What went wrong between this program and PostgreSQL, as a value.
///
/// `description` names the kind of failure and nothing else, so that it may be shown to strangers;
/// `debugDescription` adds the server's words and the statement, for the log.
public struct PostgresError: Error, Sendable {
    /// The kind of failure, whoever noticed it.
    public enum Code: Sendable, Hashable {
        /// The server refused the statement; `sqlState` says why.
        case server
        /// There is no connection, or it broke.
        case connectionFailure
        /// No pooled connection became free within the time limit.
        case poolTimeout
        /// Too many statements or callers are waiting already.
        case overloaded
        /// The Swift task was cancelled.
        case cancelled
        /// The caller's deadline passed.
        case deadlineExceeded
        /// The database was closed, or a connection was used after its closure had ended.
        case closed
        /// More than 65,535 parameters, the limit of the protocol.
        case tooManyParameters
        /// A parameter that PostgreSQL cannot hold, such as text with a NUL.
        case invalidParameter
        /// A value that cannot be read as the type that was asked for.
        case unreadableValue
        /// A column that the result does not have.
        case missingColumn
        /// The library was used, or answered, in a way that the protocol does not allow.
        case misuse
    }

    /// What the server said about it (PostgreSQL manual, 55.8).
    public struct ServerReport: Sendable, Hashable {
        public var severity = ""
        public var message = ""
        public var detail: String?
        public var hint: String?
        public var context: String?
        /// Position in the statement, in characters from 1.
        public var position: Int?
        public var schema: String?
        public var table: String?
        public var column: String?
        public var constraint: String?
    }

    private final class Storage: Sendable {
        let code: Code
        let sqlState: SQLState?
        let report: ServerReport?
        let message: String
        let sql: String?
        init(code: Code, sqlState: SQLState?, report: ServerReport?, message: String, sql: String?) {
            (self.code, self.sqlState, self.report, self.message, self.sql) = (code, sqlState, report, message, sql)
        }
    }

    // One reference, so that a `Result<_, PostgresError>` stays small on the hot path.
    private let storage: Storage

    init(_ code: Code, _ message: String, sqlState: SQLState? = nil, report: ServerReport? = nil, sql: String? = nil) {
        storage = Storage(code: code, sqlState: sqlState, report: report, message: message, sql: sql)
    }

    public var code: Code { storage.code }
    /// The server's SQLSTATE; nil when the failure did not come from the server.
    public var sqlState: SQLState? { storage.sqlState }
    /// The server's own words; not for strangers.
    public var server: ServerReport? { storage.report }
    /// The failure in words, with internals; not for strangers.
    public var message: String { storage.message }
    /// The text of the statement, without its values; not for strangers.
    public var sql: String? { storage.sql }
    /// The constraint that was violated, where one was.
    public var constraint: String? { storage.report?.constraint }

    func with(sql: String) -> PostgresError {
        storage.sql != nil ? self : PostgresError(code, message, sqlState: sqlState, report: server, sql: sql)
    }

    func with(code: Code) -> PostgresError {
        PostgresError(code, message, sqlState: sqlState, report: server, sql: sql)
    }
}

extension PostgresError {
    public var isUniqueViolation: Bool { sqlState == .uniqueViolation }
    public var isForeignKeyViolation: Bool { sqlState == .foreignKeyViolation }
    public var isCheckViolation: Bool { sqlState == .checkViolation }
    public var isNotNullViolation: Bool { sqlState == .notNullViolation }
    public var isLockNotAvailable: Bool { sqlState == .lockNotAvailable }
    public var isUndefinedTable: Bool { sqlState == .undefinedTable }
    public var isInsufficientPrivilege: Bool { sqlState == .insufficientPrivilege }

    /// The statement was stopped: by the caller, by a deadline or by the server's statement timeout.
    public var isQueryCanceled: Bool { sqlState == .queryCanceled || code == .cancelled || code == .deadlineExceeded }

    /// The same transaction may succeed when it is run again (SQLSTATE 40001 and 40P01).
    public var isRetryable: Bool { sqlState == .serializationFailure || sqlState == .deadlockDetected }

    /// The server cannot be reached, went away, or is starting or stopping.
    public var isConnectionFailure: Bool {
        if code == .connectionFailure { return true }
        guard let sqlState else { return false }
        return sqlState.conditionClass == "08"
            || [.adminShutdown, .crashShutdown, .cannotConnectNow].contains(sqlState)
    }

    /// Nothing is wrong with the request: the same call may succeed a little later.
    public var isTemporary: Bool { isConnectionFailure || code == .poolTimeout || code == .overloaded }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Safe for strangers: the kind of failure, nothing that the server said.
    public var description: String {
        switch code {
        case .server: "The database refused the statement\(sqlState.map { " (SQLSTATE \($0))" } ?? "")."
        case .connectionFailure: "The database cannot be reached."
        case .poolTimeout: "No database connection became free in time."
        case .overloaded: "Too many database statements are waiting."
        case .cancelled: "The database statement was cancelled."
        case .deadlineExceeded: "The database statement did not finish in time."
        case .closed: "The database connection is closed."
        case .tooManyParameters: "The statement has too many parameters."
        case .invalidParameter: "A value cannot be stored by the database."
        case .unreadableValue: "A value from the database could not be read."
        case .missingColumn: "A column is missing from a result."
        case .misuse: "The database was used wrongly."
        }
    }

    /// Everything that is known, for the log.
    public var debugDescription: String {
        var parts = ["PostgresError \(code)"]
        if let sqlState { parts.append("[\(sqlState)]") }
        parts.append(message)
        if let detail = server?.detail { parts.append("detail: \(detail)") }
        if let hint = server?.hint { parts.append("hint: \(hint)") }
        if let context = server?.context { parts.append("context: \(context)") }
        if let constraint { parts.append("constraint: \(constraint)") }
        if let position = server?.position { parts.append("at character \(position)") }
        if let sql { parts.append("in: \(sql)") }
        return parts.joined(separator: " ")
    }
}
