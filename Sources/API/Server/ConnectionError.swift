/// Why a connection's answer or request body could not go on. Never shown to a client: it is gone.
enum ConnectionError: Error {
    /// The client closed the connection.
    case closed
    /// An answer was longer or shorter than it had said.
    case lengthMismatch
    /// A file ended before its slice.
    case fileTruncated
    /// Rows in a file have to leave public view.
    case expired
}
