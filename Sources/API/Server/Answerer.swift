import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1
import RateLimit

/// What a connection needs to have a request answered: the gate, the router, the hot routes ahead of it.
struct Answerer: Sendable {
    let gate: Gate
    let responder: RouterResponder<AppContext>
    let hotRoutes: [(any HotRoute, Route)]
    let routes: RouteIndex
    /// Field in which trusted hops name the client; nil when there are none.
    let forwardedField: String?

    /// Has the router answer. Never fails: what goes wrong is an answer too.
    func answer(_ head: HTTPRequestHead, _ body: RequestBody, _ exchange: Exchange) async -> Response {
        guard let request = Self.request(head, body) else {
            return gate.response(to: Problem(.malformedRequest, zh: "请求行无效", en: "the request line is not valid"), exchange)
        }
        if head.method == .OPTIONS { return await options(request, exchange) }
        // The router has the last word on what there is.
        exchange.route = nil
        do {
            let response = try await responder.respond(to: request, context: AppContext(source: exchange))
            return exchange.route == nil ? await notFound(request, exchange) : response
        } catch {
            return gate.response(to: error, exchange)
        }
    }

    /// HEAD goes to the router as GET: the same handler answers both, and the connection leaves the body out.
    private static func request(_ head: HTTPRequestHead, _ body: RequestBody) -> Request? {
        let name = head.method == .HEAD ? "GET" : head.method.rawValue
        guard let method = HTTPRequest.Method(name) else { return nil }
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        var authority: String?
        for (name, value) in head.headers {
            guard let name = HTTPField.Name(name) else { return nil }
            if name.canonicalName == "host" { authority = value } else { fields.append(HTTPField(name: name, value: value)) }
        }
        return Request(head: HTTPRequest(method: method, scheme: "http", authority: authority, path: originForm(head.uri), headerFields: fields), body: body)
    }

    /// The path and query of a request target in absolute form (RFC 9112 section 3.2.2); any other as it is.
    private static func originForm(_ target: String) -> String {
        guard !target.hasPrefix("/"), let colon = target.firstIndex(of: ":"), target[colon...].hasPrefix("://") else { return target }
        let rest = target[colon...].dropFirst(3)
        guard let path = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
        return rest[path] == "?" ? "/" + rest[path...] : String(rest[path...])
    }

    private func notFound(_ request: Request, _ exchange: Exchange) async -> Response {
        do {
            try await gate.admit(exchange, to: gate.nowhere, cost: 1)
        } catch {
            return gate.response(to: error, exchange)
        }
        let methods = routes.methods(at: RequestTarget(request.head.path ?? "/").path)
        guard !methods.isEmpty else {
            return gate.response(to: Problem(.routeNotFound, zh: "没有这个地址，接口说明见 /openapi.yaml", en: "there is nothing here; /openapi.yaml tells what there is"), exchange)
        }
        let allow = methods.joined(separator: ", ")
        return gate.response(to: Problem(.methodNotAllowed, zh: "此地址支持 \(allow)", en: "this address takes \(allow)"), exchange, allow: allow)
    }

    /// Answers OPTIONS, also as the preflight of a script in a browser: reading is open to any origin.
    private func options(_ request: Request, _ exchange: Exchange) async -> Response {
        let path = RequestTarget(request.head.path ?? "/").path
        let methods = path == "*" ? ["GET", "HEAD", "OPTIONS"] : routes.methods(at: path)
        guard !methods.isEmpty else { return await notFound(request, exchange) }
        var headers: HTTPFields = [.allow: methods.joined(separator: ", "), .cacheControl: "public, max-age=86400"]
        headers[.accessControlAllowMethods] = "GET, HEAD, OPTIONS"
        headers[.accessControlAllowHeaders] = "Authorization, X-API-Key, Accept, Accept-Language, If-None-Match, If-Range, Range, X-Request-Id"
        headers[.accessControlMaxAge] = "86400"
        return Response(status: .noContent, headers: headers)
    }
}
