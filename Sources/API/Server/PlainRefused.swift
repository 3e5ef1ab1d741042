import Model
import NIOCore
import RateLimit

/// A plain request that was refused: as much of it as the next one is refused by.
struct PlainRefused {
    /// The head as it came: the same bytes ask for the same.
    let head: ByteBuffer
    let route: Route
    let cost: Int
    let asker: Asker
    let language: Language
    /// The id that the client gave it.
    let id: String?

    /// Who asked, as it was found out.
    struct Asker {
        /// Text of the key; nil for a stranger.
        let credential: Substring?
        let address: IPAddress
        let identity: Identity
        /// Until when that counts, monotonic nanoseconds: a key may be revoked.
        let end: Int64
        let client: ClientKey

        init(credential: Substring?, address: IPAddress, identity: Identity, end: Int64) {
            (self.credential, self.address, self.identity, self.end) = (credential, address, identity, end)
            client = identity.clientKey(at: address)
        }
    }
}
