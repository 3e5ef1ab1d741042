public import Hummingbird
public import Model

/// What a route's handler knows about the request besides the request itself.
public struct AppContext: RequestContext {
    public typealias Source = Exchange

    public var coreContext: CoreRequestContextStorage
    /// The request's way through the server: identity, limits, times.
    public let exchange: Exchange

    public init(source: Exchange) {
        coreContext = CoreRequestContextStorage(source: source)
        exchange = source
    }

    /// Who asks.
    public var identity: Identity { exchange.identity }
    /// The language of messages, from `Accept-Language`.
    public var language: Language { exchange.language }
    /// The request's id, as in `X-Request-Id`, the log line and a problem's `instance`.
    public var requestID: String { exchange.id }

    /// A path parameter, percent-decoded.
    /// - Throws: `malformedRequest` when it is not percent-encoded UTF-8.
    public func path(_ name: String) throws -> String {
        let raw = coreContext.parameters[Substring(name)] ?? ""
        guard let decoded = PercentCoding.decode(raw.utf8, plusIsSpace: false) else {
            throw Problem(
                .malformedRequest,
                zh: "路径中的 \(name) 不是有效的百分号编码 UTF-8",
                en: "\(name) in the path is not percent-encoded UTF-8"
            )
        }
        return decoded
    }

    /// Asks for a permission.
    /// - Parameters:
    ///   - scope: what is to be done.
    ///   - dataset: the dataset that it is done to, nil where there is none.
    ///   - department: the department that the dataset belongs to, nil where there is none.
    /// - Returns: the key that allows it.
    /// - Throws: `unauthenticated` without a key, `forbidden` naming the missing scope, dataset or department.
    @discardableResult
    public func require(_ scope: Scope, dataset: String? = nil, department: String? = nil) throws -> AccessKey {
        try identity.require(scope, dataset: dataset, department: department)
    }
}
