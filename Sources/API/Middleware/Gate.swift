import Exchange
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import NIOHTTP1
import RateLimit
import Synchronization

/// What every request passes, on the hot way and on the ordinary way: identity, limits, problems, log, metrics.
///
/// Plain functions of an ``Exchange``, so that both ways are held to the same.
final class Gate: Sendable {
    let configuration: API.Configuration
    let limiter: Limiter
    let allowances: Allowances
    let answers: AnswerCache
    let keys: KeyDirectory
    let metrics: Metrics
    let log: RequestLog
    let downloads: DownloadPlaces
    let events: EventPlaces
    private let audit: AuditTrail?
    /// Whether the server has begun to stop.
    let isStopping = Atomic(false)
    private let routes = Mutex<[Route]>([])
    private let logger = Logger(label: "daylight.api")

    /// Values of `RateLimit-Policy`, by tier and class of action.
    let policyFields: [String]
    /// Stands for requests that no route took.
    let nowhere: Route

    init(configuration: API.Configuration, dependencies: API.Dependencies) {
        self.configuration = configuration
        limiter = Limiter(policy: configuration.policy, capacity: configuration.limiterCapacity)
        allowances = Allowances(limiter: limiter, shared: dependencies.sharedLimits)
        answers = AnswerCache(freshness: dependencies.freshness, capacity: configuration.answerCapacity)
        keys = KeyDirectory(lookup: dependencies.keyLookup)
        audit = dependencies.audit
        let metrics = Metrics(gauges: dependencies.gauges, families: dependencies.metricFamilies)
        self.metrics = metrics
        log = RequestLog(isOn: configuration.logsRequests) { metrics.droppedLines.add(0, $0) }
        policyFields = Tier.allCases.flatMap { tier in ActionClass.allCases.map { configuration.policy.field(tier, $0) } }
        downloads = DownloadPlaces(perClient: configuration.downloadsPerClient)
        events = EventPlaces(perClient: configuration.eventStreamsPerClient, inAll: configuration.eventStreams)
        nowhere = Route(method: "-", template: "-", action: .read, body: .none, metrics: metrics.addRoute(method: "-", template: "-"))
    }

    /// Makes a route known to limits, logs and metrics; asking again for the same gives the same.
    func addRoute(method: String, template: String, action: ActionClass, body: BodyRule, cost: @escaping Routes.Cost) -> Route {
        routes.withLock { routes in
            if let known = routes.first(where: { $0.method == method && $0.template == template }) { return known }
            let route = Route(method: method, template: template, action: action, body: body, cost: cost, metrics: metrics.addRoute(method: method, template: template))
            routes.append(route)
            return route
        }
    }

    /// The route of a method and template.
    func route(method: String, template: String) -> Route? {
        routes.withLock { $0.first { $0.method == method && $0.template == template } }
    }

    /// The routes that were added so far.
    var routeIndex: RouteIndex { RouteIndex(routes.withLock { $0 }) }

    /// Begins a request.
    /// - Parameters:
    ///   - method: its method.
    ///   - facts: what its header fields say.
    ///   - peer: address of the connection.
    ///   - loop: the connection's loop.
    func open(method: String, facts: RequestFacts, peer: IPAddress, loop: LoopState) -> Exchange {
        Exchange(
            id: facts.requestID ?? loop.makeRequestID(), startedAt: WallClock.nanoseconds, client: client(facts, peer), method: method, facts: facts,
            bodyLimit: configuration.streamLimit)
    }

    /// The client's address, past trusted hops.
    func client(_ facts: RequestFacts, _ peer: IPAddress) -> IPAddress {
        facts.forwarded.isEmpty ? peer : configuration.trustedHops.client(peer: peer, values: facts.forwarded)
    }

    /// Finds out who asks, when that can be said without waiting.
    /// - Returns: false when the database has to be asked.
    /// - Throws: what ``KeyDirectory/check(_:against:client:now:)`` throws.
    func identifyAtOnce(_ exchange: Exchange) throws -> Bool {
        guard let credential = exchange.credential else {
            if exchange.hasMalformedCredential { throw Self.malformedCredential }
            return true
        }
        guard case .anonymous = exchange.identity else { return true }
        guard let key = keys.remembered(credential.prefix, at: exchange.startedAt) else { return false }
        exchange.identity = try KeyDirectory.check(credential, against: key, client: exchange.client, now: .now)
        return true
    }

    /// Finds out who asks. A failure costs the address a read, or guessing would be free.
    func identify(_ exchange: Exchange) async throws {
        do {
            if try identifyAtOnce(exchange) { return }
            guard let credential = exchange.credential else { return }
            let key = try await keys.find(credential.prefix, at: exchange.startedAt)
            exchange.identity = try KeyDirectory.check(credential, against: key, client: exchange.client, now: .now)
        } catch let problem as Problem where problem.code == .unauthenticated || problem.code == .forbidden {
            try await admit(exchange, to: nowhere, cost: 1)
            throw problem
        }
    }

    private static let malformedCredential = Problem(
        .unauthenticated,
        zh: "密钥格式应为 dk_<前缀>_<密文>，用 Authorization: Bearer 或 X-API-Key 发送",
        en: "a key looks like dk_<prefix>_<secret> and is sent as Authorization: Bearer or X-API-Key"
    )

    /// Holds a request against its limits, once.
    /// - Throws: `tooManyRequests` or `tooManyDownloads`.
    func admit(_ exchange: Exchange, to route: Route, cost: Int) async throws {
        if try admitAtOnce(exchange, to: route, cost: cost) { return }
        for _ in 0..<4 {
            limiter.want(cost, of: exchange.clientKey, tier: exchange.tier, action: route.action)
            await allowances.settled()
            if try admitAtOnce(exchange, to: route, cost: cost, hasWaited: true) { return }
        }
        // Other requests of the same client were quicker each time.
        try take(limiter.refusal(cost, of: exchange.clientKey, tier: exchange.tier, action: route.action, at: exchange.startedAt), exchange, route, cost: cost)
    }

    private func admitAtOnce(_ exchange: Exchange, to route: Route, cost: Int, hasWaited: Bool = false) throws -> Bool {
        guard !exchange.isFinished else { throw CancellationError() }
        switch admission(of: exchange, to: route, cost: cost, hasWaited: hasWaited) {
        case .admitted: return true
        case .mustSettle: return false
        case .overLimit(let decision): throw Self.overLimit(decision, route.action, cost: cost)
        case .cutOff(let decision): throw Self.cutOff(decision)
        case .noPlace: throw tooManyDownloads
        }
    }

    /// What the limits say to a request without waiting.
    enum Admission {
        case admitted
        /// The common account has to be asked first.
        case mustSettle
        case overLimit(Decision)
        /// The common account cannot be asked, and this node has let through what it may without it.
        case cutOff(Decision)
        /// The client has as many downloads under way as it may.
        case noPlace
    }

    /// Holds a request against its limits, once, when that can be said without waiting.
    func admission(of exchange: Exchange, to route: Route, cost: Int, hasWaited: Bool = false) -> Admission {
        guard !exchange.isAdmitted else { return .admitted }
        switch limiter.ask(cost, of: exchange.clientKey, tier: exchange.tier, action: route.action, hasWaited: hasWaited, at: exchange.startedAt) {
        case .mustSettle:
            return .mustSettle
        case .decided(let decision):
            count(decision, exchange, route, cost: cost)
            guard decision.allowed else { return .overLimit(decision) }
        case .cutOff(let decision):
            count(decision, exchange, route, cost: cost)
            return .cutOff(decision)
        }
        return holdDownload(exchange, route) ? .admitted : .noPlace
    }

    /// Charges what turned out to be more work than the address told: a request costs in all what the planner's estimate comes to, where that is more.
    /// - Parameters:
    ///   - estimate: in PostgreSQL's cost units.
    ///   - least: units that it costs in any case.
    /// - Throws: `tooManyRequests`.
    func charge(_ exchange: Exchange, estimate: Double, atLeast least: Int = 1) async throws {
        let units = max(least, Costs.units(Int(min(estimate, 1e15)), per: Costs.estimatePerUnit))
        if units > exchange.cost { try await surcharge(exchange, units - exchange.cost) }
    }

    private func surcharge(_ exchange: Exchange, _ cost: Int) async throws {
        guard let route = exchange.route else { return }
        for attempt in 0...4 {
            if attempt > 0 {
                limiter.want(cost, of: exchange.clientKey, tier: exchange.tier, action: route.action)
                await allowances.settled()
            }
            switch limiter.ask(cost, of: exchange.clientKey, tier: exchange.tier, action: route.action, hasWaited: attempt > 0, at: WallClock.nanoseconds) {
            case .decided(let decision): return try take(decision, exchange, route, cost: cost, isRequest: false)
            case .mustSettle: continue
            case .cutOff(let decision):
                count(decision, exchange, route, cost: cost, isRequest: false)
                throw Self.cutOff(decision)
            }
        }
        try take(
            limiter.refusal(cost, of: exchange.clientKey, tier: exchange.tier, action: route.action, at: exchange.startedAt), exchange, route, cost: cost, isRequest: false)
    }

    private func take(_ decision: Decision, _ exchange: Exchange, _ route: Route, cost: Int, isRequest: Bool = true) throws {
        count(decision, exchange, route, cost: cost, isRequest: isRequest)
        // What it was charged before counts too.
        guard decision.allowed else { throw Self.overLimit(decision, route.action, cost: exchange.cost) }
    }

    private func count(_ decision: Decision, _ exchange: Exchange, _ route: Route, cost: Int, isRequest: Bool = true) {
        exchange.isAdmitted = true
        exchange.decision = decision
        exchange.cost += cost
        if case .key(let key) = exchange.identity {
            allowances.count(key.id, route.action, units: decision.allowed ? cost : 0, isRequest: isRequest, isRefused: !decision.allowed)
        }
        if !decision.allowed { metrics.refused.add(route.action.index, 1) }
    }

    static func overLimit(_ decision: Decision, _ action: ActionClass, cost: Int) -> Problem {
        Problem(
            .tooManyRequests,
            zh: "超过 \(action.rawValue) 类请求限额：每 \(decision.limit.window) 秒 \(decision.limit.quota) 个单位，本次需 \(cost) 个；请在 \(decision.retryAfter) 秒后重试",
            en: "over the limit for \(action.rawValue): \(decision.limit.quota) units in \(decision.limit.window) s, this request costs \(cost); retry in \(decision.retryAfter) s",
            members: [.violatedPolicies: "[\"\(action.rawValue)\"]"],
            retryAfter: decision.retryAfter
        )
    }

    static func cutOff(_ decision: Decision) -> Problem {
        Problem(
            .databaseUnavailable,
            zh: "数据库暂不可用，本节点此时可放行的请求已达上限；请在 \(decision.retryAfter) 秒后重试",
            en: "the database cannot be reached, and this node has let through what it may without it; retry in \(decision.retryAfter) s",
            retryAfter: decision.retryAfter
        )
    }

    /// - Returns: false where the client has as many downloads under way as it may.
    private func holdDownload(_ exchange: Exchange, _ route: Route) -> Bool {
        guard route.action == .download, exchange.method == "GET" else { return true }
        exchange.holdsDownload = downloads.take(exchange.clientKey)
        return exchange.holdsDownload
    }

    var tooManyDownloads: Problem {
        Problem(
            .tooManyDownloads,
            zh: "同时进行的下载不得超过 \(configuration.downloadsPerClient) 个",
            en: "no more than \(configuration.downloadsPerClient) downloads may run at once",
            retryAfter: 5
        )
    }

    /// Sets how much body the route takes, and refuses one that says that it is larger.
    func checkBody(_ request: Request, _ exchange: Exchange, _ route: Route) throws {
        exchange.bodyLimit =
            switch route.body {
            case .none: 64 * 1024
            case .json: configuration.jsonLimit
            case .stream: configuration.streamLimit
            }
        guard let length = request.headers[.contentLength].flatMap({ Int($0) }), length > exchange.bodyLimit else { return }
        throw Self.tooLarge(exchange.bodyLimit)
    }

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(.payloadTooLarge, zh: "请求体不得超过 \(limit) 字节", en: "the body may have at most \(limit) bytes")
    }

    /// Ends a request: gives back what it held, counts it, writes its line. Once per exchange.
    /// - Parameters:
    ///   - status: status sent; 499 when the client was gone before it.
    ///   - bytes: bytes of the body sent.
    ///   - now: monotonic nanoseconds.
    func finish(_ exchange: Exchange, status: Int, bytes: Int, at now: Int64) {
        exchange.isFinished = true
        if exchange.holdsDownload { downloads.giveBack(exchange.clientKey) }
        if exchange.holdsEvents { events.giveBack(exchange.clientKey) }
        let route = exchange.route ?? nowhere
        if let audit, let entry = exchange.auditEntry(status: status, bytes: bytes) { audit.take(entry) }
        if route.isLive { chargeBytes(bytes, exchange, route, at: now) }
        let duration = now - exchange.startedAt
        route.metrics.record(status: status, bytes: bytes, nanoseconds: duration)
        log.write(exchange, route, status: status, bytes: bytes, microseconds: duration / 1000)
    }

    /// The same for a GET that was refused before anything was made for it.
    func finish(refusalOf id: String, to route: Route, of identity: Identity, bytes: Int, startedAt: Int64, at now: Int64) {
        let duration = now - startedAt
        metrics.refused.add(route.action.index, 1)
        if case .key(let key) = identity { allowances.count(key.id, route.action, units: 0, isRefused: true) }
        route.metrics.record(status: 429, bytes: bytes, nanoseconds: duration)
        log.write(id, route.method, route, identity.tier, key: identity.key?.prefix, status: 429, bytes: bytes, microseconds: duration / 1000)
    }

    /// What a stream costs is known when it has ended; it is charged then, and felt by what comes next.
    private func chargeBytes(_ bytes: Int, _ exchange: Exchange, _ route: Route, at now: Int64) {
        let units = bytes / Costs.liveBytesPerUnit
        guard units > 0 else { return }
        limiter.charge(units, to: exchange.clientKey, tier: exchange.tier, action: route.action, at: now)
        if case .key(let key) = exchange.identity { allowances.count(key.id, route.action, units: units, isRequest: false) }
    }

    /// The problem for whatever a handler threw; what is not meant for the caller is logged here and nowhere else.
    func problem(for error: any Error, _ exchange: Exchange) -> Problem {
        switch error {
        case let problem as Problem:
            return problem
        case is NIOTooManyBytesError:
            return Self.tooLarge(exchange.bodyLimit)
        case let error as HTTPError where error.status.code < 500:
            return Problem(ProblemCode.allCases.first { $0.status == error.status.code } ?? .malformedRequest, zh: "请求有误", en: error.body ?? "bad request")
        case is CancellationError:
            return Problem(.shuttingDown, zh: "请求被取消", en: "the request was cancelled", retryAfter: 5)
        default:
            logger.error("request failed", metadata: ["request.id": "\(exchange.id)", "route": "\(exchange.route?.template ?? "-")", "error": "\(error)"])
            return Problem(.internalError, zh: "服务器内部错误，请凭请求号联系运维", en: "something went wrong here; the operator can find it by the request id")
        }
    }
}
