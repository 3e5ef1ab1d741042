/// When a connection's patience ends, in monotonic nanoseconds; `Int64.max` for never. A value: the connection acts on it.
struct Deadlines {
    /// What has run out.
    enum Event: Equatable { case attention, body, write, linger }

    /// For a request to begin, and once it has, for its head to be whole.
    var attention = Int64.max
    /// Whether ``attention`` is already that of a head that has begun.
    var isHeadTimed = false
    /// For the body to get on.
    var body = Int64.max
    /// For the client to take what was written.
    var write = Int64.max
    /// For a connection that is as good as closed.
    var linger = Int64.max

    private(set) var bodyMark = 0
    private(set) var writeMark = 0

    /// The next of them.
    var next: Int64 { min(min(attention, body), min(write, linger)) }

    mutating func watchBody(from bytes: Int, until deadline: Int64) {
        bodyMark = bytes
        body = deadline
    }

    mutating func watchWrites(from bytes: Int, until deadline: Int64) {
        writeMark = bytes
        write = deadline
    }

    /// The first that has run out; it is then off until it is set again.
    mutating func expired(at now: Int64) -> Event? {
        if linger <= now {
            linger = .max
            return .linger
        }
        if write <= now {
            write = .max
            return .write
        }
        if body <= now {
            body = .max
            return .body
        }
        if attention <= now {
            attention = .max
            return .attention
        }
        return nil
    }
}
