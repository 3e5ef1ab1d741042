import Glibc
import Model
import NIOCore
import NIOPosix
import RateLimit
import Synchronization

/// One JSON line per request, collected in memory and written to standard error at least ten times a second.
///
/// Never waits: when the reader of the log is stuck, lines beyond a capacity are dropped and counted, and the count is
/// written as a line of its own once the log moves again.
final class RequestLog: Sendable {
    private static let eager = 256 * 1024

    private struct State {
        var pending = ByteBuffer()
        /// The beginning of every line of one second, up to the second.
        var second = 0
        var beginning = ByteBuffer()
        var isWriting = false
        var dropped = 0
    }

    private let isOn: Bool
    private let descriptor: CInt
    private let capacity: Int
    private let state = Mutex(State())
    private let onDrop: @Sendable (Int) -> Void

    init(isOn: Bool, descriptor: CInt = STDERR_FILENO, capacity: Int = 4 * 1024 * 1024, onDrop: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.isOn = isOn
        self.descriptor = descriptor
        self.capacity = capacity
        self.onDrop = onDrop
    }

    /// Adds a line. It holds no query string, no header and nothing of a key but its public part.
    func write(_ exchange: Exchange, _ route: Route, status: Int, bytes: Int, microseconds: Int64) {
        guard isOn else { return }
        write(
            exchange.id, exchange.method, route, exchange.tier, key: exchange.identity.key?.prefix, status: status, bytes: bytes, microseconds: microseconds)
    }

    /// The same of a request that no exchange was made for.
    func write(_ id: String, _ method: String, _ route: Route, _ tier: Tier, key: String? = nil, status: Int, bytes: Int, microseconds: Int64) {
        guard isOn else { return }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let millisecond = now.tv_nsec / 1_000_000
        let full = state.withLock { state in
            guard state.pending.readableBytes < capacity else {
                state.dropped += 1
                return false
            }
            if state.second != now.tv_sec {
                state.second = now.tv_sec
                state.beginning = ByteBuffer(staticString: "{\"time\":\"")
                WallClock.writeRFC3339(seconds: now.tv_sec, into: &state.beginning)
                state.beginning.writeStaticString(".")
            }
            state.pending.writeImmutableBuffer(state.beginning)
            state.pending.writeDecimal(millisecond, width: 3)
            state.pending.writeStaticString("+08:00\",\"event\":\"request\",\"id\":\"")
            state.pending.writeString(id)
            if method == route.method {
                state.pending.writeImmutableBuffer(route.logText)
            } else {
                state.pending.writeImmutableBuffer(Route.logText(method: method, template: route.template))
            }
            state.pending.writeDecimal(status)
            state.pending.writeStaticString(",\"bytes\":")
            state.pending.writeDecimal(bytes)
            state.pending.writeStaticString(",\"duration_us\":")
            state.pending.writeDecimal(Int(microseconds))
            state.pending.writeStaticString(",\"class\":\"")
            state.pending.writeString(route.action.rawValue)
            state.pending.writeStaticString("\",\"tier\":\"")
            state.pending.writeString(tier.rawValue)
            if let key {
                state.pending.writeStaticString("\",\"key\":\"")
                state.pending.writeString(key)
            }
            state.pending.writeStaticString("\"}\n")
            return state.pending.readableBytes >= Self.eager
        }
        if full { flush() }
    }

    /// Hands what is pending to a thread that may block; called every 100 ms and when much is pending.
    func flush() {
        let batch: ByteBuffer? = state.withLock { state in
            guard !state.isWriting, state.pending.readableBytes > 0 || state.dropped > 0 else { return nil }
            if state.dropped > 0 {
                state.pending.writeString("{\"event\":\"log.dropped\",\"count\":\(state.dropped)}\n")
                onDrop(state.dropped)
                state.dropped = 0
            }
            state.isWriting = true
            let batch = state.pending
            state.pending = ByteBufferAllocator().buffer(capacity: 64 * 1024)
            return batch
        }
        guard let batch else { return }
        NIOSingletons.posixBlockingThreadPool.submit { _ in
            self.writeAll(batch)
            self.state.withLock { $0.isWriting = false }
        }
    }

    /// Writes what is left, on this thread; for the end of the process.
    func drain() {
        let rest = state.withLock { state in
            let rest = state.pending
            state.pending.clear()
            return rest
        }
        writeAll(rest)
    }

    private func writeAll(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return }
                rest = rest.dropFirst(written)
            }
        }
    }
}
