import HTTPTypes
import Hummingbird
import Model
import NIOCore

extension Connection {
    /// Offers a GET that its limits let through to the hot routes.
    /// - Returns: false when the router has to answer.
    func answerHot(_ head: some HeadFields) -> Bool {
        guard !answerer.hotRoutes.isEmpty, let current else { return false }
        let exchange = current.exchange
        guard exchange.isAdmitted, let route = exchange.route else { return false }
        let target = RequestTarget(head.uri)
        for (hot, ofRecord) in answerer.hotRoutes where ofRecord === route {
            guard let work = hot.match(path: target.path, query: target.query) else { return false }
            let serial = current.serial, eventLoop = eventLoop, whole = head.whole
            let reply = HotReply { outcome in
                if eventLoop.inEventLoop {
                    self.take(outcome, serial, whole)
                } else {
                    eventLoop.execute { self.take(outcome, serial, whole) }
                }
            }
            work.answer(HotRequest(accept: head.accept, tags: head.tags, identity: exchange.identity, eventLoop: eventLoop), reply)
            return true
        }
        return false
    }

    private func take(_ outcome: HotReply.Outcome, _ serial: Int, _ head: WholeHead) {
        guard current?.serial == serial, current?.framing == nil, phase == .open else { return }
        switch outcome {
        case .answer(let status, let fields, let body):
            gate.metrics.hot.add(0, 1)
            if status == .ok || status == .notModified, let exchange = current?.exchange, let route = exchange.route {
                gate.keep(fields, status == .ok ? body : nil, exchange, route)
            }
            sendWhole(status, fields, body)
        case .pass:
            answerByRouter(head.decoded)
        }
    }
}
