internal import Logging
internal import Model
internal import Postgres

extension Store {
    /// What a caller is told about a failure of PostgreSQL; PostgreSQL's own words go to the log.
    ///
    /// Queries that expect a violation (a repeated key, a missing row) catch it before it gets here.
    func refusal(_ error: PostgresError) -> any Error {
        switch error.code {
        case .cancelled: return CancellationError()
        case .deadlineExceeded: return Self.timeout
        case .poolTimeout, .overloaded:
            logger.warning("database overloaded", metadata: ["error": "\(Self.words(error))"])
            return Self.overload
        case .closed: return Problem(.shuttingDown, zh: "服务器正在停止，请稍后重试", en: "the server is stopping; try again in a moment", retryAfter: 5)
        case .invalidParameter:
            return Problem(.malformedRequest, zh: "请求含有 NUL 字符", en: "the request contains a NUL character")
        default: break
        }
        if error.isConnectionFailure {
            logger.error("database unavailable", metadata: ["error": "\(Self.words(error))"])
            return Problem(.databaseUnavailable, zh: "数据库暂不可用，请稍后重试", en: "the database cannot be reached at the moment; try again", retryAfter: 5)
        }
        switch error.sqlState {
        case .queryCanceled?:
            logger.warning("statement timeout", metadata: ["error": "\(Self.words(error))"])
            return Self.timeout
        // Locks that stay taken, and transactions that stay in each other's way, are load.
        case .lockNotAvailable?, .serializationFailure?, .deadlockDetected?, .tooManyConnections?:
            logger.warning("database busy", metadata: ["error": "\(Self.words(error))"])
            return Self.overload
        // A release took a field away, or a withdrawal the rows, a moment before this node heard of it.
        case .undefinedColumn?, .undefinedTable?, .insufficientPrivilege?:
            logger.error("database changed under a statement", metadata: ["error": "\(Self.words(error))"])
            return Problem(
                .databaseUnavailable, zh: "数据资源正在变更，请稍后重试", en: "the dataset is being changed at this moment; try again", retryAfter: 1)
        // Text that PostgreSQL cannot hold.
        case .characterNotInRepertoire?, .untranslatableCharacter?:
            return Problem(.malformedRequest, zh: "请求含有无法存储的字符", en: "the request contains a character that cannot be stored")
        default:
            logger.error("database error", metadata: ["error": "\(Self.words(error))"])
            return Problem(.internalError, zh: "服务器内部错误，已记录", en: "internal error; it has been logged")
        }
    }

    /// What the log gets: not PostgreSQL's detail, which quotes whole rows.
    private static func words(_ error: PostgresError) -> String {
        var words = "\(error.code)"
        if let state = error.sqlState { words += " [\(state)]" }
        words += " " + error.message
        if let constraint = error.constraint { words += " constraint: \(constraint)" }
        if let sql = error.sql { words += " in: \(sql)" }
        return words
    }

    private static var timeout: Problem {
        Problem(.statementTimeout, zh: "查询超过时限；请缩小范围后重试", en: "the query took too long; narrow it and try again", retryAfter: 1)
    }

    private static var overload: Problem {
        Problem(.overloaded, zh: "服务器繁忙，请稍后重试", en: "the server is busy; try again in a moment", retryAfter: 1)
    }
}

extension SQLState {
    static let tooManyConnections = SQLState(rawValue: "53300")
    static let characterNotInRepertoire = SQLState(rawValue: "22021")
    static let untranslatableCharacter = SQLState(rawValue: "22P05")
}
