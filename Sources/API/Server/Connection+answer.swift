import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1

// Answers on their way out.
extension Connection {
    private static let mergeLimit = 32 * 1024

    /// Sends a router's answer, from its task.
    func send(_ response: Response, _ serial: Int) async {
        do {
            let length = response.body.contentLength
            let wantsBody: Bool
            if eventLoop.inEventLoop {
                wantsBody = try beginAnswer(response.status, response.headers, length: length, serial)
            } else {
                wantsBody = try await hop { try $0.beginAnswer(response.status, response.headers, length: length, serial) }
            }
            if wantsBody { try await response.body.write(BodyWriter(connection: self, serial: serial)) }
            if eventLoop.inEventLoop { try finishBody(serial) } else { try await hop { try $0.finishBody(serial) } }
        } catch {
            // The head is out, so all that can be said is that the answer is not whole.
            if eventLoop.inEventLoop { abort(serial) } else { eventLoop.execute { self.abort(serial) } }
        }
    }

    /// Runs something on the connection's loop.
    func hop<Value: Sendable>(_ body: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            eventLoop.execute { continuation.resume(with: Result { try body(self) }) }
        }
    }

    /// Writes a head.
    /// - Returns: whether a body is to follow.
    private func beginAnswer(_ status: HTTPResponse.Status, _ fields: HTTPFields, length: Int?, _ serial: Int) throws -> Bool {
        guard let current, current.serial == serial, phase == .open, current.framing == nil else { throw ConnectionError.closed }
        let framing: Framing
        if status.code == 204 || status.code == 304 || status.code < 200 {
            framing = .none
        } else if current.isHead {
            framing = fields[.contentLength].flatMap { Int($0) }.map { .length($0) } ?? .none
        } else if let length {
            framing = .length(length)
        } else {
            framing = current.isOld ? .untilClose : .chunked
        }
        startHead(status, framing)
        var head = ByteBufferAllocator().buffer(capacity: 1024)
        gate.writeHead(status, fields, framing, closes: self.current?.closes ?? true, current.exchange, loop, into: &head)
        pending = head
        return !current.isHead && framing != .none && framing != .length(0)
    }

    private func startHead(_ status: HTTPResponse.Status, _ framing: Framing) {
        current?.status = status.code
        current?.framing = framing
        if case .length(let length) = framing { current?.owed = length }
        if framing == .untilClose || isQuiescing { current?.closes = true }
        if let current, !current.isReceived, status.code >= 400 {
            // A small rest of the body is read and dropped; a large one, or one that was never asked for, ends the connection.
            let isSmall = (current.announced ?? .max) - (current.stream?.receivedBytes ?? 0) <= Self.smallLeftover
            if current.expectsContinue || !isSmall { self.current?.closes = true }
        }
    }

    /// Writes a piece of body.
    /// - Returns: false when the caller should wait before the next.
    func writeBody(_ bytes: ByteBuffer, _ serial: Int) throws -> Bool {
        guard let current, current.serial == serial, phase == .open, !current.isAnswered, let context else { throw ConnectionError.closed }
        let count = bytes.readableBytes
        guard !current.isHead else { return true }
        guard count > 0 else {
            // The head alone is to be seen.
            flushThisTick(serial)
            return true
        }
        switch current.framing {
        case .length:
            guard count <= current.owed else { throw ConnectionError.lengthMismatch }
            self.current?.owed -= count
        case .chunked, .untilClose:
            break
        case .some(.none), nil:
            return true
        }
        self.current?.sentBytes += count
        let isChunked = current.framing == .chunked
        if isChunked { writeChunkSize(count) }
        if (pending?.readableBytes ?? 0) + count <= Self.mergeLimit {
            if pending == nil { pending = ByteBufferAllocator().buffer(capacity: Self.mergeLimit) }
            pending?.writeImmutableBuffer(bytes)
        } else {
            writePending()
            context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
        }
        if isChunked {
            if pending == nil { pending = ByteBufferAllocator().buffer(capacity: 64) }
            pending?.writeStaticString("\r\n")
        }
        if context.channel.isWritable {
            // The last bytes of a known length go out with the end; anything else goes out with this tick.
            if self.current?.owed != 0 || current.framing != .length(current.sentBytes) { flushThisTick(serial) }
            return true
        }
        writePending()
        context.flush()
        return context.channel.isWritable
    }

    private func writeChunkSize(_ count: Int) {
        if pending == nil { pending = ByteBufferAllocator().buffer(capacity: 64) }
        pending?.writeString(String(count, radix: 16))
        pending?.writeStaticString("\r\n")
    }

    private func writePending() {
        guard let bytes = pending else { return }
        pending = nil
        context?.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
    }

    private func flushThisTick(_ serial: Int) {
        eventLoop.execute {
            guard self.current?.serial == serial, self.phase == .open else { return }
            self.writePending()
            self.context?.flush()
        }
    }

    /// Waits until the client has taken enough of what was written.
    func waitUntilWritable(_ serial: Int) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            if eventLoop.inEventLoop { wait(continuation, serial) } else { eventLoop.execute { self.wait(continuation, serial) } }
        }
    }

    private func wait(_ continuation: CheckedContinuation<Void, any Error>, _ serial: Int) {
        guard let current, current.serial == serial, phase == .open, let context else { return continuation.resume(throwing: ConnectionError.closed) }
        if context.channel.isWritable { return continuation.resume() }
        writableWaiter = continuation
        watchWrites()
    }

    private func watchWrites() {
        deadlines.watchWrites(from: bufferedBytes, until: WallClock.nanoseconds + Self.nanoseconds(configuration.writeTimeout))
        arm()
    }

    /// Sends a stretch of a file and waits until it is out.
    func sendFile(_ slice: FileSlice, _ serial: Int) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            if eventLoop.inEventLoop {
                startFile(slice, serial, continuation)
            } else {
                eventLoop.execute { self.startFile(slice, serial, continuation) }
            }
        }
    }

    private func startFile(_ slice: FileSlice, _ serial: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        guard let current, current.serial == serial, phase == .open, let context else { return continuation.resume(throwing: ConnectionError.closed) }
        guard case .length = current.framing, slice.length <= current.owed, slice.offset + slice.length <= slice.file.size else {
            return continuation.resume(throwing: ConnectionError.lengthMismatch)
        }
        self.current?.owed -= slice.length
        writePending()
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: slice.file.descriptor)
        let region = FileRegion(fileHandle: handle, readerIndex: slice.offset, endIndex: slice.offset + slice.length)
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolatedUnsafeUnchecked().whenComplete { result in
            // The slice's file owns the descriptor; it lived until here and may be closed now.
            _ = try? handle.takeDescriptorOwnership()
            withExtendedLifetime(slice.file) {}
            if case .success = result, self.current?.serial == serial { self.current?.sentBytes += slice.length }
            self.deadlines.write = .max
            continuation.resume(with: result)
        }
        context.writeAndFlush(wrapOutboundOut(.fileRegion(region)), promise: promise)
        if !context.channel.isWritable { watchWrites() }
    }

    /// Ends the answer; does nothing when it has ended.
    ///
    /// - Parameter trailers: fields behind the body, where its framing has room for them (RFC 9112 section 7.1.2).
    func finishBody(_ serial: Int, trailers: HTTPFields? = nil) throws {
        guard let current, current.serial == serial, phase == .open else { throw ConnectionError.closed }
        guard !current.isAnswered else { return }
        if !current.isHead {
            switch current.framing {
            case .length where current.owed != 0: throw ConnectionError.lengthMismatch
            case .chunked:
                if pending == nil { pending = ByteBufferAllocator().buffer(capacity: 8) }
                pending?.writeStaticString("0\r\n")
                for field in trailers ?? [:] { pending?.writeString("\(field.name.rawName): \(field.value)\r\n") }
                pending?.writeStaticString("\r\n")
            default: break
            }
        }
        writePending()
        endAnswer()
    }

    /// Answers in one piece, without a task: the hot way, and refusals.
    ///
    /// - Parameters:
    ///   - head: the head as far as it is known already; made from the fields where it is nil.
    ///   - idAt: where in a short body the request's id has to stand, in the place of another of its length.
    func sendWhole(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ body: ByteBuffer, head: ByteBuffer? = nil, idAt: Int? = nil) {
        guard let current, phase == .open, let context else { return }
        let framing: Framing = status.code == 204 || status.code == 304 ? .none : .length(body.readableBytes)
        startHead(status, framing)
        let carriesBody = !current.isHead && framing != .none
        let merges = carriesBody && body.readableBytes <= Self.mergeLimit
        var bytes = ByteBufferAllocator().buffer(capacity: 1024 + (merges ? body.readableBytes : 0))
        if let head {
            bytes.writeImmutableBuffer(head)
            gate.writeOwnHead(closes: self.current?.closes ?? true, current.exchange, loop, into: &bytes)
        } else {
            gate.writeHead(status, fields, framing, closes: self.current?.closes ?? true, current.exchange, loop, into: &bytes)
        }
        if merges {
            let start = bytes.writerIndex
            bytes.writeImmutableBuffer(body)
            if let idAt { bytes.setString(current.exchange.id, at: start + idAt) }
        }
        context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
        if carriesBody, !merges { context.write(wrapOutboundOut(.byteBuffer(body)), promise: nil) }
        self.current?.sentBytes = carriesBody ? body.readableBytes : 0
        endAnswer()
    }

    /// Answers with a problem and closes the connection: what follows cannot be told apart from what was refused.
    func refuse(_ problem: Problem) {
        guard let current else { return }
        self.current?.closes = true
        let document = ProblemDocument(problem, current.exchange)
        sendWhole(document.status, document.headers, document.body)
    }

    private func endAnswer() {
        guard let current else { return }
        self.current?.isAnswered = true
        let now = WallClock.nanoseconds
        gate.finish(current.exchange, status: current.status, bytes: current.sentBytes, at: now)
        guard current.closes || isQuiescing else {
            flushSoon()
            if current.isReceived { return next(at: now) }
            // What is left of the body is dropped as it comes, for a while.
            current.stream?.end(.success(()))
            deadlines.body = .max
            deadlines.linger = WallClock.nanoseconds + Self.nanoseconds(configuration.lingerTimeout)
            arm()
            return resumeReading()
        }
        if current.isReceived { closeWhenFlushed() } else { linger() }
    }

    /// Closes once everything written is out.
    func closeWhenFlushed() {
        guard phase == .open, let context else { return }
        phase = .lingering
        current = nil
        deadlines.linger = WallClock.nanoseconds + Self.nanoseconds(configuration.writeTimeout)
        arm()
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer()))).assumeIsolatedUnsafeUnchecked().whenComplete { _ in self.close() }
        resumeReading()
    }

    /// Says that nothing more comes, and drops for a while what the client still sends: closing at once would reset the
    /// connection and could take the answer with it (RFC 9112 section 9.6).
    func linger() {
        guard phase == .open, let context else { return }
        phase = .lingering
        current = nil
        deadlines.body = .max
        deadlines.linger = WallClock.nanoseconds + Self.nanoseconds(configuration.lingerTimeout)
        arm()
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer()))).assumeIsolatedUnsafeUnchecked().whenComplete { result in
            guard self.phase == .lingering else { return }
            if case .success = result, !self.isInputClosed { self.context?.close(mode: .output, promise: nil) } else { self.close() }
        }
        resumeReading()
    }

    /// Gives up an answer in its middle.
    func abort(_ serial: Int) {
        guard current?.serial == serial, phase == .open else { return }
        close()
    }

    var bufferedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
