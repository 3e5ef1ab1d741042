internal import Model
internal import NIOPosix
import Synchronization

/// Threads for the work of search: it takes a processor for milliseconds, and event loops must not wait for it.
final class SearchThreads: Sendable {
    /// For questions and small changes.
    static let answering = SearchThreads(threads: 2, waiting: 128)
    /// For loading and merging, which take long.
    static let building = SearchThreads(threads: 1, waiting: .max)

    private let pool: NIOThreadPool
    private let limit: Int
    private let underWay = Atomic(0)

    private init(threads: Int, waiting: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        limit = waiting
        pool.start()
    }

    /// Runs work on one of the threads.
    ///
    /// - Throws: `Problem` (`overloaded`) where too much waits already.
    func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws -> T {
        defer { underWay.subtract(1, ordering: .relaxed) }
        guard underWay.add(1, ordering: .relaxed).newValue <= limit else {
            throw Problem(.overloaded, zh: "检索请求过多，请稍后重试", en: "too many searches at once; retry soon", retryAfter: 1)
        }
        return try await perform(work)
    }

    @inline(never)
    private func perform<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            pool.submit { state in
                switch state {
                case .active: continuation.resume(returning: work())
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        }
    }
}
