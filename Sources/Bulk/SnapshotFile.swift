internal import Glibc

/// In which form a version's file is.
public enum SnapshotForm: String, Sendable, CaseIterable {
    /// The canonical bytes.
    case csv = "csv"
    /// The canonical bytes with a byte order mark and CRLF, as Excel wants them.
    case excel = "excel.csv"
    case gzip = "csv.gz"
    /// An Excel workbook.
    case workbook = "xlsx"
}

/// A finished file of the cache: one version's canonical bytes, or another form of them.
struct SnapshotFile: Sendable, Hashable {
    /// `<dataset>-<version>-<digest>.csv`, and in other forms with their own digest behind, as in `…-<digest>.csv.gz`.
    let name: SnapshotName
    /// Digest of this file's own bytes, 64 hexadecimal digits.
    let digest: String
    let size: Int

    var fileName: String { name.form == .csv ? "\(name.stem).csv" : "\(name.stem)-\(digest).\(name.form.rawValue)" }

    init(name: SnapshotName, digest: String, size: Int) {
        self.name = name
        self.digest = digest
        self.size = size
    }

    /// Reads a file's name.
    ///
    /// - Returns: nil when it is not one of the cache's.
    init?(fileName: String, size: Int) {
        let forms = SnapshotForm.allCases.filter { fileName.hasSuffix(".\($0.rawValue)") }
        guard let form = forms.max(by: { $0.rawValue.utf8.count < $1.rawValue.utf8.count }) else { return nil }
        let stem = fileName.dropLast(form.rawValue.count + 1)
        var parts = stem.split(separator: "-", omittingEmptySubsequences: false)
        var own: Substring?
        if form != .csv { own = parts.popLast() }
        guard parts.count >= 3, let digest = parts.popLast(), let number = parts.popLast().flatMap({ Int($0) }) else { return nil }
        guard [digest, own ?? digest].allSatisfy({ $0.utf8.count == 64 }) else { return nil }
        name = SnapshotName(dataset: parts.joined(separator: "-"), version: number, digest: String(digest), form: form)
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
    let form: SnapshotForm

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
