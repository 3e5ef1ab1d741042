import Logging
public import Model
import Store

extension Publishing {
    /// Releases what is due, ends the pushes of dead processes and forgets old answers, again and again until the task is cancelled.
    ///
    /// Every node may run it: each step locks what it works on.
    public func run() async {
        while !Task.isCancelled {
            await sweep(at: .now)
            do { try await Task.sleep(for: configuration.pace) } catch { return }
        }
    }

    /// One round of ``run()``; what fails is logged and tried again in the next.
    public func sweep(at now: Timestamp) async {
        await attempt("dead pushes") { try await failStalePushes() }
        await attempt("orphaned staging tables") { _ = try await store.dropOrphanStaging() }
        await attempt("scheduled releases") { try await runDue(at: now) }
        await attempt("old answers") { _ = try await store.forgetAnswers(olderThan: configuration.answerLifetime, silentFor: configuration.silence) }
    }

    /// Releases the pushes whose time has come, the longest due first.
    ///
    /// - Returns: how many became visible.
    @discardableResult
    public func runDue(at now: Timestamp) async throws -> Int {
        var released = 0
        for push in try await store.duePushes(at: now, limit: 100) {
            do {
                if case .released = try await attempt(push, .due, key: nil, now: now) { released += 1 }
            } catch let problem as Problem where problem.code.status < 500 {
                // Another node was quicker, or the push says itself why it could not be released.
                logger.notice("scheduled release refused", metadata: ["push": "\(push)", "code": "\(problem.code.rawValue)"])
            }
        }
        return released
    }

    /// Ends the pushes whose process has given no sign of life for too long, and frees their Idempotency-Keys.
    func failStalePushes() async throws {
        let failed = try await store.failStalePushes(
            silentFor: configuration.silence, reason: LocalizedText(zh: "处理报送的服务进程中断，数据未保留；请重新报送", en: "the server process that worked on it died; nothing was kept, send it again"))
        for push in failed { logger.notice("push of a dead process failed", metadata: ["push": "\(push)"]) }
    }

    private func attempt(_ what: String, _ work: () async throws -> Void) async {
        do { try await work() } catch is CancellationError {} catch {
            logger.warning("upkeep failed", metadata: ["of": "\(what)", "error": "\(error)"])
        }
    }
}
