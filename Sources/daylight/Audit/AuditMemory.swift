import Foundation
import Ledger

/// What an audit remembers from one time to the next, in a folder: the last head that was right, the edge of its tree, and the leaves by dataset.
///
/// Leaves go into files by the name of their dataset, so that one after the other can be compared with the server within little memory. What was read and is
/// not under a verified head yet is cut off again by the next run.
final class AuditMemory {
    struct Head: Codable {
        /// Which kinds of leaves the files hold; see ``AuditMemory/kinds``.
        var kinds: Int?
        var key: String
        var origin: String
        var size: Int
        var head: String
        /// The signed checkpoint itself: the evidence.
        var checkpoint: String
        /// Hashes of the unfinished tile of each level.
        var edge: [[String]]
        /// Bytes of each file of leaves.
        var lengths: [Int]
    }

    static let parts = 64
    /// Counts how often more kinds of leaves came to be kept: a folder from before is read anew.
    private static let kinds = 2

    private let folder: URL
    private(set) var head: Head?

    /// - Throws: ``Unreadable`` where the folder cannot be used.
    init(_ folder: URL, again: Bool) throws {
        self.folder = folder
        let file = folder.appending(path: "head.json")
        do {
            try FileManager.default.createDirectory(at: folder.appending(path: "leaves"), withIntermediateDirectories: true)
            if FileManager.default.fileExists(atPath: file.path) {
                head = try JSONDecoder().decode(Head.self, from: Data(contentsOf: file))
                if again || head?.kinds != Self.kinds {
                    // The head stays known: the new one has to go on from it.
                    head?.edge = []
                    head?.lengths = []
                }
            }
            for part in 0..<Self.parts {
                let path = leaves(part).path, length = head.flatMap { part < $0.lengths.count ? $0.lengths[part] : nil } ?? 0
                if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
                guard let handle = FileHandle(forUpdatingAtPath: path) else { throw CocoaError(.fileWriteNoPermission) }
                defer { try? handle.close() }
                guard try handle.seekToEnd() >= UInt64(length) else { throw CocoaError(.fileReadCorruptFile) }
                try handle.truncate(atOffset: UInt64(length))
            }
        } catch {
            throw Unreadable(zh: "无法使用目录 \(folder.path)：\(error.localizedDescription)", en: "the folder \(folder.path) cannot be used: \(error.localizedDescription)")
        }
    }

    /// Whether leaves are to be read from the beginning, though a head is known.
    var isAnew: Bool { head?.edge.isEmpty == true && head?.size != 0 }

    static func part(of dataset: String) -> Int {
        Int(dataset.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } % UInt64(parts))
    }

    private func leaves(_ part: Int) -> URL { folder.appending(path: "leaves/\(part)") }

    /// Adds leaves to their file, one a line: a leaf in its one spelling has no line end.
    func add(_ lines: [Int: [String]]) throws {
        for (part, lines) in lines {
            guard let handle = FileHandle(forWritingAtPath: leaves(part).path) else { throw Unreadable(zh: "无法写入状态目录", en: "the state folder cannot be written") }
            defer { try? handle.close() }
            do {
                try handle.seekToEnd()
                try handle.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
            } catch {
                throw Unreadable(zh: "无法写入状态目录", en: "the state folder cannot be written")
            }
        }
    }

    /// The leaves of one part.
    func entries(_ part: Int) throws -> [[UInt8]] {
        guard let data = try? Data(contentsOf: leaves(part)) else { throw Unreadable(zh: "无法读取状态目录", en: "the state folder cannot be read") }
        return data.split(separator: 0x0A).map { Array($0) }
    }

    /// Keeps a head that is right. What follows begins here.
    func keep(_ checkpoint: Checkpoint, note: SignedNote, key: NoteVerifier, edge: [[TreeHash]]) throws {
        let lengths = (0..<Self.parts).map { part in
            (try? FileManager.default.attributesOfItem(atPath: leaves(part).path)[.size] as? NSNumber)?.intValue ?? 0
        }
        let head = Head(
            kinds: Self.kinds, key: "\(key)", origin: checkpoint.origin, size: checkpoint.size, head: checkpoint.head.base64, checkpoint: note.description, edge: edge.map { $0.map(\.base64) },
            lengths: lengths)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard (try? encoder.encode(head).write(to: folder.appending(path: "head.json"), options: .atomic)) != nil else {
            throw Unreadable(zh: "无法写入状态目录", en: "the state folder cannot be written")
        }
        self.head = head
    }

    /// Keeps two heads that contradict each other.
    func keepEvidence(_ note: SignedNote) {
        try? note.description.write(to: folder.appending(path: "contradiction.checkpoint"), atomically: true, encoding: .utf8)
    }

    // Downloads that were right, so that a run that was broken off goes on.

    private func checked(_ part: Int) -> URL { folder.appending(path: "checked/\(part)") }

    func checkedVersions(_ part: Int) -> Set<String> {
        Set((try? String(contentsOf: checked(part), encoding: .utf8))?.split(separator: "\n").map(String.init) ?? [])
    }

    func addChecked(_ line: String, part: Int) {
        try? FileManager.default.createDirectory(at: folder.appending(path: "checked"), withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: checked(part).path) { _ = FileManager.default.createFile(atPath: checked(part).path, contents: nil) }
        guard let handle = FileHandle(forWritingAtPath: checked(part).path) else { return }
        defer { try? handle.close() }
        _ = try? handle.seekToEnd()
        try? handle.write(contentsOf: Data((line + "\n").utf8))
    }

    /// A run came to its end: the next one begins anew.
    func forgetChecked() { try? FileManager.default.removeItem(at: folder.appending(path: "checked")) }

    // Names of datasets in the catalogue, by part, for this run.

    private func catalogue(_ part: Int) -> URL { folder.appending(path: "catalogue/\(part)") }

    func keepCatalogue(_ names: [Int: [String]]) throws {
        try? FileManager.default.createDirectory(at: folder.appending(path: "catalogue"), withIntermediateDirectories: true)
        for (part, names) in names {
            if !FileManager.default.fileExists(atPath: catalogue(part).path) { _ = FileManager.default.createFile(atPath: catalogue(part).path, contents: nil) }
            guard let handle = FileHandle(forWritingAtPath: catalogue(part).path) else { throw Unreadable(zh: "无法写入状态目录", en: "the state folder cannot be written") }
            defer { try? handle.close() }
            _ = try? handle.seekToEnd()
            try? handle.write(contentsOf: Data(names.map { $0 + "\n" }.joined().utf8))
        }
    }

    func catalogueNames(_ part: Int) -> Set<String> {
        Set((try? String(contentsOf: catalogue(part), encoding: .utf8))?.split(separator: "\n").map(String.init) ?? [])
    }

    func forgetCatalogue() { try? FileManager.default.removeItem(at: folder.appending(path: "catalogue")) }
}
