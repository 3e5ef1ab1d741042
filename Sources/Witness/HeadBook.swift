import Foundation
import Ledger

/// The last head that was signed of each log, on disk: one file per log, replaced as a whole.
///
/// Not thread-safe: ``Witness`` asks it from one queue.
final class HeadBook {
    private let folder: URL
    private var heads: [String: Checkpoint] = [:]
    private let lock: CInt

    /// Opens the book and reads what stands in it.
    ///
    /// - Throws: ``WitnessFailure`` where another process has it open, or a page cannot be read: a witness that forgot would sign anything.
    init(_ folder: URL, rules: WitnessRules) throws {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw WitnessFailure("\(folder.path) cannot be made: \(error.localizedDescription)")
        }
        lock = open(folder.appending(path: "lock").path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, lockf(lock, F_TLOCK, 0) == 0 else {
            if lock >= 0 { close(lock) }
            throw WitnessFailure("\(folder.path) is used by another witness: two of them would not know what the other signs")
        }
        for (origin, keys) in rules.logs {
            let file = page(origin)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            guard let text = try? String(contentsOf: file, encoding: .utf8), let note = SignedNote(text), let head = Checkpoint(text: note.text), head.origin == origin,
                rules.isSigned(note, by: keys)
            else { throw WitnessFailure("\(file.path) is not a checkpoint signed by \(origin); restore it, or ask the readers to trust another witness") }
            heads[origin] = head
        }
    }

    deinit { close(lock) }

    func head(of origin: String) -> Checkpoint? { heads[origin] }

    /// Keeps a head. When this returns it stands on the disk, whatever happens then.
    ///
    /// - Throws: ``WitnessFailure`` where it does not: nothing may be signed then.
    func keep(_ head: Checkpoint, _ note: SignedNote) throws {
        let file = page(head.origin), draft = folder.appending(path: "draft")
        try write(Array(note.description.utf8), to: draft.path)
        guard rename(draft.path, file.path) == 0 else { throw WitnessFailure("\(file.path) cannot be replaced: \(Self.reason)") }
        // The name too is on the disk only when the folder is.
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw WitnessFailure("\(folder.path) cannot be opened: \(Self.reason)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw WitnessFailure("\(folder.path) cannot be written to the disk: \(Self.reason)") }
        heads[head.origin] = head
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw WitnessFailure("\(path) cannot be written: \(Self.reason)") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw WitnessFailure("\(path) cannot be written: \(Self.reason)") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw WitnessFailure("\(path) cannot be written to the disk: \(Self.reason)") }
    }

    /// Named by the origin's digest, since an origin may have any characters.
    private func page(_ origin: String) -> URL { folder.appending(path: HexDigest.of(origin.utf8) + ".checkpoint") }

    private static var reason: String { String(cString: strerror(errno)) }
}

/// Why a witness cannot work, in words for its operator.
public struct WitnessFailure: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
