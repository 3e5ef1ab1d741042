import Model
import NIOCore
import RateLimit

/// A refusal as it is written: those of one name differ in nothing but the request's id and the date. Confined to one loop.
final class RefusalText {
    /// What the text depends on.
    struct Name: Hashable {
        let action: ActionClass
        let limit: Limit
        let cost: Int
        let retryAfter: Int
        let remaining: Int
        let language: Language
        let idLength: Int

        init(_ decision: Decision, _ action: ActionClass, cost: Int, _ language: Language, idLength: Int) {
            (self.action, limit, self.cost, self.language, self.idLength) = (action, decision.limit, cost, language, idLength)
            (retryAfter, remaining) = (decision.retryAfter, decision.remaining)
        }
    }

    let name: Name
    /// The part of the head that is the same for every request.
    let fixedHead: ByteBuffer
    let body: ByteBuffer
    /// Where the request's id stands in the body; nil where it does not.
    let placeInBody: Int?

    /// Head and body on a connection that goes on. Written over for each request: nobody holds it any more once it is on the wire, and then nothing is copied.
    private var whole: ByteBuffer
    private let datePlace: Int
    private let idPlaces: [Int]

    /// - Parameters:
    ///   - name: what the text depends on.
    ///   - document: what is said.
    ///   - exchange: a request that is refused so.
    init(_ name: Name, _ document: ProblemDocument, _ exchange: Exchange, _ gate: Gate, _ loop: LoopState) {
        self.name = name
        var head = ByteBufferAllocator().buffer(capacity: 2048)
        gate.writeFixedHead(document.status, document.headers, .length(document.body.readableBytes), into: &head)
        fixedHead = head
        body = document.body
        // The id alone may be a word of the message.
        placeInBody = Self.end(of: ProblemDocument.instance(exchange.id), in: document.body).map { $0 - exchange.id.utf8.count }
        datePlace = head.writerIndex
        gate.writeOwnHead(closes: false, exchange, loop, into: &head)
        let placeInHead = Self.end(of: Gate.idField, in: head)
        idPlaces = [placeInHead, placeInBody.map { head.writerIndex + $0 }].compactMap { $0 }
        head.writeImmutableBuffer(document.body)
        whole = head
    }

    private static func end(of text: String, in bytes: ByteBuffer) -> Int? { bytes.readableBytesView.firstRange(of: text.utf8)?.upperBound }

    /// The answer to another request.
    ///
    /// - Parameter id: its id, of the length that the name says.
    func answer(_ id: String, _ loop: LoopState) -> ByteBuffer {
        whole.setBuffer(loop.dateLine, at: datePlace)
        for place in idPlaces { whole.setString(id, at: place) }
        return whole
    }
}
