public import NIOCore

/// A question to another node.
public struct HomeRequest: Sendable {
    public var method = "GET"
    public var url: String
    public var headers: [(name: String, value: String)] = []
    public var body: [UInt8] = []
    /// Whether a short answer is expected: then the whole of it has to come in time.
    public var isShort = true
}

/// What came back, but for its body.
public struct HomeAnswer: Sendable {
    public var status: Int
    private var headers: [(name: String, value: String)]

    public init(status: Int, headers: [(name: String, value: String)]) { (self.status, self.headers) = (status, headers) }

    /// A header field; the first of that name.
    public subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// The way to other nodes. It follows no redirections: the operator names where a node is.
///
/// It calls its second argument with each piece of the body, at least once, and throws ``HomeUnreachable`` where the connection fails.
public typealias HomeTransport = @Sendable (HomeRequest, (HomeAnswer, ByteBuffer) async throws -> Void) async throws -> HomeAnswer

/// A node that gave no answer, or none to the end.
public struct HomeUnreachable: Error, Sendable {
    public var reason: String

    public init(_ reason: String) { self.reason = reason }
}
