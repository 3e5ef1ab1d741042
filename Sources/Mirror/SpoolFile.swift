import Crypto
import Foundation
import Ledger
import NIOCore
import Store

/// A file on its way from another node: kept until it is whole and right, so that a connection that breaks, or a process that ends, costs nothing that had come.
///
/// Not thread-safe: one task has it.
final class SpoolFile {
    private let url: URL
    private let handle: FileHandle
    private var hash = SHA256()
    /// Bytes that have come.
    private(set) var size = 0
    private static let piece = 262_144

    /// Opens a file, with what came before.
    ///
    /// - Parameter name: the same for the same bytes.
    init(_ name: String, in folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        url = folder.appending(path: name)
        if !FileManager.default.fileExists(atPath: url.path) { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
        handle = try FileHandle(forUpdating: url)
        while let data = try handle.read(upToCount: Self.piece), !data.isEmpty {
            hash.update(data: data)
            size += data.count
        }
    }

    deinit { try? handle.close() }

    func append(_ buffer: ByteBuffer) throws {
        try buffer.withUnsafeReadableBytes { bytes in
            try handle.write(contentsOf: bytes)
            hash.update(bufferPointer: bytes)
        }
        size += buffer.readableBytes
    }

    /// Begins anew.
    func clear() throws {
        try handle.truncate(atOffset: 0)
        hash = SHA256()
        size = 0
    }

    /// SHA-256 of what has come, 64 hexadecimal digits.
    var digest: String { HexDigest.hexadecimal(Array(hash.finalize())) }

    /// The first line, without its line end; nil where there is none.
    func header() throws -> String? {
        try handle.seek(toOffset: 0)
        defer { _ = try? handle.seekToEnd() }
        guard let data = try handle.read(upToCount: Self.piece), let end = data.firstIndex(of: 0x0A) else { return nil }
        return String(decoding: data[..<end], as: UTF8.self)
    }

    /// Hands the bytes to a COPY.
    func send(to writer: StagingWriter) async throws {
        try handle.seek(toOffset: 0)
        while let data = try handle.read(upToCount: Self.piece), !data.isEmpty { try await writer.write(ByteBuffer(bytes: data)) }
    }

    /// Removes the file.
    func remove() { try? FileManager.default.removeItem(at: url) }

    /// Removes what nobody came back for.
    ///
    /// - Parameter age: in seconds.
    static func clean(_ folder: URL, olderThan age: Double) {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
        for file in files {
            let changed = (try? file.resourceValues(forKeys: [.contentModificationDateKey]))?.contentModificationDate
            if let changed, changed.timeIntervalSinceNow < -age { try? FileManager.default.removeItem(at: file) }
        }
    }
}
