internal import Foundation
public import Model
internal import Store

/// A delivery as a file that is sealed to the receiver's key.
public struct SealedDelivery: Sendable {
    /// Names the delivery: what a receipt names.
    public let delivery: String
    public let grant: String
    public let dataset: String
    public let title: LocalizedText
    /// 0 where it is the whole state.
    public let fromVersion: Int
    public let toVersion: Int
    /// Identifier of the key that opens it.
    public let key: String
    public let file: OpenSealedFile
    /// What is left of the grant's rate.
    public let allowances: [ShareAllowance]
    /// When the next row has to leave: the file ends then.
    public let expiresAt: Timestamp?
}

extension Sharing {
    /// How long a caller waits for a file that is being made.
    private static let patience = Duration.seconds(20)

    /// What is new since the last receipt as a sealed file: the whole state the first time, then changes. Made once for each pair of versions and each key.
    ///
    /// - Parameters:
    ///   - since: another version to begin with; 0 for the whole state.
    ///   - version: up to which; the newest where it is nil.
    /// - Throws: `Problem`: as ``changes(by:for:purpose:since:isProbe:now:)``, and `encryptionKeyMissing`, `overloaded` while it is being made.
    public func sealedFile(by id: String, for member: Member, purpose: String?, since: Int?, version: Int?, call: String = "-", now: Timestamp = .now) async throws -> SealedDelivery {
        let served = try await serve(id, to: member, now: now)
        let purpose = try Self.stated(purpose)
        guard let files else { throw Problem(.overloaded, zh: "本服务器未设置文件目录", en: "this server keeps no files") }
        guard let key = try await store.encryptionKey(of: served.grant.receiver), let recipient = AgeKey(.recipient, Data(base64Encoded: key.publicKey).map { Array($0) } ?? [])
        else {
            throw Problem(
                .encryptionKeyMissing, zh: "文件按接收部门的公钥加密：请先登记用途为 encryption 的公钥（POST /v1/exchange/keys）",
                en: "files are sealed to the receiver's key: register one first, with use \"encryption\" (POST /v1/exchange/keys)")
        }
        let to = version ?? served.currentVersion
        try await check(version: to, served)
        let last = try await store.receiptedVersion(of: id) ?? 0
        // Who signed for all there is gets the last state again rather than nothing.
        let from = since ?? (last < to ? last : 0)
        guard from == 0 || (served.grant.fromVersion..<to).contains(from) else {
            throw Problem(
                .invalidParameter, zh: "参数 since 应为 0，或 \(served.grant.fromVersion) 至 \(to - 1)", en: "the parameter since must be 0, or from \(served.grant.fromVersion) to \(to - 1)",
                places: [.init("since", zh: "没有这一版", en: "no such version")])
        }
        let pass = try await enter(served, member, purpose)
        let name = SealedFileRecord.Name(grant: id, fromVersion: from, toVersion: to, key: key.id)
        let record = try await store.sealedFile(name, newSeed: Webhook.newSecret())
        var made = record.made
        var file = made.flatMap { files.open(name, $0) }
        if file == nil {
            made = try await files.make(name, patience: Self.patience) { try await makeFile(name, recipient, served, member, purpose, by: pass, record, in: files, now) }
            guard let made else {
                throw Problem(.overloaded, zh: "文件正在生成，请稍后重试", en: "the file is being made; try again in a moment", retryAfter: 10)
            }
            file = files.open(name, made)
        }
        guard let made, let file else { throw Problem(.overloaded, zh: "文件正在生成，请稍后重试", en: "the file is being made; try again in a moment", retryAfter: 1) }
        if let signed = member.signed { try await store.addDeliveryCall(made.delivery, key: signed.key.id, base: signed.base, signature: signed.signature) }
        try await note("file", served, member, purpose, call: call, from: from, version: to, delivery: made.delivery)
        try await delivered(served.grant.request, now)
        return SealedDelivery(
            delivery: made.delivery, grant: id, dataset: served.grant.dataset, title: served.title, fromVersion: from, toVersion: to, key: key.id, file: file, allowances: pass.allowances, expiresAt: served.expiresAt)
    }

    /// Makes a file, from one snapshot of the database.
    private func makeFile(
        _ name: SealedFileRecord.Name, _ recipient: AgeKey, _ served: ServedGrant, _ member: Member, _ purpose: String, by first: GrantPass, _ record: SealedFileRecord, in files: SealedFiles,
        _ now: Timestamp
    ) async throws -> SealedFileRecord.Made {
        let known = name.fromVersion == 0 ? now : try await store.releaseTime(of: served.grant.dataset, version: name.fromVersion) ?? now
        var (record, pass) = (record, first)
        for attempt in 0..<3 {
            // A pass is for one read.
            if attempt > 0 { pass = try await enter(served, member, purpose) }
            let delivery = Delivery(id: newIdentifier(), grant: name.grant, fromVersion: name.fromVersion, toVersion: name.toVersion, startedAt: now)
            let counted = Counted()
            let bytes = store.granted(served, by: pass, delivery, asChanges: name.fromVersion > 0, known: known) { count in
                // A view of a grant that ended gives nothing, and nothing is not what stands.
                try await confirm(served, to: member)
                counted.count = count
            }
            let (file, digest, size) = try await files.write(DeliveryBytes(rows: bytes), to: recipient, seed: record.seed)
            guard let content = counted.count else { throw CancellationError() }
            do {
                let kept = try await store.finishSealedFile(
                    name, seed: record.seed, content: content, sealedDigest: digest, sealedBytes: size, delivery: delivery.id, at: now)
                if let made = kept.made, kept.seed == record.seed, made.sealedDigest == digest {
                    try files.keep(file, as: name, made)
                    try await charge(rows: content.rows, served.grant, by: pass)
                    return made
                }
                // Rows were withdrawn meanwhile, or since it was made elsewhere: other content must have another seed. Nobody saw this file.
                files.discard(file)
                if kept.seed == record.seed { try await store.forgetSealedFile(name, seed: record.seed) }
                record = try await store.sealedFile(name, newSeed: Webhook.newSecret())
            } catch {
                files.discard(file)
                throw error
            }
        }
        throw Problem(.overloaded, zh: "数据正在变更，请稍后重试", en: "the data is changing; try again in a moment", retryAfter: 5)
    }
}

/// What a stream came to, handed from its end to whoever read it.
private final class Counted: @unchecked Sendable {
    // Written before the stream's last element is handed over, read after it.
    var count: DeliveryCount?
}
