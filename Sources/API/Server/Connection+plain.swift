import NIOCore
import RateLimit

// What is read from the bytes as they came, ahead of the decoder: nearly all requests, which must cost next to nothing.
extension Connection {
    /// Takes a read that is one whole plain request.
    ///
    /// - Returns: false where the decoder has to have the bytes. It may then wait for more, and nothing is taken here any more.
    func takePlain(_ bytes: ByteBuffer) -> Bool {
        guard isPlain else { return false }
        guard phase == .open, current == nil, !isBusy, !isQuiescing else { return leaveToDecoder() }
        // The same bytes ask for the same, so nothing of them has to be read.
        if let plainRefused, plainRefused.head == bytes, refuse(plainRefused) { return true }
        guard let head = PlainHead(bytes, limit: configuration.headerLimit, forwardedField: answerer.forwardedField), head.uri.utf8.count <= configuration.uriLimit else {
            return leaveToDecoder()
        }
        if let former = plainRefused {
            plainRefused = asRefused(head, after: former)
            if let plainRefused, refuse(plainRefused) { return true }
            plainRefused = nil
        }
        beginHead()
        let exchange = gate.open(method: "GET", facts: head.facts, peer: peer, loop: loop)
        let current = Current(exchange: exchange, serial: serial, isHead: false, isOld: false, closes: false)
        current.isReceived = true
        self.current = current
        isReading = true
        if answerAtOnce(head) {
            if let decision = exchange.decision, !decision.allowed { plainRefused = asRefused(head, exchange) }
        } else {
            answerByRouter(head.whole.decoded)
        }
        return true
    }

    private func leaveToDecoder() -> Bool {
        isPlain = false
        plainRefused = nil
        return false
    }
}
