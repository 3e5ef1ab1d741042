import Logging
import Model
import NIOConcurrencyHelpers
import NIOCore
import Store

extension Publishing {
    /// Reads, checks and settles one push.
    ///
    /// - Returns: what it came to, and SHA-256 of the body where it was read to its end.
    func take(
        _ request: PushRequest, push id: String, target: PushTarget, body: some AsyncSequence<ByteBuffer, any Error> & Sendable
    ) async throws -> (PushReport, content: String?) {
        let push = Push(
            id: id, dataset: target.dataset, department: target.department, mode: request.mode, dryRun: request.dryRun, policy: target.policy,
            key: request.key.id, profile: target.profile, receivedAt: .now)
        let record = PushRecord(push: push, schema: target.schema, mapping: target.mapping)
        let keepsRecords = target.policy == .quarantine
        let intake = try Intake(
            Intake.Settings(
                schema: target.schema, mapping: target.mapping, charset: request.charset, isCompressed: request.isCompressed, keepsRecords: keepsRecords,
                findingLimit: configuration.findingLimit))
        try await store.createPush(record, worker: worker)
        let received = NIOLockedValueBox(0)
        let heartbeat = Task { [store, worker, configuration, logger] in
            while true {
                try await Task.sleep(for: configuration.heartbeat)
                do {
                    if try await !store.beat(push: id, worker: worker, bytes: received.withLockedValue { $0 }) { return }
                } catch {
                    logger.warning("no heartbeat for a push", metadata: ["push": "\(id)", "error": "\(error)"])
                }
            }
        }
        defer { heartbeat.cancel() }
        try await slots.enter()
        defer { slots.leave() }
        return try await store.stage(record, target: target, keepsRecords: keepsRecords) { staging in
            let work = PushWork(publishing: self, request: request, record: record, intake: intake, staging: staging)
            try await work.read(body, received)
            let report = try await work.check()
            return (report, work.content)
        }
    }
}
