import NIOCore
import NIOHTTP1
import RateLimit

/// What kept answers and refusals look at in a request's head.
protocol HeadFields {
    var uri: String { get }
    var accept: String? { get }
    /// Whether `If-None-Match` names a tag.
    func names(_ tag: EntityTag) -> Bool
}

extension HTTPRequestHead: HeadFields {
    var accept: String? { headers.first(name: "accept") }
    func names(_ tag: EntityTag) -> Bool { headers.contains(name: "if-none-match") && headers["if-none-match"].contains { tag.isNamed(in: $0, weak: true) } }
}

extension PlainHead: HeadFields {
    func names(_ tag: EntityTag) -> Bool { tags.map { tag.isNamed(in: $0, weak: true) } ?? false }
}

// What is answered from the bytes as they came, ahead of the decoder: kept answers and refusals, which must cost next to nothing.
extension Connection {
    /// Takes a read that is one whole plain request, and answers it where that needs neither the router nor the database.
    ///
    /// - Returns: false where the decoder has to have the bytes. Of a plain request it then makes the same as here, so that the next read begins a request again;
    ///   behind anything else it may wait for more, and nothing is taken here any more.
    func answerPlain(_ bytes: ByteBuffer) -> Bool {
        guard isPlain else { return false }
        guard phase == .open, current == nil, !isBusy, !isQuiescing else { return leaveToDecoder() }
        // The same bytes ask for the same, so nothing of them has to be read.
        if let plainRefused, plainRefused.head == bytes, refuse(plainRefused) { return true }
        guard let head = PlainHead(bytes, limit: configuration.headerLimit, forwardedField: answerer.forwardedField) else { return leaveToDecoder() }
        guard head.uri.utf8.count <= configuration.uriLimit else { return false }
        if plainRefused != nil {
            plainRefused = asRefused(head, bytes)
            if let plainRefused, refuse(plainRefused) { return true }
            plainRefused = nil
        }
        beginHead()
        let exchange = gate.open(method: "GET", facts: head.facts, peer: peer, loop: loop)
        let current = Current(exchange: exchange, serial: serial, isHead: false, isOld: false, closes: false)
        current.isReceived = true
        self.current = current
        isReading = true
        if answerKept(head) || refuseAtOnce(head) {
            if let decision = exchange.decision, !decision.allowed, let refused = asRefused(head, bytes), refused.cost == exchange.cost { plainRefused = refused }
            return true
        }
        // Nothing was answered: the decoder goes on with the same request.
        self.current = nil
        opened = exchange
        return false
    }

    private func leaveToDecoder() -> Bool {
        isPlain = false
        plainRefused = nil
        return false
    }
}
