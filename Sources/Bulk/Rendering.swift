internal import Glibc
public import NIOCore
import Synchronization

/// A file that is being written, followed by those who want it already.
///
/// Its last bytes are given out only once all of it was found to be what its version says.
final class Rendering: Sendable {
    private struct State {
        var written = 0
        var outcome: Result<SnapshotFile, any Error>?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let descriptor: CInt
    /// Bytes that it will have, where that is known; nothing beyond them is ever given out.
    private let expected: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - descriptor: the open file; owned, and closed when nobody follows it any more.
    ///   - expected: bytes that it will have, nil where nobody knows.
    init(owning descriptor: CInt, expected: Int?) {
        self.descriptor = descriptor
        self.expected = expected ?? .max
    }

    deinit { close(descriptor) }

    /// More bytes are in the file.
    func advance(by count: Int) {
        wake { $0.written += count }
    }

    /// It is whole, or has failed.
    func end(_ outcome: Result<SnapshotFile, any Error>) {
        wake { $0.outcome = outcome }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Bytes that may be given out before the whole is verified: never the last one.
    private func open(_ written: Int) -> Int { max(0, min(written, expected) - 1) }

    /// Waits for bytes beyond a place.
    ///
    /// - Returns: how many bytes may be read; the place itself when there are no more.
    /// - Throws: why the rendering failed.
    func wait(beyond place: Int) async throws -> Int {
        while true {
            let (available, isEnded) = try state.withLock { state in
                switch state.outcome {
                case .success?: (state.written, true)
                case .failure(let error)?: throw error
                case nil: (open(state.written), false)
                }
            }
            if available > place || isEnded { return available }
            await pause(place)
        }
    }

    @inline(never)
    private func pause(_ place: Int) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isLate = state.withLock { state in
                if state.outcome != nil || open(state.written) > place { return true }
                state.waiters.append(continuation)
                return false
            }
            if isLate { continuation.resume() }
        }
    }

    /// The file, once it is whole.
    func file() async throws -> SnapshotFile {
        _ = try await wait(beyond: .max)
        return try state.withLock { try $0.outcome?.get() ?? { throw CancellationError() }() }
    }
}

/// The bytes of a file that is still being written, at the pace of whatever is slower: the writing or the reader.
public struct FollowedFile: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    let rendering: Rendering
    let range: Range<Int>

    public func makeAsyncIterator() -> Iterator { Iterator(rendering: rendering, place: range.lowerBound, end: range.upperBound) }

    public struct Iterator: AsyncIteratorProtocol {
        let rendering: Rendering
        var place: Int
        let end: Int

        public mutating func next() async throws -> ByteBuffer? {
            guard place < end else { return nil }
            let available = try await rendering.wait(beyond: place)
            try Task.checkCancellation()
            let count = Swift.min(available, end, place + 256 * 1024) - place
            guard count > 0 else { return nil }
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            let read = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                Swift.max(0, pread(rendering.descriptor, room.baseAddress, count, off_t(place)))
            }
            guard read > 0 else { throw SnapshotError.unreadable }
            place += read
            return buffer
        }
    }
}

/// Why a file cannot be had. Not for strangers.
enum SnapshotError: Error {
    case unreadable
    case unwritable(errno: CInt)
    /// What was rendered is not what the version's digest says.
    case digestMismatch(dataset: String, version: Int, found: String)
    case failedBefore(dataset: String, version: Int)
}
