import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit
import Synchronization

// The record of changes as server-sent events (WHATWG HTML, 9.2).
extension API {
    func addEventRoute(_ routes: Routes, _ feed: ChangeFeed) {
        let gate = gate, lifetime = configuration.eventStreamLifetime
        routes.get("/v1/changes/events", .read, cost: { _, _ in Costs.eventStream }) { request, context in
            _ = try request.negotiate(["text/event-stream"])
            let query = try QueryParameters(request)
            try query.only("since")
            // A browser that connects again says where it was in the header, while its address stays the first one.
            let header = try Self.lastEvent(request.headers[.lastEventID])
            let given = try query.integer("since", in: ChangesRoute.numbers)
            let start: Int
            if let since = header ?? given { start = since } else { start = try await feed.last() }
            try gate.openEvents(context.exchange)
            return Response(
                status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: ResponseBody { writer in
                    let follower = feed.follow()
                    defer { feed.leave(follower) }
                    let end = Task {
                        try await Task.sleep(for: .seconds(lifetime))
                        follower.end()
                    }
                    defer { end.cancel() }
                    var last = start
                    // Says how long to wait before connecting again, in milliseconds, and that all is well.
                    try await writer.write(ByteBuffer(string: "retry: 3000\n: changes after \(start)\n\n"))
                    for await _ in follower.wakes {
                        var isQuiet = true
                        while case let changes = try await feed.recent(after: last, limit: 100), let newest = changes.last {
                            try await writer.write(try Self.events(changes))
                            last = newest.number
                            isQuiet = false
                        }
                        if isQuiet { try await writer.write(ByteBuffer(string: ":\n\n")) }
                    }
                    try await writer.finish(nil)
                }
            )
        }
    }

    private static func events(_ changes: [Change]) throws -> ByteBuffer {
        var text = ByteBufferAllocator().buffer(capacity: changes.count * 512)
        for change in changes {
            text.writeString("id: \(change.number)\nevent: \(change.kind.rawValue)\ndata: ")
            text.writeString(try JSON.encode(ChangeDTO(change)))
            text.writeString("\n\n")
        }
        return text
    }

    private static func lastEvent(_ field: String?) throws -> Int? {
        guard let field, !field.isEmpty else { return nil }
        guard let number = Int(field), ChangesRoute.numbers.contains(number) else {
            throw Problem(
                .invalidParameter, zh: "Last-Event-ID 应为变化的编号", en: "Last-Event-ID must be the number of a change",
                places: [.init("Last-Event-ID", zh: "应为非负整数", en: "must be a whole number from 0")])
        }
        return number
    }
}

extension Gate {
    /// Takes an event stream's place, which is given back when the request ends.
    /// - Throws: `tooManyStreams` for the client's own, `overloaded` for all together.
    func openEvents(_ exchange: Exchange) throws {
        guard exchange.method == "GET" else { return }
        guard !exchange.isFinished, !isStopping.load(ordering: .relaxed) else {
            throw Problem(.shuttingDown, zh: "服务器正在停止", en: "the server is stopping", retryAfter: 5)
        }
        switch events.take(exchange.clientKey) {
        case nil:
            exchange.holdsEvents = true
        case .client?:
            throw Problem(
                .tooManyStreams, zh: "同时打开的事件流不得超过 \(configuration.eventStreamsPerClient) 个；请共用一个，或改用 /v1/changes?since=",
                en: "no more than \(configuration.eventStreamsPerClient) event streams may be open at once; share one, or ask /v1/changes?since=", retryAfter: 60)
        case .all?:
            throw Problem(
                .overloaded, zh: "事件流已满，请稍后重试，或改用 /v1/changes?since=", en: "all event streams are taken; retry later, or ask /v1/changes?since=", retryAfter: 60)
        }
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = Self("Last-Event-ID")!
}
