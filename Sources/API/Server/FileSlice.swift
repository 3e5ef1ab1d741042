import Glibc
import HTTPTypes
public import Hummingbird
import NIOCore

/// A stretch of a file as the body of an answer, sent by the kernel without passing through the process.
public struct FileSlice: Sendable {
    /// An open file, closed when nobody needs it any more.
    public final class File: Sendable {
        /// The descriptor; owned.
        public let descriptor: CInt

        /// - Parameter descriptor: an open descriptor, which is closed with this object.
        public init(owning descriptor: CInt) {
            self.descriptor = descriptor
        }

        /// Opens a file for reading. Blocks; call it off the event loop or on local files only.
        /// - Returns: nil when it cannot be opened.
        public convenience init?(path: String) {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            self.init(owning: descriptor)
        }

        /// Bytes in the file now.
        public var size: Int {
            var status = stat()
            return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        }

        deinit {
            _ = close(descriptor)
        }
    }

    /// The file.
    public let file: File
    /// First byte.
    public let offset: Int
    /// Bytes.
    public let length: Int
    /// When it has to end, whole or not; nil for never.
    private let end: ContinuousClock.Instant?
    /// Bytes that are sent at a time where there is such an instant.
    private static let piece = 512 * 1024

    /// - Parameters:
    ///   - file: the file; it stays open until the answer is out, also when it is unlinked meanwhile.
    ///   - offset: first byte.
    ///   - length: bytes; must lie within the file.
    ///   - end: when the answer has to end, whole or not: it is cut off then.
    public init(file: File, offset: Int, length: Int, until end: ContinuousClock.Instant? = nil) {
        self.file = file
        self.offset = offset
        self.length = length
        self.end = end
    }

    /// As the body of a ``Response``.
    ///
    /// Our server recognises it and uses `sendfile`; any other writer gets the bytes in pieces.
    public var body: ResponseBody {
        ResponseBody(contentLength: length) { writer in
            if var direct = writer as? BodyWriter {
                for start in stride(from: 0, to: length, by: end == nil ? max(1, length) : Self.piece) {
                    try checkTime()
                    try await direct.send(FileSlice(file: file, offset: offset + start, length: end == nil ? length : min(Self.piece, length - start)))
                }
                try await direct.finish(nil)
                return
            }
            var position = offset
            while position < offset + length {
                try checkTime()
                let piece = try read(at: position, upTo: min(256 * 1024, offset + length - position))
                position += piece.readableBytes
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
    }

    private func checkTime() throws {
        if let end, end <= .now { throw ConnectionError.expired }
    }

    private func read(at position: Int, upTo count: Int) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        let read = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            max(0, pread(file.descriptor, bytes.baseAddress, count, off_t(position)))
        }
        guard read > 0 else { throw ConnectionError.fileTruncated }
        return buffer
    }
}
