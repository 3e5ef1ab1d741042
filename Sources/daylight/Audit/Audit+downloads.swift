import Ledger
import Model
import NIOCore

extension Audit {
    /// Downloads a version, or keeps it back, or passes it by, as the sample says.
    func consider(_ target: Target, checked: Set<String>) async throws {
        candidates += 1
        switch sample {
        case .all:
            if !checked.contains(target.line) { try await download(target) }
        case .share(let share) where Double.random(in: 0..<1) < share: try await download(target)
        case .share, .count:
            // Each version is kept with the same chance, however many there are.
            let place = reserve.count < sample.reserve ? reserve.count : Int.random(in: 0..<candidates)
            if place < reserve.count { reserve[place] = target } else if place < sample.reserve { reserve.append(target) }
        }
    }

    /// Downloads what was kept back: all of it where a number was asked for; where a share chose none, one.
    func downloadReserve() async throws {
        if case .share = sample, report.downloads > 0 { return }
        for target in reserve { try await download(target) }
    }

    /// Compares the bytes, the rows, their tree and the schema of a version with its leaf.
    private func download(_ target: Target) async throws {
        let release = target.release
        var content = VersionContent()
        let path = target.path + "/data.csv"
        let status = try await stream(path, of: release) {
            content = VersionContent()
        } _: { buffer in
            content.update(buffer)
            self.progress.show(
                zh: "下载 \(release.dataset) 第 \(release.version) 版：\(content.bytes)/\(release.byteCount) 字节",
                en: "downloading \(release.dataset), version \(release.version): \(content.bytes) of \(release.byteCount) bytes")
        }
        // Withdrawn since the list was read: the next run holds it to its leaf.
        if status == 410 { return }
        func differs(_ promised: String, _ served: String, zh: String, en: String) throws {
            guard promised != served else { return }
            throw Lie(.content, dataset: release.dataset, version: release.version, promised: promised, served: served, zh: zh, en: en)
        }
        try differs("200", status.map(String.init) ?? "\(content.bytes) bytes", zh: "这一版的内容无法完整取得", en: "the bytes of the version are not given out whole")
        let (digest, head) = content.finish()
        try differs(release.digest, digest, zh: "下载的内容与发布的不符", en: "the bytes are not those that were released")
        try differs("\(release.byteCount)", "\(content.bytes)", zh: "字节数与存证不符", en: "there are more or fewer bytes than the leaf says")
        try differs("\(release.rowCount)", "\(content.rows)", zh: "行数与存证不符", en: "there are more or fewer rows than the leaf says")
        if let tree = release.rowTree {
            try differs("\(tree.size) \(tree.head)", "\(content.rows) \(head)", zh: "各行算出的树头与存证不符", en: "the rows do not make the head that the leaf has of them")
        }
        try await checkSchema(target)
        try await checkDescription(of: release)
        report.downloads += 1
        report.bytesDownloaded += content.bytes
        if sample == .all { try memory.keep([AuditMemory.part(of: release.dataset): [target.line]], as: .checked) }
    }

    /// A server that answers otherwise, and this again and again with errors of its own, does not give out what its log promises.
    private func stream(_ path: String, of release: Leaf.Release, begin: () -> Void, _ piece: (ByteBuffer) async throws -> Void) async throws -> Int? {
        do {
            return try await client.stream(path, begin: begin, piece)
        } catch let failure as Unreadable {
            guard (try? await client.get("/ledger/checkpoint"))?.status == 200 else { throw failure }
            throw Lie(
                .content, dataset: release.dataset, version: release.version, promised: release.digest, served: failure.message.text(in: .en),
                zh: "这一版的内容无法取得", en: "the bytes of the version are not given out")
        }
    }

    private struct VersionDocument: Decodable { var schema: TableSchema }

    private func checkSchema(_ target: Target) async throws {
        let answer = try await client.get(target.path), release = target.release
        guard answer.status == 200 else { return }
        let found = try Leaf.Release.digest(of: try answer.json(VersionDocument.self, of: target.path).schema)
        guard found == release.schemaDigest else {
            throw Lie(
                .version, dataset: release.dataset, version: release.version, promised: release.schemaDigest, served: found,
                zh: "字段定义与存证不符：数字未变，读法变了", en: "the schema is another than the log says: the numbers are the same, their meaning is not")
        }
    }
}
