/// The path and the query of a request's address, as they came (RFC 9112 section 3.2.1).
struct RequestTarget {
    /// Still percent-encoded.
    let path: Substring
    /// Without its question mark; nil where there is none.
    let query: Substring?

    init(_ target: String) {
        let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        path = target[..<(mark ?? target.endIndex)]
        query = mark.map { target[target.utf8.index(after: $0)...] }
    }
}
