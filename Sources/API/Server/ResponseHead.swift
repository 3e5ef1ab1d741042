import HTTPTypes
import NIOCore
import NIOHTTP1
import RateLimit

/// How the end of an answer's body is told (RFC 9112 section 6).
enum Framing: Equatable {
    /// There is no body and nothing is said of its length: 1xx, 204, 304.
    case none
    /// `Content-Length`.
    case length(Int)
    /// Chunks.
    case chunked
    /// The connection is closed after it, for HTTP/1.0.
    case untilClose
}

extension Gate {
    /// What the request's id stands behind.
    static var idField: String { "X-Request-Id: " }
    private static let constantFields: StaticString = """
        X-Content-Type-Options: nosniff\r
        Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r
        Referrer-Policy: no-referrer\r

        """
    /// Of a 304 too: who has a script ask with a tag of its own may see the answer.
    private static let constantFieldsForScripts: StaticString = """
        Access-Control-Allow-Origin: *\r
        Access-Control-Expose-Headers: *\r

        """

    /// Writes an answer's head: its own fields and those that every answer carries. Used by the hot way and the ordinary way alike.
    /// - Parameters:
    ///   - status: status.
    ///   - fields: the answer's own fields; framing fields among them are left out.
    ///   - framing: how the end of the body is told.
    ///   - closes: whether the connection is closed after it.
    ///   - exchange: the request.
    ///   - loop: the connection's loop.
    ///   - buffer: where to.
    func writeHead(
        _ status: HTTPResponse.Status, _ fields: HTTPFields, _ framing: Framing, closes: Bool, _ exchange: Exchange, _ loop: LoopState, into buffer: inout ByteBuffer
    ) {
        writeFixedHead(status, fields, framing, into: &buffer)
        writeOwnHead(closes: closes, exchange, loop, into: &buffer)
    }

    /// The part of a head that is the same for every request with the same answer.
    func writeFixedHead(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ framing: Framing, into buffer: inout ByteBuffer) {
        if status.code == 200 {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            buffer.writeStaticString("HTTP/1.1 ")
            buffer.writeDecimal(status.code, width: 3)
            buffer.writeStaticString(" ")
            buffer.writeString(status.reasonPhrase.isEmpty ? HTTPResponseStatus(statusCode: status.code).reasonPhrase : status.reasonPhrase)
            buffer.writeStaticString("\r\n")
        }
        for field in fields {
            switch field.name {
            case .contentLength, .transferEncoding, .connection: continue
            default: break
            }
            buffer.writeString(field.name.rawName)
            buffer.writeStaticString(": ")
            buffer.writeString(field.value)
            buffer.writeStaticString("\r\n")
        }
        switch framing {
        case .none, .untilClose:
            break
        case .length(let length):
            buffer.writeStaticString("Content-Length: ")
            buffer.writeDecimal(length)
            buffer.writeStaticString("\r\n")
        case .chunked:
            buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        // Of those a 304 says nothing: what was kept with the answer still holds (RFC 9110 section 15.4.5, RFC 9111 section 3.2).
        if status.code != 304 { buffer.writeStaticString(Self.constantFields) }
        buffer.writeStaticString(Self.constantFieldsForScripts)
    }

    /// The part of a head that is the request's own.
    func writeOwnHead(closes: Bool, _ exchange: Exchange, _ loop: LoopState, into buffer: inout ByteBuffer) {
        buffer.writeImmutableBuffer(loop.dateLine)
        buffer.writeString(Self.idField)
        buffer.writeString(exchange.id)
        let action = (exchange.route ?? nowhere).action
        let tier = exchange.tier
        let decision = exchange.decision ?? limiter.spend(0, of: exchange.clientKey, tier: tier, action: action, at: exchange.startedAt)
        buffer.writeStaticString("\r\nRateLimit-Policy: ")
        buffer.writeString(policyFields[tier.index * ActionClass.allCases.count + action.index])
        buffer.writeStaticString("\r\nRateLimit: \"")
        buffer.writeString(action.rawValue)
        buffer.writeStaticString("\";r=")
        buffer.writeDecimal(decision.remaining)
        buffer.writeStaticString(";t=")
        buffer.writeDecimal(decision.reset)
        buffer.writeStaticString(closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
    }
}
