import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1

// Answers that are kept.
extension Connection {
    /// Answers with what is kept for this request.
    /// - Returns: false when it has to be made.
    func answerKept(_ head: some HeadFields) -> Bool {
        guard let current, head.uri.hasPrefix("/v1/"), gate.answers.isOpen else { return false }
        let exchange = current.exchange
        let accept = head.accept
        let name = AnswerCache.Name(uri: head.uri, language: exchange.language)
        switch gate.answers.find(name) {
        case .nothing:
            return false
        case .keep(let generation):
            // A client with a taste of its own may get another form.
            if accept == nil || accept == "*/*" { exchange.keeping = (name, generation) }
            return false
        case .answer(let answer, let generation):
            guard accept == nil || accept == "*/*" || accept == answer.type else { return false }
            let isNamed = head.names(answer.tag)
            guard isNamed || answer.whole != nil else {
                exchange.keeping = (name, generation)
                return false
            }
            // What is wrong with a key is the router's to say.
            guard exchange.credential == nil || answer.route.isKeptForKeys, (try? gate.identifyAtOnce(exchange)) ?? false else { return false }
            exchange.route = answer.route
            switch admits(exchange, to: answer.route, cost: answer.cost) {
            case .refused: return true
            case .undecided: return false
            case .admitted: break
            }
            gate.metrics.kept.add(0, 1)
            if isNamed {
                sendWhole(.notModified, [:], ByteBuffer(), head: answer.notModifiedHead)
            } else if let whole = answer.whole {
                sendWhole(.ok, [:], whole.body, head: whole.head)
            }
            return true
        }
    }
}

extension Gate {
    /// Keeps an answer to what others had asked before.
    ///
    /// - Parameter body: nil for a 304.
    func keep(_ fields: HTTPFields, _ body: ByteBuffer?, _ exchange: Exchange, _ route: Route) {
        guard let (name, generation) = exchange.keeping, route.isKept, exchange.identity == .anonymous || route.isKeptForKeys, exchange.method == "GET",
            body?.readableBytes ?? 0 <= AnswerCache.longest,
            let tag = fields[.eTag], tag.hasPrefix("\""), fields[.cacheControl]?.hasPrefix("private") != true,
            let dataset = AnswerCache.dataset(of: RequestTarget(name.uri).path)
        else { return }
        let whole = body.map { body in
            var head = ByteBufferAllocator().buffer(capacity: 1024)
            writeFixedHead(.ok, fields, .length(body.readableBytes), into: &head)
            return AnswerCache.Answer.Whole(body: body, head: head)
        }
        var fieldsOf304 = fields
        fieldsOf304[.contentType] = nil
        fieldsOf304[.link] = nil
        var notModifiedHead = ByteBufferAllocator().buffer(capacity: 512)
        writeFixedHead(.notModified, fieldsOf304, .none, into: &notModifiedHead)
        answers.keep(
            .init(
                route: route, cost: exchange.cost, tag: EntityTag(String(tag.dropFirst().dropLast())), type: fields[.contentType], whole: whole,
                notModifiedHead: notModifiedHead, generation: generation, dataset: dataset, keptAt: .now, end: answers.end(of: dataset)), as: name)
    }

    /// The same for an answer of the router; its body is read into memory, which it was written from.
    func keep(_ response: Response, _ exchange: Exchange, _ route: Route) async throws -> Response {
        guard exchange.keeping != nil, route.isKept else { return response }
        if response.status == .notModified { keep(response.headers, nil, exchange, route) }
        guard response.status == .ok, let length = response.body.contentLength, length <= AnswerCache.longest else { return response }
        let collected = Collected()
        try await response.body.write(Collector(collected: collected))
        keep(response.headers, collected.bytes, exchange, route)
        return Response(status: response.status, headers: response.headers, body: .init(byteBuffer: collected.bytes))
    }
}

private final class Collected: @unchecked Sendable {
    var bytes = ByteBuffer()
}

/// Takes a short body whole.
private struct Collector: ResponseBodyWriter {
    let collected: Collected

    mutating func write(_ buffer: ByteBuffer) async throws {
        if collected.bytes.readableBytes == 0 { collected.bytes = buffer } else { collected.bytes.writeImmutableBuffer(buffer) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
