internal import Crypto
internal import Foundation
internal import Logging
internal import Model
internal import NIOCore
internal import Store
internal import Synchronization

/// Files of granted data in a folder: a cache, made again where one is missing.
final class SealedFiles: Sendable {
    /// A file that is being made.
    private final class Making: Sendable {
        let result = Mutex<Result<SealedFileRecord.Made, any Error>?>(nil)
    }

    private let directory: URL
    private let capacity: Int
    private let logger: Logger
    private let underway = Mutex<[SealedFileRecord.Name: Making]>([:])

    /// - Parameter capacity: bytes together; the oldest go first.
    init(directory: String, capacity: Int, logger: Logger) {
        self.directory = URL(fileURLWithPath: directory, isDirectory: true)
        self.capacity = capacity
        self.logger = logger
    }

    /// The file, opened; nil where it is not here.
    func open(_ name: SealedFileRecord.Name, _ made: SealedFileRecord.Made) -> OpenSealedFile? {
        let descriptor = Foundation.open(path(name, made).path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) == made.sealedBytes else {
            close(descriptor)
            return nil
        }
        return OpenSealedFile(owning: descriptor, size: made.sealedBytes, digest: made.sealedDigest)
    }

    /// Has a file made, once however many ask for it, and waits for it for some time.
    ///
    /// - Returns: nil where it takes longer; it is made all the same.
    func make(
        _ name: SealedFileRecord.Name, patience: Duration, _ work: @escaping @Sendable () async throws -> SealedFileRecord.Made
    ) async throws -> SealedFileRecord.Made? {
        let (making, isNew) = underway.withLock { underway -> (Making, Bool) in
            if let making = underway[name] { return (making, false) }
            let making = Making()
            underway[name] = making
            return (making, true)
        }
        if isNew {
            Task {
                let result: Result<SealedFileRecord.Made, any Error>
                do { result = .success(try await work()) } catch { result = .failure(error) }
                making.result.withLock { $0 = result }
                underway.withLock { _ = $0.removeValue(forKey: name) }
            }
        }
        let end = ContinuousClock.now + patience
        while true {
            if let result = making.result.withLock({ $0 }) { return try result.get() }
            guard ContinuousClock.now < end else { return nil }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Seals a stream into a file that nobody sees yet.
    ///
    /// - Returns: its place, its digest and its size.
    func write(_ bytes: some AsyncSequence<ByteBuffer, any Error>, to recipient: AgeKey, seed: [UInt8]) async throws -> (file: URL, digest: String, size: Int) {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let file = directory.appending(path: "making-\(newIdentifier())")
        guard FileManager.default.createFile(atPath: file.path, contents: nil, attributes: [.posixPermissions: 0o600]) else { throw CocoaError(.fileWriteUnknown) }
        do {
            let handle = try FileHandle(forWritingTo: file)
            defer { try? handle.close() }
            var sealer = try AgeSealer(to: recipient, seed: seed), hash = SHA256(), size = 0
            func put(_ sealed: [UInt8]) throws {
                guard !sealed.isEmpty else { return }
                hash.update(data: sealed)
                size += sealed.count
                try handle.write(contentsOf: sealed)
            }
            try put(sealer.header)
            for try await buffer in bytes { try put(try sealer.add(buffer.readableBytesView)) }
            try put(try sealer.finish())
            return (file, hash.finalize().map { String(format: "%02x", $0) }.joined(), size)
        } catch {
            try? FileManager.default.removeItem(at: file)
            throw error
        }
    }

    /// Shows a file that was made, and makes room for it.
    func keep(_ file: URL, as name: SealedFileRecord.Name, _ made: SealedFileRecord.Made) throws {
        guard rename(file.path, path(name, made).path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        makeRoom(besides: path(name, made).lastPathComponent)
    }

    func discard(_ file: URL) { try? FileManager.default.removeItem(at: file) }

    private func path(_ name: SealedFileRecord.Name, _ made: SealedFileRecord.Made) -> URL {
        directory.appending(path: "\(name.grant)-\(name.fromVersion)-\(name.toVersion)-\(made.sealedDigest).csv.age")
    }

    private func makeRoom(besides newest: String) {
        let keys: Set<URLResourceKey> = [.contentModificationDateKey, .fileSizeKey]
        let files = ((try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: Array(keys))) ?? []).compactMap { file in
            (try? file.resourceValues(forKeys: keys)).map { (file: file, at: $0.contentModificationDate ?? .distantPast, size: $0.fileSize ?? 0) }
        }
        var total = files.reduce(0) { $0 + $1.size }
        for old in files.sorted(by: { $0.at < $1.at }) where total > capacity && old.file.lastPathComponent != newest {
            // One that is being made for an hour was left behind.
            guard !old.file.lastPathComponent.hasPrefix("making-") || old.at.timeIntervalSinceNow < -3600 else { continue }
            logger.debug("a sealed file makes room", metadata: ["file": "\(old.file.lastPathComponent)"])
            try? FileManager.default.removeItem(at: old.file)
            total -= old.size
        }
    }
}

/// A sealed file that is open; closed with this object.
public final class OpenSealedFile: Sendable {
    private let descriptor: CInt
    public let size: Int
    /// SHA-256 of the file's bytes, 64 hexadecimal digits.
    public let digest: String

    init(owning descriptor: CInt, size: Int, digest: String) {
        self.descriptor = descriptor
        self.size = size
        self.digest = digest
    }

    deinit { close(descriptor) }

    /// A descriptor of one's own, -1 where the process has none left. It stays good when the file is removed.
    public func duplicate() -> CInt { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
}
