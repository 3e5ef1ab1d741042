import HTTPTypes
import Model
import NIOCore
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
        case .cutOff(let decision):
            send(ProblemDocument(Gate.cutOff(decision), exchange))
        case .noPlace:
            send(ProblemDocument(gate.tooManyDownloads, exchange))
        }
        return .refused
    }

    private func send(_ document: ProblemDocument) { sendWhole(document.status, document.headers, document.body) }

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

    /// What a plain request is refused by; nil where no route takes it, or it was refused for more than its address tells.
    func asRefused(_ head: PlainHead, _ exchange: Exchange) -> PlainRefused? {
        guard let end = gate.keys.end(of: exchange.identity) else { return nil }
        let asker = PlainRefused.Asker(credential: head.facts.credentialText, address: exchange.client, identity: exchange.identity, end: end)
        return asRefused(head, asker).flatMap { $0.cost == exchange.cost ? $0 : nil }
    }

    /// What a plain request of him who was refused before is refused by; nil where it may be of another.
    func asRefused(_ head: PlainHead, after former: PlainRefused) -> PlainRefused? {
        let address = gate.client(head.facts, peer), credential = head.facts.credentialText
        if credential == former.asker.credential, address == former.asker.address { return asRefused(head, former.asker) }
        return credential == nil ? asRefused(head, .init(credential: nil, address: address, identity: .anonymous, end: .max)) : nil
    }

    private func asRefused(_ head: PlainHead, _ asker: PlainRefused.Asker) -> PlainRefused? {
        let target = RequestTarget(head.uri)
        guard let route = answerer.routes.route("GET", target.path) else { return nil }
        return PlainRefused(
            // What was read into is used again for the next read.
            head: ByteBuffer(bytes: head.bytes.readableBytesView), route: route, cost: route.cost(target.path, target.query), asker: asker,
            language: LanguagePreference.language(head.facts.acceptLanguage), id: head.facts.requestID)
    }

    /// Refuses a plain request whose client is still over its limit.
    ///
    /// - Returns: false where it has to be looked at in the ordinary way: nothing was done for it, and nothing charged.
    func refuse(_ request: PlainRefused) -> Bool {
        let start = WallClock.nanoseconds, route = request.route, asker = request.asker
        guard let context, start < asker.end,
            let decision = gate.limiter.refuses(request.cost, of: asker.client, tier: asker.identity.tier, action: route.action, at: start)
        else { return false }
        let id = request.id ?? loop.makeRequestID()
        guard let text = loop.refusal(.init(decision, route.action, cost: request.cost, request.language, idLength: id.utf8.count)) else { return false }
        beginHead()
        isReading = true
        context.write(wrapOutboundOut(.byteBuffer(text.answer(id, loop))), promise: nil)
        let end = WallClock.nanoseconds
        gate.finish(refusalOf: id, to: route, of: asker.identity, bytes: text.body.readableBytes, startedAt: start, at: end)
        flushSoon()
        next(at: end)
        return true
    }

    static let malformed = Problem(.malformedRequest, zh: "不是有效的 HTTP/1.1 请求", en: "this is not a valid HTTP/1.1 request")

    /// Answers what the decoder could not read.
    func refuseMalformed(tooLarge: Bool) {
        guard phase == .open else { return }
        var problem = Self.malformed
        if tooLarge {
            problem =
                requestLineBytes <= configuration.uriLimit
                ? Problem(.headersTooLarge, zh: "请求头合计不得超过 \(configuration.headerLimit) 字节", en: "the header fields may have at most \(configuration.headerLimit) bytes")
                : Problem(.uriTooLong, zh: "地址不得超过 \(configuration.uriLimit) 字节", en: "the address may have at most \(configuration.uriLimit) bytes")
        } else if !isRequestLineASCII {
            problem = Problem(
                .malformedRequest, zh: "地址只能含 ASCII 字符；中文须按 UTF-8 作百分号编码，如 %E7%81%AF，curl 用 -G --data-urlencode",
                en: "an address is ASCII; what is not has to be percent-encoded as UTF-8, such as %E7%81%AF; with curl, -G --data-urlencode does it")
        }
        refuseStranger(problem)
    }
}

/// An address, and what the limits hold it against.
struct Asked {
    let uri: String
    let route: Route
    let cost: Int
}
