public import HTTPTypes
public import NIOCore

/// A GET route that can be answered on the connection's event loop, ahead of the router.
///
/// It must answer exactly as the route of record does; whatever it is not sure of, it passes on. Identity, limits, common
/// header fields, log and metrics are the gate's, the same as for the router.
public protocol HotRoute: Sendable {
    /// Template of the route of record, such as `/v1/datasets/{id}/rows/{key}`, which must be in the router.
    var template: String { get }

    /// Looks at a request that its limits let through. Runs on the event loop: no waiting, no lock that may be held long.
    /// - Parameters:
    ///   - path: the path, still percent-encoded.
    ///   - query: the query string without its question mark, nil where there is none.
    /// - Returns: how to answer, or nil to leave it to the router.
    func match(path: Substring, query: Substring?) -> HotWork?
}

/// A hot route's plan for one request.
public struct HotWork {
    /// Answers; runs on the event loop once the gate has let the request in. It must call the reply exactly once, from any thread.
    public let answer: (HotRequest, HotReply) -> Void

    public init(answer: @escaping (HotRequest, HotReply) -> Void) {
        self.answer = answer
    }
}

/// What a hot route knows about the request.
public struct HotRequest {
    /// The media types that the client takes; nil where it did not say.
    public let accept: String?
    /// Value of `If-None-Match`.
    public let tags: String?
    /// Who asks.
    public let identity: Identity
    /// The loop of the connection, on which the answer is best given.
    public let eventLoop: any EventLoop
}

/// Takes a hot route's answer.
public struct HotReply: Sendable {
    enum Outcome: Sendable {
        case answer(HTTPResponse.Status, HTTPFields, ByteBuffer)
        case pass
    }

    let deliver: @Sendable (Outcome) -> Void

    /// Answers.
    /// - Parameters:
    ///   - status: status.
    ///   - headers: the route's own header fields; `Content-Length` and the common ones are added.
    ///   - body: the body, empty for 304.
    public func send(_ status: HTTPResponse.Status, _ headers: HTTPFields, _ body: ByteBuffer) {
        deliver(.answer(status, headers, body))
    }

    /// Leaves the request to the router after all; it is not charged twice.
    public func pass() {
        deliver(.pass)
    }
}
