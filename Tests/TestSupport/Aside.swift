internal import Foundation

/// Does work that waits or computes for long on a thread of its own.
///
/// Swift's pool has as many threads as there are processors. A test that holds one of them while a program runs holds up every other test, until servers give up
/// clients that take nothing.
public func aside<Result: Sendable, Failure: Error>(_ work: @escaping @Sendable () throws(Failure) -> Result) async throws(Failure) -> Result {
    let result: Swift.Result<Result, Failure> = await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            let result: Swift.Result<Result, Failure>
            do throws(Failure) {
                result = .success(try work())
            } catch {
                result = .failure(error)
            }
            continuation.resume(returning: result)
        }
    }
    return try result.get()
}
