import ArgumentParser
import Crypto
import Foundation
import NIOCore

/// The file to push: its size, its SHA-256 and its bytes, read in pieces each time that it is sent.
struct PushSource: Sendable {
    let path: String
    /// Size in bytes.
    let size: Int
    /// SHA-256 of the bytes as they are sent, for `Content-Digest` (RFC 9530).
    let digest: [UInt8]
    let isGzip: Bool

    /// - Throws: `ValidationError` when the file cannot be read.
    init(path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw ValidationError("cannot read \(path)") }
        defer { try? handle.close() }
        var hash = SHA256()
        var size = 0
        var head: [UInt8] = []
        do {
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
                if size == 0 { head = Array(piece.prefix(2)) }
                size += piece.count
                hash.update(data: piece)
            }
        } catch {
            throw ValidationError("cannot read \(path)")
        }
        self.path = path
        self.size = size
        digest = Array(hash.finalize())
        isGzip = head == [0x1F, 0x8B]
    }

    var contentDigest: String { "sha-256=:\(Data(digest).base64EncodedString()):" }

    /// The bytes in pieces of 256 KB; `sent` is told the running total.
    func pieces(sent: @escaping @Sendable (Int) -> Void) -> AsyncThrowingStream<ByteBuffer, any Error> {
        let path = self.path
        let reader = PieceReader(path: path)
        let total = Counter()
        return AsyncThrowingStream(unfolding: {
            guard let piece = try reader.next() else { return nil }
            sent(total.add(piece.readableBytes))
            return piece
        })
    }
}

/// Reads one piece after the other; used by one task at a time.
private final class PieceReader: @unchecked Sendable {
    private let path: String
    private var handle: FileHandle?

    init(path: String) { self.path = path }

    func next() throws -> ByteBuffer? {
        if handle == nil { handle = FileHandle(forReadingAtPath: path) }
        guard let handle, let data = try handle.read(upToCount: 256 * 1024), !data.isEmpty else { return nil }
        return ByteBuffer(bytes: data)
    }
}

private final class Counter: @unchecked Sendable {
    private var value = 0

    func add(_ amount: Int) -> Int {
        value += amount
        return value
    }
}
