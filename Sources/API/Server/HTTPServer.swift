import Catalogue
public import Hummingbird
public import NIOCore
import RateLimit
public import ServiceLifecycle
import Synchronization

/// The server: the public port, and the operator's port for metrics and health.
///
/// A `Service`: run it in a service group, or ``start()`` and ``shutdown(within:)`` it by hand.
public final class HTTPServer: Service, Sendable {
    private let listener: Listener
    private let admin: Listener?
    private let gate: Gate
    private let changes: ChangeFeed?
    private let flushing = Mutex<RepeatedTask?>(nil)

    init(api: API, router: Router<AppContext>, hotRoutes: [any HotRoute], group: any EventLoopGroup) {
        gate = api.gate
        changes = api.dependencies.changes
        let gate = api.gate
        let hot = hotRoutes.map { hot in
            guard let route = gate.route(method: "GET", template: hot.template) else {
                preconditionFailure("the hot route \(hot.template) has no route of record")
            }
            return (hot, route)
        }
        let configuration = api.configuration
        listener = Listener(
            answerer: Answerer(
                gate: gate, responder: router.buildResponder(), hotRoutes: hot, routes: gate.routeIndex,
                forwardedField: configuration.trustedHops.networks.isEmpty ? nil : configuration.trustedHops.field.rawValue
            ),
            host: configuration.host, port: configuration.port, group: group
        )
        admin = configuration.adminPort.map { port in
            let (gate, router) = api.makeAdminRouter()
            return Listener(
                answerer: Answerer(gate: gate, responder: router.buildResponder(), hotRoutes: [], routes: gate.routeIndex, forwardedField: nil), host: configuration.host, port: port, group: group
            )
        }
        let loop = group.next()
        let log = gate.log
        flushing.withLock { $0 = loop.scheduleRepeatedTask(initialDelay: .milliseconds(100), delay: .milliseconds(100)) { _ in log.flush() } }
    }

    /// The public port, once started.
    public var port: Int { listener.port }
    /// The operator's port, once started; nil without one.
    public var adminPort: Int? { admin?.port }

    /// Begins to listen.
    public func start() async throws {
        await gate.allowances.start()
        try await listener.start()
        try await admin?.start()
    }

    /// Stops accepting, lets running requests finish, then closes what is left.
    /// - Parameter grace: how long running requests may go on; nil takes the configured time.
    public func shutdown(within grace: Duration? = nil) async {
        gate.isStopping.store(true, ordering: .relaxed)
        // Event streams have no end of their own; their clients connect again elsewhere.
        changes?.endAll()
        await listener.shutdown(within: grace ?? .seconds(gate.configuration.shutdownGrace))
        await admin?.shutdown(within: .zero)
        await gate.allowances.stop()
        flushing.withLock { $0.take()?.cancel() }
        gate.log.drain()
    }

    /// Listens until the service group asks it to stop.
    public func run() async throws {
        try await start()
        try? await gracefulShutdown()
        await shutdown()
    }
}

extension API {
    /// A server for this interface.
    /// - Parameters:
    ///   - router: the router of record, from ``makeRouter()``.
    ///   - group: event loops; give the ones that the database's connections live on.
    public func makeServer(router: Router<AppContext>, group: any EventLoopGroup) -> HTTPServer {
        HTTPServer(api: self, router: router, hotRoutes: makeHotRoutes(), group: group)
    }
}
