import HTTPTypes
import Model
import NIOCore
import NIOHTTP1
import RateLimit

// Refusals that need neither a task nor the router: who is over a limit must not cost what an answer costs.
extension Connection {
    enum Admission {
        case admitted
        /// It is answered.
        case refused
        /// It cannot be said without waiting.
        case undecided
    }

    /// Holds a request against its limits at once, and answers it when it is over them.
    func admits(_ exchange: Exchange, to route: Route, cost: Int) -> Admission {
        switch gate.admission(of: exchange, to: route, cost: cost) {
        case .admitted:
            return .admitted
        case .mustSettle:
            return .undecided
        case .overLimit(let decision):
            refuse(decision, route.action, cost: cost)
        case .noPlace:
            let document = ProblemDocument(gate.tooManyDownloads, exchange)
            sendWhole(document.status, document.headers, document.body)
        }
        return .refused
    }

    /// Answers a GET or HEAD whose client is over its limit before anything is done for it.
    ///
    /// - Returns: false when the request has to go on.
    func refuseAtOnce(_ head: some HeadFields) -> Bool {
        guard let exchange = current?.exchange, !exchange.isAdmitted else { return false }
        guard let asked = asked(head.uri) else { return false }
        // What is wrong with a key is the router's to say.
        guard (try? gate.identifyAtOnce(exchange)) ?? false else { return false }
        exchange.route = asked.route
        guard admits(exchange, to: asked.route, cost: asked.cost) == .refused else { return false }
        refused = asked
        return true
    }

    /// What a GET of an address is held against; nil where no route takes it.
    private func asked(_ uri: String) -> Asked? {
        if let refused, refused.uri == uri { return refused }
        let target = RequestTarget(uri)
        guard let route = answerer.routes.route("GET", target.path) else { return nil }
        return Asked(uri: uri, route: route, cost: route.cost(target.path, target.query))
    }

    private func refuse(_ decision: Decision, _ action: ActionClass, cost: Int) {
        guard let exchange = current?.exchange else { return }
        let name = RefusalText.Name(decision, action, cost: cost, exchange.language, idLength: exchange.id.utf8.count)
        let text: RefusalText
        if let known = loop.refusal(name) {
            text = known
        } else {
            text = RefusalText(name, ProblemDocument(Gate.overLimit(decision, action, cost: cost), exchange), exchange, gate, loop)
            loop.keep(text)
        }
        sendWhole(.tooManyRequests, [:], text.body, head: text.fixedHead, idAt: text.placeInBody)
    }

    // MARK: Who goes on asking while he is refused

    /// What a plain request is refused by; nil where no route takes it.
    func asRefused(_ head: PlainHead, _ bytes: ByteBuffer) -> PlainRefused? {
        let target = RequestTarget(head.uri)
        guard let route = answerer.routes.route("GET", target.path) else { return nil }
        return PlainRefused(
            // What was read into is used again for the next read.
            head: ByteBuffer(bytes: bytes.readableBytesView), route: route, cost: route.cost(target.path, target.query),
            client: ClientKey(address: gate.client(head.facts, peer)), language: LanguagePreference.language(head.facts.acceptLanguage), id: head.facts.requestID)
    }

    /// Refuses a plain request whose client is still over its limit.
    ///
    /// - Returns: false where it has to be looked at in the ordinary way: nothing was done for it, and nothing charged.
    func refuse(_ request: PlainRefused) -> Bool {
        let start = WallClock.nanoseconds, route = request.route
        guard let context, let decision = gate.limiter.refuses(request.cost, of: request.client, tier: .anonymous, action: route.action, at: start) else { return false }
        let id = request.id ?? loop.makeRequestID()
        guard let text = loop.refusal(.init(decision, route.action, cost: request.cost, request.language, idLength: id.utf8.count)) else { return false }
        beginHead()
        isReading = true
        context.write(wrapOutboundOut(.byteBuffer(text.answer(id, loop))), promise: nil)
        let end = WallClock.nanoseconds
        gate.finish(refusalOf: id, to: route, bytes: text.body.readableBytes, startedAt: start, at: end)
        flushSoon()
        next(at: end)
        return true
    }
}

/// An address, and what the limits hold it against.
struct Asked {
    let uri: String
    let route: Route
    let cost: Int
}
