internal import Glibc

/// A finished file of the cache: one version's canonical bytes, or their gzip form.
struct SnapshotFile: Sendable, Hashable {
    /// `<dataset>-<version>-<digest>.csv`, and with `-<digest of the gzip form>.csv.gz` behind.
    let name: SnapshotName
    /// Digest of this file's own bytes, 64 hexadecimal digits.
    let digest: String
    let size: Int

    var fileName: String { name.isGzip ? "\(name.stem)-\(digest).csv.gz" : "\(name.stem).csv" }

    init(name: SnapshotName, digest: String, size: Int) {
        self.name = name
        self.digest = digest
        self.size = size
    }

    /// Reads a file's name.
    ///
    /// - Returns: nil when it is not one of the cache's.
    init?(fileName: String, size: Int) {
        var stem = Substring(fileName)
        let isGzip = stem.hasSuffix(".csv.gz")
        guard isGzip || stem.hasSuffix(".csv") else { return nil }
        stem.removeLast(isGzip ? 7 : 4)
        var parts = stem.split(separator: "-", omittingEmptySubsequences: false)
        var own: Substring?
        if isGzip { own = parts.popLast() }
        guard parts.count >= 3, let digest = parts.popLast(), let number = parts.popLast().flatMap({ Int($0) }) else { return nil }
        guard [digest, own ?? digest].allSatisfy({ $0.utf8.count == 64 }) else { return nil }
        name = SnapshotName(dataset: parts.joined(separator: "-"), version: number, digest: String(digest), isGzip: isGzip)
        self.digest = String(own ?? digest)
        self.size = size
    }
}

/// What a file of the cache is of.
struct SnapshotName: Sendable, Hashable {
    let dataset: String
    let version: Int
    /// Digest of the canonical bytes.
    let digest: String
    let isGzip: Bool

    var stem: String { "\(dataset)-\(version)-\(digest)" }
}

/// An open file of the cache; closed with this object.
public final class OpenSnapshot: Sendable {
    let descriptor: CInt
    public let size: Int
    /// SHA-256 of the file's bytes, 64 hexadecimal digits.
    public let digest: String

    init(owning descriptor: CInt, size: Int, digest: String) {
        self.descriptor = descriptor
        self.size = size
        self.digest = digest
    }

    deinit { close(descriptor) }

    /// A descriptor of one's own, -1 where the process has none left. It stays good when the file is removed from the cache.
    public func duplicate() -> CInt { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
}
