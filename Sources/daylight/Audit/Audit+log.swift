import Ledger
import Model

extension Audit {
    /// Follows the log to its newest head: every leaf, every tile, the head, and that it goes on from the last one.
    ///
    /// - Throws: ``Lie``, ``Unreadable``.
    func follow(_ verifier: NoteVerifier) async throws {
        let (note, newest) = try await newestHead(verifier)
        try checkAgainstMemory(note, newest)
        var reading = LogReading(), sequence = LogSequence()
        if let known = memory.head, !memory.isAnew {
            let edge = known.edge.map { $0.compactMap { TreeHash(base64: $0) } }
            guard let head = TreeHash(base64: known.head), let resumed = LogReading(size: known.size, edge: edge, head: head) else {
                throw AuditMemory.damaged
            }
            reading = resumed
            sequence = known.sequence ?? sequence
        }
        while let (tile, known) = reading.nextBundle(of: newest.size) {
            try await read(tile, known: known, into: &reading, &sequence)
            for owed in reading.takeOwed(andEdge: false) { try await compare(owed.tile, owed.hashes) }
            progress.show(zh: "存证 \(reading.size)/\(newest.size) 条", en: "ledger: \(reading.size) of \(newest.size) leaves")
        }
        for owed in reading.takeOwed(andEdge: true) { try await compare(owed.tile, owed.hashes) }
        guard reading.head == newest.head else {
            memory.keepEvidence(note)
            throw Lie(
                memory.head == nil ? .head : .rewritten, promised: newest.head.base64, served: reading.head.base64, zh: "条目算出的树头与签名的树头不符", en: "the leaves do not make the head that was signed")
        }
        try memory.keep(newest, note: note, key: verifier, edge: reading.edge, sequence: sequence)
        (report.size, report.head, report.kinds) = (newest.size, newest.head.base64, sequence.counts)
    }

    /// The newest head. One that is smaller than the known one may come from a server that lags behind for a moment.
    private func newestHead(_ verifier: NoteVerifier) async throws -> (SignedNote, Checkpoint) {
        for attempt in 0... {
            let text = try await client.text("/ledger/checkpoint")
            guard let note = SignedNote(text) else { throw Unreadable(zh: "/ledger/checkpoint 不是树头", en: "/ledger/checkpoint is no checkpoint") }
            guard let checkpoint = Checkpoint(note, signedBy: verifier) else {
                throw Lie(.head, promised: "\(verifier)", served: String(text.prefix(200)), zh: "树头没有该公钥的有效签名", en: "the head is not signed by the ledger's key")
            }
            if let known = memory.head, checkpoint.size < known.size, attempt < 10 {
                try await Task.sleep(for: .seconds(1))
                continue
            }
            return (note, checkpoint)
        }
        throw CancellationError()
    }

    private func checkAgainstMemory(_ note: SignedNote, _ newest: Checkpoint) throws {
        guard let known = memory.head else { return }
        let promised = "\(known.size) \(known.head)", served = "\(newest.size) \(newest.head.base64)"
        if newest.size < known.size {
            memory.keepEvidence(note)
            throw Lie(.head, promised: promised, served: served, zh: "存证比上次短：两个树头都有签名", en: "the log is shorter than the last time: both heads are signed")
        }
        if newest.size == known.size, newest.head.base64 != known.head {
            memory.keepEvidence(note)
            throw Lie(.rewritten, promised: promised, served: served, zh: "同样大小的两个树头不同：两个都有签名，历史被改写过", en: "two heads of one size differ, and both are signed: history was rewritten")
        }
    }

    /// Reads a bundle: leaves that were read before have to be the same, new ones are added.
    private func read(_ tile: Tile, known: [TreeHash], into reading: inout LogReading, _ sequence: inout LogSequence) async throws {
        let path = "/ledger/" + tile.path, answer = try await client.get(path)
        guard answer.status == 200, let entries = EntryBundle.decode(answer.body), entries.count == tile.width else {
            throw Lie(.tile, promised: path, served: "\(answer.status), \(answer.body.count)", zh: "已签名的条目无法取得", en: "leaves under the signed head are not served")
        }
        var lines: [Int: [String]] = [:], salted: [Int: [String]] = [:]
        for (offset, entry) in entries.enumerated() {
            let index = tile.index * Tile.fullWidth + offset, hash = TreeHash.leaf(entry)
            if offset < known.count {
                guard hash == known[offset] else {
                    throw Lie(
                        .rewritten, promised: known[offset].base64, served: hash.base64, zh: "第 \(index) 条与上次读到的不同：历史被改写过", en: "leaf \(index) is another than the last time: history was rewritten")
                }
                continue
            }
            reading.append(hash)
            report.leavesRead += 1
            guard let leaf = try? Leaf(entry: entry), let spelled = try? CanonicalJSON(parsing: entry), spelled.bytes == entry else {
                throw Lie(
                    .leaf, leaf: index, promised: "daylight-leaf/1", served: String(decoding: entry.prefix(200), as: UTF8.self), zh: "第 \(index) 条不是规范的条目",
                    en: "entry \(index) is no leaf in its one spelling")
            }
            do { try leaf.checkForm() } catch {
                throw Lie(
                    .leaf, leaf: index, promised: error.member, served: String(decoding: entry.prefix(200), as: UTF8.self), zh: "第 \(index) 条的 \(error.member) \(error.message.zh)",
                    en: "leaf \(index) is malformed: \(error.member) \(error.message.text(in: .en))")
            }
            try sequence.take(leaf, at: index)
            if case .review = leaf { report.reviews += 1 }
            let line = "\(index) " + String(decoding: entry, as: UTF8.self)
            if let subject = leaf.subject { lines[AuditMemory.part(of: subject), default: []].append(line) }
            if let commitment = leaf.commitment { salted[AuditMemory.part(of: commitment.digest), default: []].append(line) }
        }
        try memory.add(lines, salted)
    }

    /// Compares a file of hashes with what its leaves make.
    private func compare(_ tile: Tile, _ hashes: [TreeHash]) async throws {
        let path = "/ledger/" + tile.path, answer = try await client.get(path), promised = hashes.flatMap(\.bytes)
        guard answer.status == 200, answer.body == promised else {
            let place = zip(hashes.indices, stride(from: 0, to: promised.count, by: 32)).first { _, at in
                answer.body.count < at + 32 || !answer.body[at..<at + 32].elementsEqual(promised[at..<at + 32])
            }
            throw Lie(
                .tile, promised: place.map { hashes[$0.0].base64 } ?? "\(promised.count)", served: "\(answer.status), \(answer.body.count) bytes at \(path)",
                zh: "分片 \(tile.path) 与条目算出的不符（第 \(place?.0 ?? 0) 个）", en: "the tile \(tile.path) is not what the leaves make (hash \(place?.0 ?? 0))")
        }
        report.tilesCompared += 1
    }
}

extension Leaf {
    /// The dataset or profile that it is about; nil of what names neither.
    fileprivate var subject: String? {
        if case .profile(let leaf) = self { leaf.profile } else { dataset }
    }
}
