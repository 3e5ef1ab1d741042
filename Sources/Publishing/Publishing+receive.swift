import Logging
public import Model
public import NIOCore
import Store

extension Publishing {
    /// Takes a push in: reads the body as a stream, checks every value on the way and the whole set afterwards, and keeps the rows for a release.
    ///
    /// When it throws, nothing of the rows is left, the push is `failed`, and the same Idempotency-Key may be sent again. When the task is cancelled,
    /// or the body ends with an error, it is the same.
    ///
    /// - Parameters:
    ///   - body: the bytes as they come; read no faster than they can be stored.
    ///   - answer: turns what the push came to into the answer that a retry will get again.
    /// - Throws: `Problem`.
    public func receive(
        _ request: PushRequest, body: some AsyncSequence<ByteBuffer, any Error> & Sendable, answer: @Sendable (PushReport) throws -> StoredAnswer
    ) async throws -> PushOutcome {
        let target = try await target(request.dataset)
        try Self.check(target)
        let id = newIdentifier()
        if request.idempotencyKey != nil, let repeated = try await claim(request, push: id, body: body, answer: answer) { return repeated }
        do {
            let (report, content) = try await take(request, push: id, target: target, body: body)
            let answer = try answer(report)
            if request.idempotencyKey != nil {
                // A body that was not read to its end cannot be told from another one.
                if let content { try await store.finish(idempotencyKeyOf: id, content: content, answer) } else { try await store.release(idempotencyKeyOf: id) }
            }
            return .new(report, answer)
        } catch {
            await fail(id, error)
            throw error
        }
    }

    /// Refuses a push that could never be released.
    static func check(_ target: PushTarget) throws {
        if let home = target.home { throw Problem.mirrored(at: home) }
        if target.state == .withdrawn {
            throw Problem(.datasetWithdrawn, zh: "数据资源已撤回，不能再报送", en: "the dataset is withdrawn and takes no more pushes")
        }
        if let released = target.currentSchema, case .conflicting(let places) = SchemaChange(from: released, to: target.schema) {
            throw Problem(
                .schemaConflict, zh: "数据资源的信息项与已发布的版本冲突；请恢复信息项，或另建数据资源",
                en: "the dataset's fields conflict with the released version; restore them, or describe another dataset", places: places)
        }
    }

    /// Ends a push that cannot go on. Runs to its end even where the caller's task is cancelled.
    private func fail(_ push: String, _ error: any Error) async {
        let reason: LocalizedText
        switch error {
        case let problem as Problem where problem.code.status < 500: reason = problem.detail
        case is CancellationError: reason = LocalizedText(zh: "连接中断，请重新报送", en: "the connection broke; send it again")
        default: reason = LocalizedText(zh: "接收中断，请重新报送", en: "the push was interrupted; send it again")
        }
        await Task { [store, logger] in
            do {
                try await store.failPush(push, reason: reason)
                try await store.release(idempotencyKeyOf: push)
            } catch {
                // Its heartbeat has stopped: the next look at dead pushes ends it.
                logger.warning("push not marked as failed", metadata: ["push": "\(push)", "error": "\(error)"])
            }
        }.value
    }
}

extension Publishing {
    /// Claims the request's Idempotency-Key.
    ///
    /// - Returns: nil where it is new; what was answered before where it is not.
    /// - Throws: `Problem` where the key stands for another request, or for one that is still being worked on.
    private func claim(
        _ request: PushRequest, push: String, body: some AsyncSequence<ByteBuffer, any Error> & Sendable,
        answer: @Sendable (PushReport) throws -> StoredAnswer
    ) async throws -> PushOutcome? {
        guard let key = request.idempotencyKey else { return nil }
        let fingerprint = Self.fingerprint(request.line)
        let declared = request.contentDigest?.hexadecimal
        // The second look is for an answer that a dead process left behind, or that came in the meantime.
        for attempt in 1...2 {
            let claim = try await store.claim(
                idempotencyKey: key, of: request.key.id, fingerprint: fingerprint, content: declared, push: push, lifetime: configuration.answerLifetime)
            switch claim {
            case .claimed: return nil
            case .finished(let earlier, let line, let content, let stored):
                guard line == fingerprint else { throw Self.reusedKey }
                let sent = if let declared { declared } else { try await digest(of: body) }
                guard sent == content else { throw Self.reusedKey }
                return .replayed(push: earlier, stored)
            case .inProgress(let earlier):
                if attempt == 2 { break }
                if let earlier { try await recover(earlier, answer) }
            }
        }
        throw Problem(
            .idempotencyInProgress, zh: "带有同一 Idempotency-Key 的请求仍在处理，请稍后重试", en: "a request with the same Idempotency-Key is still being worked on; try again in a while",
            retryAfter: 5)
    }

    /// Finishes what a process that died left between the end of a push and its answer; ends the push if its process died earlier.
    private func recover(_ push: String, _ answer: @Sendable (PushReport) throws -> StoredAnswer) async throws {
        try await failStalePushes()
        // Claimed a moment ago: its push is about to be noted.
        guard let record = try await store.push(push) else { return }
        switch record.push.state {
        case .receiving, .checking: return
        case .failed: try await store.release(idempotencyKeyOf: push)
        default:
            guard let content = record.contentDigest else { return try await store.release(idempotencyKeyOf: push) }
            try await store.finish(idempotencyKeyOf: push, content: content, answer(try await report(record)))
        }
    }

    private func report(_ record: PushRecord) async throws -> PushReport {
        let push = record.push.id
        return PushReport(
            record: record, counts: try await store.findingCounts(of: push), findings: try await store.findings(of: push, after: 0, limit: 20).map(\.finding))
    }

    private func digest(of body: some AsyncSequence<ByteBuffer, any Error>) async throws -> String {
        var digest = CanonicalDigest()
        for try await chunk in body {
            digest.update(chunk)
            if digest.bytes > configuration.bodyLimit { throw Self.tooLarge(configuration.bodyLimit) }
        }
        return digest.hexadecimal
    }

    private static func fingerprint(_ line: String) -> String {
        var digest = CanonicalDigest()
        digest.update(ByteBuffer(string: line))
        return digest.hexadecimal
    }

    private static var reusedKey: Problem {
        Problem(
            .idempotencyKeyReused, zh: "该 Idempotency-Key 已用于另一请求；不同内容请使用新的键", en: "this Idempotency-Key stands for another request; use a new key for other content",
            places: [.init("Idempotency-Key", zh: "已用于另一请求", en: "stands for another request")])
    }

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(.payloadTooLarge, zh: "请求体超过 \(limit) 字节", en: "the body is longer than \(limit) bytes", members: [.limit: String(limit)])
    }
}
