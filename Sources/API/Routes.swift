public import HTTPTypes
public import Hummingbird
public import RateLimit

/// Where the nouns put their routes: Hummingbird's router, with limits, identity and problems around each handler.
///
/// Every GET answers HEAD too. OPTIONS, 404 and 405 are the gate's.
public struct Routes {
    /// A route's handler. What it throws becomes a problem document.
    public typealias Handler = @Sendable (Request, AppContext) async throws -> Response
    /// Units that a request costs, by its path and query as they came; at least 0.
    public typealias Cost = @Sendable (_ path: Substring, _ query: Substring?) -> Int

    let router: Router<AppContext>
    let gate: Gate
    /// Looks at each request before its handler does, and gives it on.
    var inspect: (@Sendable (Request, AppContext, Route) async throws -> Request)?

    /// Adds a GET (and HEAD) route.
    /// - Parameters:
    ///   - template: path such as `/v1/datasets/{id}/rows`.
    ///   - action: class of action for the limits.
    ///   - cost: units that a request costs, 1 when not said.
    public func get(_ template: String, _ action: ActionClass, cost: Cost? = nil, _ handler: @escaping Handler) {
        on(.get, template, action, body: .none, cost: cost, handler)
    }

    /// Adds a POST route.
    public func post(_ template: String, _ action: ActionClass, body: BodyRule, cost: Cost? = nil, _ handler: @escaping Handler) {
        on(.post, template, action, body: body, cost: cost, handler)
    }

    /// Adds a PUT route.
    public func put(_ template: String, _ action: ActionClass, body: BodyRule, cost: Cost? = nil, _ handler: @escaping Handler) {
        on(.put, template, action, body: body, cost: cost, handler)
    }

    /// Adds a DELETE route.
    public func delete(_ template: String, _ action: ActionClass, cost: Cost? = nil, _ handler: @escaping Handler) {
        on(.delete, template, action, body: .none, cost: cost, handler)
    }

    /// Adds a route.
    /// - Parameters:
    ///   - method: its method.
    ///   - template: path such as `/v1/datasets/{id}/rows`.
    ///   - action: class of action for the limits.
    ///   - body: what body it takes.
    ///   - cost: units that a request costs, 1 when not said.
    public func on(_ method: HTTPRequest.Method, _ template: String, _ action: ActionClass, body: BodyRule, cost: Cost? = nil, _ handler: @escaping Handler) {
        let gate = gate, inspect = inspect
        let route = gate.addRoute(method: method.rawValue, template: template, action: action, body: body, cost: cost ?? { _, _ in 1 })
        router.on(RouterPath(template), method: method) { request, context -> Response in
            let exchange = context.exchange
            exchange.route = route
            if route.isAudited { exchange.audited = AuditedFacts(request, grant: context.coreContext.parameters["grant"].map(String.init)) }
            do {
                try await gate.identify(exchange)
                let target = RequestTarget(request.head.path ?? "/")
                try await gate.admit(exchange, to: route, cost: route.cost(target.path, target.query))
                try gate.checkBody(request, exchange, route)
                let request = try await inspect?(request, context, route) ?? request
                return try await gate.keep(try await handler(request, context), exchange, route)
            } catch {
                return gate.response(to: error, exchange)
            }
        }
    }
}
