import Model
import NIOCore
import RateLimit

/// A plain request that was refused: as much of it as the next one is refused by.
struct PlainRefused {
    /// The head as it came: the same bytes ask for the same.
    let head: ByteBuffer
    let route: Route
    let cost: Int
    let client: ClientKey
    let language: Language
    /// The id that the client gave it.
    let id: String?
}
