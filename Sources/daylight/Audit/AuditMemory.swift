import Foundation
import Ledger

/// What an audit remembers from one time to the next, in a folder: the last head that was right, the edge of its tree, and the leaves by what they are about.
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
        /// Bytes of each file of leaves, and of leaves with salted digests.
        var lengths: [Int]
        var saltedLengths: [Int]?
        /// What the leaves up to here say of one another.
        var sequence: LogSequence?
    }

    /// What files there are, each in parts.
    enum File: String, CaseIterable {
        /// Leaves that name a dataset or profile, by that; each line has the place in the log and the leaf.
        case leaves
        /// Leaves with salted digests, by the digest; lines as of the others.
        case salted
        /// Downloads that were right, so that a run that was broken off goes on.
        case checked
        /// Names of datasets in the catalogue.
        case catalogue
        /// What the server opens, by the digest.
        case openings
        /// What that is about, by its identifier: place, identifier, what happened.
        case opened
        /// Leaves for which sealed ones stand, by dataset; lines as of leaves.
        case sealed

        /// Whether it is kept from one time to the next, up to the last head; the others are of one run.
        fileprivate var isKept: Bool { self == .leaves || self == .salted }
    }

    static let parts = 64
    /// Counts how often more came to be kept of leaves: a folder from before is read anew.
    private static let kinds = 3

    static var damaged: Unreadable { Unreadable(zh: "状态目录已损坏；换一个目录，或加 --again", en: "the state folder is damaged; take another one, or add --again") }
    private static var unwritable: Unreadable { Unreadable(zh: "无法写入状态目录", en: "the state folder cannot be written") }

    private let folder: URL
    private(set) var head: Head?

    /// - Throws: ``Unreadable`` where the folder cannot be used.
    init(_ folder: URL, again: Bool) throws {
        self.folder = folder
        let file = folder.appending(path: "head.json")
        do {
            for kept in File.allCases where kept.isKept { try FileManager.default.createDirectory(at: folder.appending(path: kept.rawValue), withIntermediateDirectories: true) }
            if FileManager.default.fileExists(atPath: file.path) {
                head = try JSONDecoder().decode(Head.self, from: Data(contentsOf: file))
                if again || head?.kinds != Self.kinds {
                    // The head stays known: the new one has to go on from it.
                    head?.edge = []
                    head?.lengths = []
                    head?.saltedLengths = []
                }
            }
            for kept in File.allCases where kept.isKept { try cut(kept, to: (kept == .leaves ? head?.lengths : head?.saltedLengths) ?? []) }
        } catch {
            throw Unreadable(zh: "无法使用目录 \(folder.path)：\(error.localizedDescription)", en: "the folder \(folder.path) cannot be used: \(error.localizedDescription)")
        }
    }

    /// Cuts off what is not under the last head.
    private func cut(_ file: File, to lengths: [Int]) throws {
        for part in 0..<Self.parts {
            let path = url(file, part).path, length = part < lengths.count ? lengths[part] : 0
            if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
            guard let handle = FileHandle(forUpdatingAtPath: path) else { throw CocoaError(.fileWriteNoPermission) }
            defer { try? handle.close() }
            guard try handle.seekToEnd() >= UInt64(length) else { throw CocoaError(.fileReadCorruptFile) }
            try handle.truncate(atOffset: UInt64(length))
        }
    }

    /// Whether leaves are to be read from the beginning, though a head is known.
    var isAnew: Bool { head?.edge.isEmpty == true && head?.size != 0 }

    static func part(of dataset: String) -> Int {
        Int(dataset.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } % UInt64(parts))
    }

    private func url(_ file: File, _ part: Int) -> URL { folder.appending(path: "\(file.rawValue)/\(part)") }

    /// Adds leaves to their files, one a line: a leaf in its one spelling has no line end.
    func add(_ leaves: [Int: [String]], _ salted: [Int: [String]]) throws {
        try keep(leaves, as: .leaves)
        try keep(salted, as: .salted)
    }

    /// Adds lines to the parts of a file.
    func keep(_ lines: [Int: [String]], as file: File) throws {
        try? FileManager.default.createDirectory(at: folder.appending(path: file.rawValue), withIntermediateDirectories: true)
        for (part, lines) in lines {
            let path = url(file, part).path
            if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
            guard let handle = FileHandle(forWritingAtPath: path) else { throw Self.unwritable }
            defer { try? handle.close() }
            do {
                try handle.seekToEnd()
                try handle.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
            } catch {
                throw Self.unwritable
            }
        }
    }

    /// The lines of one part; none where there is no such file.
    func lines(_ part: Int, of file: File) -> [String] {
        (try? Data(contentsOf: url(file, part)))?.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) } ?? []
    }

    /// The leaves of one part, with their places in the log, in order.
    func entries(_ part: Int, of file: File = .leaves) throws -> [(index: Int, entry: [UInt8])] {
        try lines(part, of: file).map { line in
            guard let space = line.firstIndex(of: " "), let index = Int(line[..<space]) else { throw Self.damaged }
            return (index, Array(line[line.index(after: space)...].utf8))
        }
    }

    func forget(_ file: File) { try? FileManager.default.removeItem(at: folder.appending(path: file.rawValue)) }

    /// Forgets what is of one run: the next one begins anew.
    func forgetRun() {
        for file in File.allCases where !file.isKept { forget(file) }
    }

    /// Keeps a head that is right. What follows begins here.
    func keep(_ checkpoint: Checkpoint, note: SignedNote, key: NoteVerifier, edge: [[TreeHash]], sequence: LogSequence) throws {
        func lengths(_ file: File) -> [Int] {
            (0..<Self.parts).map { (try? FileManager.default.attributesOfItem(atPath: url(file, $0).path)[.size] as? NSNumber)?.intValue ?? 0 }
        }
        let head = Head(
            kinds: Self.kinds, key: "\(key)", origin: checkpoint.origin, size: checkpoint.size, head: checkpoint.head.base64, checkpoint: note.description, edge: edge.map { $0.map(\.base64) },
            lengths: lengths(.leaves), saltedLengths: lengths(.salted), sequence: sequence)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard (try? encoder.encode(head).write(to: folder.appending(path: "head.json"), options: .atomic)) != nil else {
            throw Self.unwritable
        }
        self.head = head
    }

    /// Keeps two heads that contradict each other.
    func keepEvidence(_ note: SignedNote) {
        try? note.description.write(to: folder.appending(path: "contradiction.checkpoint"), atomically: true, encoding: .utf8)
    }
}
