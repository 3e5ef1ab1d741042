internal import Crypto
public import Foundation
public import Model
public import NIOCore
internal import Synchronization

/// A copy in a CSV file. A newer state is a new file, renamed over the older one.
///
/// Beside the file, `.daylight` says which version it is. Before the rename it says both, with the digests of both; so whatever the moment at which the program
/// or the machine stops, the next start finds out by the file's digest which of the two stands there.
public final class CSVCopy: LocalCopy {
    /// What stands beside the file.
    private struct Memory: Codable {
        struct State: Codable {
            var held: Held
            /// SHA-256 of the file.
            var digest: String
        }

        var format = "daylight-copy/1"
        var now: State?
        /// What is about to take its place.
        var next: State?
    }

    /// Moments between which a stop has to do no harm; for tests.
    enum Step: CaseIterable { case received, prepared, announced, renamed, promoted }

    private let file: URL
    private let steps: @Sendable (Step) throws -> Void
    private let memory: Mutex<Memory>
    private let lock: Int32

    private var memoryFile: URL { file.appendingPathExtension("daylight") }
    private var newFile: URL { file.appendingPathExtension("daylight.new") }
    private var partFile: URL { file.appendingPathExtension("daylight.part") }

    /// Opens a copy, and brings to its end what was broken off.
    ///
    /// - Parameter again: forgets what there is: the next delivery is a whole state.
    /// - Throws: ``CopyFailure`` where another process keeps it, where the file is not what was stored, or is no copy of ours.
    public convenience init(_ file: URL, again: Bool = false) throws {
        try self.init(file, again: again) { _ in }
    }

    init(_ file: URL, again: Bool = false, steps: @escaping @Sendable (Step) throws -> Void) throws {
        self.file = file
        self.steps = steps
        let path = file.appendingPathExtension("daylight.lock").path
        lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw CopyFailure(zh: "无法写入 \(path)", en: "\(path) cannot be written") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(lock)
            throw CopyFailure(zh: "另一个进程正在更新 \(file.path)", en: "another process keeps \(file.path) at the moment")
        }
        memory = Mutex(Memory())
        do {
            let recovered = try recover(again: again)
            memory.withLock { $0 = recovered }
        } catch {
            Foundation.close(lock)
            throw error
        }
    }

    public func close() async { flock(lock, LOCK_UN) }

    deinit { Foundation.close(lock) }

    public func held() async throws -> Held? { memory.withLock { $0.now?.held } }

    public func settle(_ delivery: String) async throws {
        var settled = memory.withLock { $0 }
        guard settled.now?.held.owed?.delivery == delivery else { return }
        settled.now?.held.owed = nil
        try remember(settled)
    }

    public func empty() async throws {
        if FileManager.default.fileExists(atPath: file.path) { try FileManager.default.removeItem(at: file) }
        try remember(Memory())
    }

    public func take<Bytes: AsyncSequence & Sendable>(
        _ incoming: Incoming, _ bytes: Bytes, check: (Arrival) async throws -> ReceiptStatement
    ) async throws where Bytes.Element == ByteBuffer {
        let now = memory.withLock { $0.now }
        let isWhole = incoming.fromVersion == 0
        let received = isWhole ? newFile : partFile
        var count = ArrivalCount()
        let handle = try Self.create(received)
        do {
            for try await buffer in bytes {
                count.add(buffer)
                try handle.write(contentsOf: Data(buffer.readableBytesView))
            }
            if isWhole { try handle.synchronize() }
            try handle.close()
        } catch {
            try? handle.close()
            throw error
        }
        try steps(.received)
        let statement = try await check(count.arrival)
        let digest = isWhole ? count.arrival.digest : try merge(incoming, onto: now)
        try steps(.prepared)
        var both = Memory(now: now)
        both.next = .init(held: Held(grant: incoming.grant, dataset: incoming.dataset, version: incoming.toVersion, owed: statement, delivery: incoming.delivery), digest: digest)
        try remember(both)
        try steps(.announced)
        try promote(both)
    }

    /// Puts the new file in its place, and notes that.
    private func promote(_ both: Memory) throws {
        guard rename(newFile.path, file.path) == 0 else { throw CopyFailure(zh: "无法替换 \(file.path)", en: "\(file.path) cannot be replaced") }
        Self.synchronize(folder: file.deletingLastPathComponent())
        try steps(.renamed)
        try remember(Memory(now: both.next))
        try steps(.promoted)
        try? FileManager.default.removeItem(at: partFile)
    }

    private func merge(_ incoming: Incoming, onto now: Memory.State?) throws -> String {
        guard let now, now.held.version == incoming.fromVersion else { throw CopyFailure(zh: "交付不是从现有版本开始的", en: "the delivery does not begin where the file ends") }
        let old = try Self.reading(file), changes = try Self.reading(partFile), new = try Self.create(newFile)
        defer {
            try? old.close()
            try? changes.close()
            try? new.close()
        }
        let digests = try ChangeMerge(key: incoming.key).merge(old, changes, into: new)
        guard digests.old == now.digest else { throw Self.changedByOthers(file) }
        try new.synchronize()
        return digests.new
    }

    /// What stands there, by the file's digest.
    private func recover(again: Bool) throws -> Memory {
        let exists = FileManager.default.fileExists(atPath: file.path)
        guard let data = try? Data(contentsOf: memoryFile) else {
            if exists, !again { throw CopyFailure(zh: "\(file.path) 已存在，且不是本程序保存的副本；换一个文件名，或加 --again 覆盖", en: "\(file.path) is there and is no copy of ours; take another name, or add --again to write over it") }
            return Memory()
        }
        if again { return Memory() }
        guard let known = try? JSON.decoder().decode(Memory.self, from: data), known.format == Memory().format else {
            throw CopyFailure(zh: "\(memoryFile.path) 已损坏；加 --again 重新获取全部数据", en: "\(memoryFile.path) is damaged; add --again to get everything anew")
        }
        let digest = exists ? try Self.digest(of: file) : nil
        if let next = known.next {
            if digest == next.digest {
                try remember(Memory(now: next))
                return Memory(now: next)
            }
            // The new file is whole, and was not renamed yet.
            if digest == known.now?.digest, FileManager.default.fileExists(atPath: newFile.path), try Self.digest(of: newFile) == next.digest {
                try promote(known)
                return Memory(now: next)
            }
        }
        // Whoever removed the data gets all of it again.
        guard let digest else { return Memory() }
        guard let now = known.now, digest == now.digest else { throw Self.changedByOthers(file) }
        return Memory(now: now)
    }

    private func remember(_ memory: Memory) throws {
        let temporary = memoryFile.appendingPathExtension("tmp")
        let handle = try Self.create(temporary)
        try handle.write(contentsOf: try JSON.encoder(pretty: true).encode(memory))
        try handle.synchronize()
        try handle.close()
        guard rename(temporary.path, memoryFile.path) == 0 else { throw CopyFailure(zh: "无法写入 \(memoryFile.path)", en: "\(memoryFile.path) cannot be written") }
        Self.synchronize(folder: file.deletingLastPathComponent())
        self.memory.withLock { $0 = memory }
    }

    private static func changedByOthers(_ file: URL) -> CopyFailure {
        CopyFailure(zh: "\(file.path) 被改动过；加 --again 重新获取全部数据", en: "\(file.path) was changed by somebody else; add --again to get everything anew")
    }

    /// Data that the public does not get: for its owner alone.
    private static func create(_ file: URL) throws -> FileHandle {
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CopyFailure(zh: "无法写入 \(file.path)", en: "\(file.path) cannot be written") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private static func reading(_ file: URL) throws -> FileHandle {
        guard let handle = FileHandle(forReadingAtPath: file.path) else { throw CopyFailure(zh: "无法读取 \(file.path)", en: "\(file.path) cannot be read") }
        return handle
    }

    private static func digest(of file: URL) throws -> String {
        let handle = try reading(file)
        defer { try? handle.close() }
        var hash = SHA256()
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        return ArrivalCount.text(hash.finalize())
    }

    /// A rename is on disk when its folder is.
    private static func synchronize(folder: URL) {
        let descriptor = open(folder.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        Foundation.close(descriptor)
    }
}
