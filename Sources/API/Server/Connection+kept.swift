import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1

// Answers that are kept.
extension Connection {
    /// Answers with what is kept for this request.
    /// - Returns: false when it has to be made.
    func answerKept(_ head: HTTPRequestHead) -> Bool {
        guard let current, head.uri.hasPrefix("/v1/"), gate.answers.isOpen else { return false }
        let exchange = current.exchange
        guard exchange.credential == nil, !exchange.hasMalformedCredential else { return false }
        let accept = head.headers.first(name: "accept")
        let name = AnswerCache.Name(uri: head.uri, language: exchange.language)
        switch gate.answers.find(name) {
        case .nothing:
            return false
        case .keep(let generation):
            // A client with a taste of its own may get another form.
            if accept == nil || accept == "*/*" { exchange.keeping = (name, generation) }
            return false
        case .answer(let answer):
            guard accept == nil || accept == "*/*" || accept == answer.fields[.contentType] else { return false }
            exchange.route = answer.route
            do {
                guard try gate.admitAtOnce(exchange, to: answer.route, cost: answer.cost) else { return false }
            } catch {
                let document = ProblemDocument(gate.problem(for: error, exchange), exchange)
                sendWhole(document.status, document.headers, document.body)
                return true
            }
            gate.metrics.kept.add(0, 1)
            if head.headers.contains(name: "if-none-match"), head.headers["if-none-match"].contains(where: { answer.tag.isNamed(in: $0, weak: true) }) {
                sendWhole(.notModified, answer.fields, ByteBuffer(), head: answer.notModifiedHead)
            } else {
                sendWhole(.ok, answer.fields, answer.body, head: answer.head)
            }
            return true
        }
    }
}

extension Gate {
    /// Keeps an answer that was made for a stranger who asked what others had asked before.
    func keep(_ fields: HTTPFields, _ body: ByteBuffer, _ exchange: Exchange, _ route: Route) {
        guard let (name, generation) = exchange.keeping, route.isKept, exchange.method == "GET", body.readableBytes <= AnswerCache.longest,
            let tag = fields[.eTag], tag.hasPrefix("\""), fields[.cacheControl]?.hasPrefix("private") != true,
            let dataset = AnswerCache.dataset(of: name.uri.prefix { $0 != "?" })
        else { return }
        var head = ByteBufferAllocator().buffer(capacity: 1024)
        writeFixedHead(.ok, fields, .length(body.readableBytes), into: &head)
        var fieldsOf304 = fields
        fieldsOf304[.contentType] = nil
        var notModifiedHead = ByteBufferAllocator().buffer(capacity: 512)
        writeFixedHead(.notModified, fieldsOf304, .none, into: &notModifiedHead)
        answers.keep(
            .init(
                route: route, cost: exchange.cost, tag: EntityTag(String(tag.dropFirst().dropLast())), fields: fields, body: body, head: head, notModifiedHead: notModifiedHead,
                generation: generation,
                dataset: dataset, keptAt: .now, end: answers.end(of: dataset)), as: name)
    }

    /// The same for an answer of the router; its body is read into memory, which it was written from.
    func keep(_ response: Response, _ exchange: Exchange, _ route: Route) async throws -> Response {
        guard exchange.keeping != nil, route.isKept, response.status == .ok, let length = response.body.contentLength, length <= AnswerCache.longest else { return response }
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
