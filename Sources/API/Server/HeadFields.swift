import NIOCore
import NIOHTTP1

/// What answers without the router look at in a request's head.
protocol HeadFields {
    var uri: String { get }
    /// The media types that the client takes, of all fields that name some; nil where there are none.
    var accept: String? { get }
    /// Value of `If-None-Match`, of all fields of that name; nil where there are none.
    var tags: String? { get }
    /// The head for whoever needs all of it, and not at once.
    var whole: WholeHead { get }
}

extension HeadFields {
    /// Whether `If-None-Match` names a tag.
    func names(_ tag: EntityTag) -> Bool { tags.map { tag.isNamed(in: $0, weak: true) } ?? false }
}

extension HTTPRequestHead: HeadFields {
    var accept: String? { headers.list("accept") }
    var tags: String? { headers.list("if-none-match") }
    var whole: WholeHead { .decoded(self) }
}

extension PlainHead: HeadFields {
    var whole: WholeHead { .plain(ByteBuffer(bytes: bytes.readableBytesView)) }
}

/// A whole head, made into fields only where somebody asks for them.
enum WholeHead {
    case decoded(HTTPRequestHead)
    /// What a ``PlainHead`` was read from.
    case plain(ByteBuffer)

    var decoded: HTTPRequestHead {
        switch self {
        case .decoded(let head): head
        case .plain(let bytes): PlainHead.decoded(bytes)
        }
    }
}

extension HTTPHeaders {
    /// The values of a field whose value is a list, as one (RFC 9110 section 5.3).
    fileprivate func list(_ name: String) -> String? {
        guard contains(name: name) else { return nil }
        return self[name].joined(separator: ", ")
    }
}
