import NIOCore
import RateLimit

// What is read from the bytes as they came, ahead of the decoder: nearly all requests, which must cost next to nothing.
extension Connection {
    /// Takes the plain requests that a read begins with, as far as they can be answered at once and the answers go out.
    ///
    /// - Returns: what the decoder has to have, nil for nothing. It may then wait for more, and nothing is taken here any more.
    func takePlain(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard isPlain else { return bytes }
        var rest = bytes
        while takeOne(&rest) { if rest.readableBytes == 0 { return nil } }
        isPlain = false
        plainRefused = nil
        return rest
    }

    private func takeOne(_ bytes: inout ByteBuffer) -> Bool {
        guard phase == .open, current == nil, !isBusy, !isQuiescing, context?.channel.isWritable ?? false else { return false }
        // The same bytes ask for the same, so nothing of them has to be read.
        if let plainRefused, bytes.getSlice(at: bytes.readerIndex, length: plainRefused.head.readableBytes) == plainRefused.head, refuse(plainRefused) {
            bytes.moveReaderIndex(forwardBy: plainRefused.head.readableBytes)
            return true
        }
        guard let head = PlainHead(bytes, limit: configuration.headerLimit, forwardedField: answerer.forwardedField), head.uri.utf8.count <= configuration.uriLimit else { return false }
        bytes.moveReaderIndex(forwardBy: head.bytes.readableBytes)
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
}
