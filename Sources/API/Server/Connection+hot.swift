import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1

extension Connection {
    /// Offers a GET to the hot routes.
    /// - Returns: false when the router has to answer.
    func answerHot(_ head: HTTPRequestHead) -> Bool {
        guard !answerer.hotRoutes.isEmpty, let current else { return false }
        let uri = head.uri
        let end = uri.utf8.firstIndex(of: UInt8(ascii: "?")) ?? uri.endIndex
        let path = uri[..<end]
        let query = end == uri.endIndex ? nil : uri[uri.utf8.index(after: end)...]
        for (hot, route) in answerer.hotRoutes {
            guard let work = hot.match(path: path, query: query) else { continue }
            let exchange = current.exchange
            // What is wrong with a key is the router's to say.
            guard (try? gate.identifyAtOnce(exchange)) ?? false else { return false }
            exchange.route = route
            do {
                guard try gate.admitAtOnce(exchange, to: route, cost: work.cost) else { return false }
            } catch {
                let document = ProblemDocument(gate.problem(for: error, exchange), exchange)
                sendWhole(document.status, document.headers, document.body)
                return true
            }
            let serial = current.serial, eventLoop = eventLoop
            let reply = HotReply { outcome in
                if eventLoop.inEventLoop {
                    self.take(outcome, serial, head)
                } else {
                    eventLoop.execute { self.take(outcome, serial, head) }
                }
            }
            work.answer(HotRequest(headers: head.headers, identity: exchange.identity, eventLoop: eventLoop), reply)
            return true
        }
        return false
    }

    private func take(_ outcome: HotReply.Outcome, _ serial: Int, _ head: HTTPRequestHead) {
        guard current?.serial == serial, current?.framing == nil, phase == .open else { return }
        switch outcome {
        case .answer(let status, let fields, let body):
            gate.metrics.hot.add(0, 1)
            if status == .ok, let exchange = current?.exchange, let route = exchange.route { gate.keep(fields, body, exchange, route) }
            sendWhole(status, fields, body)
        case .pass:
            answerByRouter(head)
        }
    }
}
