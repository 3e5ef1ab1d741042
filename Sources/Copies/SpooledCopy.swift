public import Foundation
public import Model
public import NIOCore

/// A copy that takes a delivery from a file of its own, once all of it has come and was found right: however slowly it comes, the copy behind waits for nothing.
public struct SpooledCopy<Copy: LocalCopy>: LocalCopy {
    private let copy: Copy
    private let folder: URL
    private let longest: Int

    /// - Parameters:
    ///   - folder: where the file lies meanwhile, for its owner alone.
    ///   - longest: bytes of a delivery that are taken; a longer one is refused.
    public init(_ copy: Copy, folder: URL, longest: Int) { (self.copy, self.folder, self.longest) = (copy, folder, longest) }

    public func held() async throws -> Held? { try await copy.held() }
    public func settle(_ delivery: String) async throws { try await copy.settle(delivery) }
    public func empty() async throws { try await copy.empty() }
    public func close() async { await copy.close() }

    public func take<Bytes: AsyncSequence & Sendable>(
        _ incoming: Incoming, _ bytes: Bytes, check: (Arrival) async throws -> ReceiptStatement
    ) async throws where Bytes.Element == ByteBuffer {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "\(UUID().uuidString).delivery")
        defer { try? FileManager.default.removeItem(at: file) }
        var count = ArrivalCount(), size = 0
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CopyFailure(zh: "无法写入接收目录", en: "the folder for what comes in cannot be written") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        for try await buffer in bytes {
            size += buffer.readableBytes
            guard size <= longest else { throw CopyFailure(zh: "交付超过 \(longest) 字节", en: "the delivery is longer than \(longest) bytes") }
            count.add(buffer)
            try handle.write(contentsOf: Data(buffer.readableBytesView))
        }
        try handle.close()
        let arrival = count.arrival, statement = try await check(arrival)
        try await copy.take(incoming, FilePieces(file: file)) { again in
            guard again == arrival else { throw CopyFailure(zh: "接收文件在读取前被改动", en: "the file of what came in was changed before it was read") }
            return statement
        }
    }
}

/// A file's bytes, a piece at a time.
private struct FilePieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let file: URL

    struct AsyncIterator: AsyncIteratorProtocol {
        var handle: FileHandle?
        let file: URL

        mutating func next() async throws -> ByteBuffer? {
            if handle == nil { handle = try FileHandle(forReadingFrom: file) }
            guard let piece = try handle?.read(upToCount: 1 << 18), !piece.isEmpty else { return nil }
            return ByteBuffer(bytes: piece)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(handle: nil, file: file) }
}
