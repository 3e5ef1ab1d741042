import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1
import RateLimit

/// One client connection: takes requests in their order, has each answered on the hot way or by the router, and writes the answers.
///
/// Stands behind NIO's HTTP/1 decoder, in the place of Hummingbird's own child channel: that one goes through an
/// `NIOAsyncChannel`, which costs more than all else on the way of a request, and cannot send files. Here a request is one
/// task that begins at once on the connection's loop, and an answer is one flush.
///
/// Everything in it is confined to the connection's event loop.
final class Connection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = IOData

    enum Phase { case open, lingering, closed }

    static let smallLeftover = 64 * 1024

    let gate: Gate
    let answerer: Answerer
    let loop: LoopState
    let peer: IPAddress
    let eventLoop: any EventLoop
    let configuration: API.Configuration

    var context: ChannelHandlerContext?
    var phase = Phase.open
    var current: Current?
    var serial = 0
    /// Bytes of an answer that wait to go out with what follows.
    var pending: ByteBuffer?
    var writableWaiter: CheckedContinuation<Void, any Error>?
    var deadlines = Deadlines()
    var timer: Scheduled<Void>?
    var timerAt = Int64.max
    var isQuiescing = false
    /// Whether the client has said that it sends no more.
    var isInputClosed = false

    /// Whether all that was read so far was plain requests, so that the decoder holds nothing back.
    var isPlain = true
    var isReading = false

    /// What was refused here last: who is over a limit tends to ask for the same again.
    var refused: Asked?
    /// The same where it was a plain request, and the last one.
    var plainRefused: PlainRefused?

    private var waitingHead: HTTPRequestHead?
    private var held = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 4)
    private var isTakingHeld = false
    private var needsFlush = false
    private var isReadWithheld = false
    private var headBegan = false
    private(set) var requestLineBytes = 0
    private(set) var isRequestLineASCII = true
    private var sawRequestLine = false
    /// Why the decoder reads no further.
    private var parserFailure: HTTPParserError?

    init(answerer: Answerer, loop: LoopState, eventLoop: any EventLoop, peer: IPAddress) {
        self.answerer = answerer
        gate = answerer.gate
        configuration = answerer.gate.configuration
        self.loop = loop
        self.eventLoop = eventLoop
        self.peer = peer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadlines.attention = WallClock.nanoseconds + Self.nanoseconds(configuration.headerTimeout)
        arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: In

    /// Whether the decoder has given more than was taken.
    var isBusy: Bool { !held.isEmpty || parserFailure != nil }

    /// Bytes have come, ahead of the decoder: a head may have begun.
    /// - Returns: those that the decoder has to have; nil for none.
    func bytesCame(_ bytes: ByteBuffer) -> ByteBuffer? {
        let rest = takePlain(bytes)
        if let rest { noteHead(rest) }
        return rest
    }

    private func noteHead(_ bytes: ByteBuffer) {
        guard current == nil, phase == .open else { return }
        headBegan = true
        guard !sawRequestLine else { return }
        let end = bytes.readableBytesView.firstIndex(of: UInt8(ascii: "\n"))
        sawRequestLine = end != nil
        requestLineBytes += (end ?? bytes.writerIndex) - bytes.readerIndex
        isRequestLineASCII = isRequestLineASCII && bytes.readableBytesView[..<(end ?? bytes.writerIndex)].allSatisfy { $0 < 0x80 }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let part = unwrapInboundIn(data)
        guard phase == .open else { return }
        // What was asked for ahead waits until the answers before it are on their way.
        if !held.isEmpty || current?.isReceived ?? !context.channel.isWritable {
            held.append(part)
        } else {
            take(part)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if headBegan, current == nil, phase == .open, !deadlines.isHeadTimed {
            deadlines.isHeadTimed = true
            deadlines.attention = min(deadlines.attention, WallClock.nanoseconds + Self.nanoseconds(configuration.headerTimeout))
            arm()
        }
        if needsFlush {
            needsFlush = false
            context.flush()
        }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes): receive(bytes)
        case .end: endRequest()
        }
    }

    /// A head is whole.
    func beginHead() {
        serial += 1
        headBegan = false
        requestLineBytes = 0
        isRequestLineASCII = true
        sawRequestLine = false
        deadlines.attention = .max
        deadlines.isHeadTimed = false
    }

    private func begin(_ head: HTTPRequestHead) {
        beginHead()
        let facts = RequestFacts(head.headers, forwardedField: answerer.forwardedField)
        let exchange = gate.open(method: head.method.rawValue, facts: facts, peer: peer, loop: loop)
        current = Current(
            exchange: exchange, serial: serial, isHead: head.method == .HEAD, isOld: head.version == .http1_0,
            // What follows an upgrade or a tunnel the decoder reads no more, and neither is had here (RFC 9110 sections 7.8 and 9.3.6).
            closes: !head.isKeepAlive || isQuiescing || facts.asksForUpgrade || head.method == .CONNECT,
            expectsContinue: facts.expectsContinue && facts.hasBody && head.version == .http1_1, announced: facts.contentLength
        )
        if head.uri.utf8.count > configuration.uriLimit {
            refuse(Problem(.uriTooLong, zh: "地址不得超过 \(configuration.uriLimit) 字节", en: "the address may have at most \(configuration.uriLimit) bytes"))
        } else if head.version == .http1_1, facts.hosts != 1 {
            refuse(Problem(.malformedRequest, zh: "须有且仅有一个 Host 头", en: "there must be exactly one Host field"))
        } else if head.version.major != 1 {
            refuse(Problem(.malformedRequest, zh: "只支持 HTTP/1.0 与 HTTP/1.1", en: "only HTTP/1.0 and HTTP/1.1 are spoken here"))
        } else if facts.hasBody {
            let stream = RequestStream(eventLoop, exchange)
            stream.onDemand = { [weak self] in self?.bodyWanted() }
            current?.stream = stream
            deadlines.watchBody(from: 0, until: exchange.startedAt + Self.nanoseconds(configuration.bodyInterval))
            arm()
            answer(head)
        } else {
            // Without a body the end comes in the same read; then the request is whole before anything is done for it.
            waitingHead = head
        }
    }

    private func receive(_ bytes: ByteBuffer) {
        guard current != nil else { return }
        if current?.isAnswered ?? false {
            current?.dropped += bytes.readableBytes
            if current?.dropped ?? 0 > Self.smallLeftover { linger() }
            return
        }
        current?.stream?.receive(bytes)
    }

    private func endRequest() {
        guard current != nil else { return }
        current?.isReceived = true
        deadlines.body = .max
        if let head = waitingHead {
            waitingHead = nil
            answer(head)
            return
        }
        current?.stream?.end(.success(()))
        if current?.isAnswered ?? false { next() }
    }

    private func answer(_ head: HTTPRequestHead) {
        guard let current else { return }
        if current.stream == nil {
            if head.method == .GET, answerAtOnce(head) { return }
            if head.method == .HEAD, refuseAtOnce(head) { return }
        }
        answerByRouter(head)
    }

    /// Answers a GET that needs no router: from memory, with a refusal, or on the hot way.
    ///
    /// - Returns: false where the router has to answer.
    func answerAtOnce(_ head: some HeadFields) -> Bool { answerKept(head) || refuseAtOnce(head) || answerHot(head) }

    /// Hands the request to the router, in a task that begins here and now.
    func answerByRouter(_ head: HTTPRequestHead) {
        guard let current else { return }
        let exchange = current.exchange, serial = current.serial, stream = current.stream, answerer = answerer
        let work: @Sendable () async -> Void = {
            let body = stream.map { RequestBody(asyncSequence: RequestBytes(stream: $0)) } ?? RequestBody(buffer: ByteBuffer())
            let response = await answerer.answer(head, body, exchange)
            await self.send(response, serial)
        }
        #if compiler(>=6.2)
            let task = Task.immediate(executorPreference: loop.executor, operation: work)
        #else
            let task = Task(executorPreference: loop.executor, operation: work)
        #endif
        if self.current?.serial == serial { self.current?.task = task }
    }

    /// The request and its answer have both ended: on to what came after it.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func next(at now: Int64 = WallClock.nanoseconds) {
        current = nil
        waitingHead = nil
        guard phase == .open else { return }
        if isQuiescing, held.isEmpty {
            closeWhenFlushed()
            return
        }
        deadlines.attention = now + Self.nanoseconds(configuration.idleTimeout)
        deadlines.isHeadTimed = false
        deadlines.linger = .max
        takeHeld()
    }

    private func takeHeld() {
        guard !isTakingHeld else { return }
        isTakingHeld = true
        while phase == .open, !(current?.isReceived ?? false), context?.channel.isWritable ?? false, let part = held.popFirst() { take(part) }
        isTakingHeld = false
        endAtFailure()
        arm()
        resumeReading()
    }

    // MARK: Back-pressure

    func read(context: ChannelHandlerContext) {
        if wantsToRead { context.read() } else { isReadWithheld = true }
    }

    private var wantsToRead: Bool {
        if phase != .open { return true }
        return held.isEmpty && !(current?.stream?.isFull ?? false) && (current != nil || context?.channel.isWritable ?? false)
    }

    func resumeReading() {
        guard isReadWithheld, wantsToRead else { return }
        isReadWithheld = false
        context?.read()
    }

    private func bodyWanted() {
        if current?.expectsContinue ?? false, current?.framing == nil, current?.stream?.isWaiting ?? false, let context {
            current?.expectsContinue = false
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))), promise: nil)
        }
        resumeReading()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            if let waiter = writableWaiter {
                writableWaiter = nil
                deadlines.write = .max
                waiter.resume()
            }
            if current == nil || !held.isEmpty { takeHeld() }
        }
        context.fireChannelWritabilityChanged()
    }

    func flushSoon() {
        if isReading { needsFlush = true } else { context?.flush() }
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isQuiescing = true
            if current == nil, phase == .open { close() }
        case ChannelEvent.inputClosed:
            inputClosed()
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// The client sends no more. Nearly always it has gone altogether, and nothing but a write would tell: so what it asked for
    /// and still runs is given up.
    private func inputClosed() {
        isInputClosed = true
        guard phase == .open else {
            if bufferedBytes == 0 { close() }
            return
        }
        // What was answered still goes out: half a connection is enough for that.
        guard current != nil else { return closeWhenFlushed() }
        isQuiescing = true
        current?.closes = true
        current?.stream?.end(.failure(ConnectionError.closed))
        current?.task?.cancel()
        if current?.isAnswered ?? false { closeWhenFlushed() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What comes after something unreadable is dropped by the decoder, which says so each time.
        if error is ByteToMessageDecoderError { return }
        guard let error = error as? HTTPParserError else { return close() }
        parserFailure = parserFailure ?? error
        endAtFailure()
    }

    /// Says what the decoder could not read, once all that came before it is answered.
    private func endAtFailure() {
        guard let parserFailure, held.isEmpty, phase == .open else { return }
        guard let current else { return refuseMalformed(tooLarge: parserFailure == .headerOverflow) }
        if current.isReceived { return }
        if current.isAnswered { return linger() }
        self.current?.closes = true
        if waitingHead != nil {
            waitingHead = nil
            self.current?.isReceived = true
            return refuse(Self.malformed)
        }
        current.stream?.end(.failure(Self.malformed))
    }

    /// Answers somebody whose head could not be read, and closes.
    func refuseStranger(_ problem: Problem) {
        serial += 1
        let exchange = gate.open(method: "-", facts: RequestFacts([:], forwardedField: nil), peer: peer, loop: loop)
        current = Current(exchange: exchange, serial: serial, isHead: false, isOld: false, closes: true)
        refuse(problem)
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        timer?.cancel()
        timer = nil
        held.removeAll()
        let waiter = writableWaiter
        writableWaiter = nil
        if let current, !current.isAnswered {
            current.stream?.end(.failure(ConnectionError.closed))
            gate.finish(current.exchange, status: current.framing == nil ? 499 : current.status, bytes: current.sentBytes, at: WallClock.nanoseconds)
            current.task?.cancel()
        }
        current = nil
        waiter?.resume(throwing: ConnectionError.closed)
        context.fireChannelInactive()
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        context?.close(promise: nil)
    }
}
