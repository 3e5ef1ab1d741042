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
        let name = RefusalText.Name(
            action: action, limit: decision.limit, cost: cost, retryAfter: decision.retryAfter, language: exchange.language, idLength: exchange.id.utf8.count)
        let text = loop.refusal(name) {
            let document = ProblemDocument(Gate.overLimit(decision, action, cost: cost), exchange)
            return RefusalText(document, id: exchange.id, gate)
        }
        sendWhole(.tooManyRequests, [:], text.body, head: text.head, idAt: text.idPlace)
    }
}

/// An address, and what the limits hold it against.
struct Asked {
    let uri: String
    let route: Route
    let cost: Int
}

/// A refusal with the id of a request: those of one second differ in nothing else.
struct RefusalText {
    /// What the text depends on.
    struct Name: Hashable {
        let action: ActionClass
        let limit: Limit
        let cost: Int
        let retryAfter: Int
        let language: Language
        let idLength: Int
    }

    let head: ByteBuffer
    let body: ByteBuffer
    /// Where the request's id stands in the body; nil where it does not.
    let idPlace: Int?

    init(_ document: ProblemDocument, id: String, _ gate: Gate) {
        var head = ByteBufferAllocator().buffer(capacity: 1024)
        gate.writeFixedHead(document.status, document.headers, .length(document.body.readableBytes), into: &head)
        self.head = head
        body = document.body
        let bytes = document.body.readableBytesView
        // The id alone may be a word of the message.
        idPlace = bytes.firstRange(of: ProblemDocument.instance(id).utf8).map { $0.upperBound - id.utf8.count - bytes.startIndex }
    }
}
