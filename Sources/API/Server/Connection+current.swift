extension Connection {
    /// The request being answered, from its head until both it and its answer have ended. A class, since copying it would
    /// count references at every step.
    final class Current {
        let exchange: Exchange
        let serial: Int
        let isHead: Bool
        let isOld: Bool
        /// Whether the connection ends with this answer.
        var closes: Bool
        var expectsContinue: Bool
        /// Bytes of the body that the client announced, nil when it did not say.
        var announced: Int?
        var stream: RequestStream?
        var isReceived = false
        var task: Task<Void, Never>?

        var framing: Framing?
        var status = 0
        /// Bytes still owed under `Content-Length`.
        var owed = 0
        var sentBytes = 0
        var isAnswered = false
        /// Body bytes that came after the answer and were dropped.
        var dropped = 0

        init(exchange: Exchange, serial: Int, isHead: Bool, isOld: Bool, closes: Bool, expectsContinue: Bool = false, announced: Int? = nil) {
            self.exchange = exchange
            self.serial = serial
            self.isHead = isHead
            self.isOld = isOld
            self.closes = closes
            self.expectsContinue = expectsContinue
            self.announced = announced
        }
    }
}
