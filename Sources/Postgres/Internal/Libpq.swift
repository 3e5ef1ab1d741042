import CLibpq

/// What every connection of a database is opened with.
struct ConnectionParameters: Sendable {
    private let keywords: [String]
    private let values: [String]

    /// - Parameter settings: further settings of the session, which win over the configuration's.
    /// - Throws: `PostgresError` when libpq cannot parse the URL. Its words are left out, for they may hold a password.
    init(_ configuration: Database.Configuration, settings: [(name: String, value: String)] = []) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(configuration.url, &message) else {
            PQfreemem(message)
            throw PostgresError(.misuse, "the connection string cannot be parsed (PostgreSQL manual, 34.1.1)")
        }
        defer { PQconninfoFree(parsed) }
        var options: [String] = []
        var option = parsed
        while let keyword = option.pointee.keyword {
            if String(cString: keyword) == "options", let value = option.pointee.val { options.append(String(cString: value)) }
            option += 1
        }
        // The spelling of values must not depend on how the server or the role is set up.
        let fixed = [("DateStyle", "ISO"), ("TimeZone", "UTC"), ("IntervalStyle", "iso_8601"), ("bytea_output", "hex")]
        let all = fixed.map { (name: $0.0, value: $0.1) } + configuration.sessionSettings + settings
        options += all.map { "-c \($0.name)=\(Self.escaped($0.value))" }

        let before = [
            ("connect_timeout", String(max(1, configuration.connectTimeout.components.seconds))),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"), ("fallback_application_name", configuration.applicationName),
        ]
        // libpq lets later words win: the URL over the defaults before it, what we rely on over the URL.
        let pairs = before + [("dbname", configuration.url), ("client_encoding", "UTF8"), ("options", options.joined(separator: " "))]
        keywords = pairs.map(\.0)
        values = pairs.map(\.1)
    }

    /// In `options`, spaces separate and a backslash escapes (PostgreSQL manual, 34.1.2).
    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value {
            if character == " " || character == "\\" { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }

    /// Connects; blocks the thread, up to the connect timeout for each host.
    func connect() throws(PostgresError) -> OpaquePointer {
        let connection = withCStrings(keywords) { keywords in
            withCStrings(values) { values in PQconnectdbParams(keywords, values, 1) }
        }
        guard let connection else { throw PostgresError(.connectionFailure, "out of memory while connecting") }
        guard PQstatus(connection) == CONNECTION_OK else {
            let error = PostgresError(connection: connection)
            PQfinish(connection)
            throw error
        }
        // libpq's own processor prints notices to standard error.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        return connection
    }
}

/// Calls the body with a NULL-terminated array of C strings.
private func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    let bytes = strings.map { Array($0.utf8CString) }
    return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: strings.count + 1) { pointers in
        let flat = bytes.flatMap { $0 }
        return flat.withUnsafeBufferPointer { buffer in
            var offset = 0
            for index in bytes.indices {
                pointers.initializeElement(at: index, to: buffer.baseAddress! + offset)
                offset += bytes[index].count
            }
            pointers.initializeElement(at: strings.count, to: nil)
            return body(UnsafePointer(pointers.baseAddress!))
        }
    }
}

extension PostgresError {
    /// The connection's last error.
    init(connection: OpaquePointer) {
        let message = String(cString: PQerrorMessage(connection))
        self.init(.connectionFailure, message.isEmpty ? "the server closed the connection" : trimmed(message))
    }

    /// The error that a failed result reports.
    init(result: OpaquePointer, sql: String?) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        guard let state = field("C") else {
            // Without a SQLSTATE it is libpq that speaks: the connection broke, or a call came in the wrong state.
            self.init(.connectionFailure, trimmed(String(cString: PQresultErrorMessage(result))), sql: sql)
            return
        }
        let report = ServerReport(
            severity: field("V") ?? field("S") ?? "", message: field("M") ?? "", detail: field("D"), hint: field("H"), context: field("W"),
            position: field("P").flatMap(Int.init), schema: field("s"), table: field("t"), column: field("c"),
            constraint: field("n"))
        self.init(.server, report.message, sqlState: SQLState(rawValue: state), report: report, sql: sql)
    }
}

private func trimmed(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline).joined(separator: " ")
}
