import CLibpq
import Logging
import NIOCore
import NIOPosix

/// A connection that listens to channels and is opened again whenever it breaks; confined to one event loop.
final class NotificationListener: @unchecked Sendable {
    private let channels: [String]
    private let proof: Duration?
    /// What the server was asked and has not answered yet.
    private var question: (isFirst: Bool, askedAt: ContinuousClock.Instant)?
    private var asking: Scheduled<Void>?
    private let shared: LoopPipeline.Shared
    private let loop: any EventLoop
    private let continuation: AsyncStream<Notification>.Continuation
    private var connection: OpaquePointer?
    private var watch: UInt64 = 0
    private var backoff = Backoff()
    private var isStopped = false
    /// Notifications that may wait for a slow reader. The last place is for the word that some were lost.
    static let capacity = 4_096

    init(_ channels: [String], proof: Duration?, shared: LoopPipeline.Shared, loop: any EventLoop, _ continuation: AsyncStream<Notification>.Continuation) {
        (self.channels, self.proof, self.shared, self.loop, self.continuation) = (channels, proof, shared, loop, continuation)
    }

    /// From any thread.
    func start() { loop.execute { self.connect() } }

    /// From any thread.
    func stop() {
        loop.execute {
            self.isStopped = true
            self.disconnect()
            self.continuation.finish()
        }
    }

    private struct Opened: @unchecked Sendable { let connection: OpaquePointer }

    private func connect() {
        guard !isStopped else { return }
        let parameters = shared.parameters
        let opened = shared.helpers.runIfActive(eventLoop: loop) { Opened(connection: try parameters.connect()) }
        opened.whenComplete { result in
            switch result {
            case .success(let opened): self.connected(opened.connection)
            case .failure(let error): self.failed(error)
            }
        }
    }

    private func connected(_ connection: OpaquePointer) {
        if isStopped { return PQfinish(connection) }
        self.connection = connection
        PQsetnonblocking(connection, 1)
        watch = shared.notifier.add(PQsocket(connection), loop: loop) { self.ready() }
        // Not on a thread that would wait: a server that never answers must hold up nobody.
        ask(channels.map { "LISTEN \(SQL.quoted(identifier: $0))" }.joined(separator: "; "), isFirst: true)
        watchAnswers()
    }

    private func ask(_ sql: String, isFirst: Bool) {
        guard let connection, PQsendQuery(connection, sql) == 1 else { return }
        question = (isFirst, .now)
        PQflush(connection)
    }

    /// Asks for a proof where one is wanted, again and again, and gives up a connection that does not answer.
    ///
    /// The server sends a session its notifications before it answers it (PostgreSQL manual, LISTEN): with the answer, all that was committed before the
    /// question is here. An empty question is the cheapest.
    private func watchAnswers() {
        guard connection != nil else { return }
        if let question {
            guard question.askedAt.duration(to: .now) < Self.patience else {
                disconnect()
                return failed(PostgresError(.connectionFailure, "the server does not answer the connection that listens"))
            }
        } else if proof != nil {
            ask("", isFirst: false)
        } else {
            return
        }
        asking = loop.scheduleTask(in: TimeAmount(proof ?? .seconds(1))) { self.watchAnswers() }
    }

    /// How long the server may take for an answer.
    private static let patience = Duration.seconds(5)

    /// Takes as much of an answer as is there, without waiting for the rest.
    /// - Returns: the question, when its answer is whole.
    private func takeAnswer(_ connection: OpaquePointer) throws(PostgresError) -> (isFirst: Bool, askedAt: ContinuousClock.Instant)? {
        guard let question else { return nil }
        while PQisBusy(connection) == 0 {
            guard let result = PQgetResult(connection) else {
                self.question = nil
                return question
            }
            defer { PQclear(result) }
            if PQresultStatus(result) == PGRES_FATAL_ERROR { throw PostgresError(result: result, sql: nil) }
        }
        return nil
    }

    private func failed(_ error: any Error) {
        guard !isStopped else { return }
        let words = (error as? PostgresError)?.debugDescription ?? "\(error)"
        shared.logger.warning("Listening for notifications failed", metadata: ["error": "\(words)"])
        loop.scheduleTask(in: TimeAmount(backoff.failed(jitter: .random(in: 0...1)))) { self.connect() }
    }

    private func ready() {
        guard let connection else { return }
        do throws(PostgresError) {
            guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else { throw PostgresError(connection: connection) }
            let answered = try takeAnswer(connection)
            if let answered, answered.isFirst {
                backoff.succeeded()
                offer(.reconnected)
            }
            while let notify = PQnotifies(connection) {
                offer(.message(channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra)))
                PQfreemem(notify)
            }
            if let answered, proof != nil { offer(.upToDate(answered.askedAt)) }
        } catch {
            disconnect()
            return failed(error)
        }
        shared.notifier.arm(watch, PQsocket(connection), forWriting: false)
    }

    private func offer(_ notification: Notification) {
        // When this was the last place but one, the last one goes to the word that what follows may be lost: it is read
        // after everything that can be lost before it is read.
        if case .enqueued(let remaining) = continuation.yield(notification), remaining == 1, notification != .reconnected {
            continuation.yield(.reconnected)
        }
    }

    private func disconnect() {
        asking?.cancel()
        question = nil
        guard let connection else { return }
        shared.notifier.remove(watch, PQsocket(connection))
        PQfinish(connection)
        self.connection = nil
    }
}
