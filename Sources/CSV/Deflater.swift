import CZlib

/// A streaming gzip compressor (RFC 1952) whose output depends on nothing but its input and level: the header has no
/// time and no name.
public struct Deflater: ~Copyable, @unchecked Sendable {
    private let stream: UnsafeMutablePointer<z_stream>
    private var finished = false

    /// Makes a compressor.
    ///
    /// - Parameter level: 1 (fast) to 9 (small), as zlib has them.
    public init(level: Int = 6) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 is the largest window; 16 more asks for a gzip header. 8 is zlib's own choice of memory.
        let status = deflateInit2_(
            stream,
            Int32(min(max(level, 1), 9)),
            Z_DEFLATED,
            15 + 16,
            8,
            Z_DEFAULT_STRATEGY,
            zlibVersion(),
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(status == Z_OK, "zlib has no memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Compresses a chunk and appends what is ready to `sink`; much of it stays inside until later.
    ///
    /// - Parameters:
    ///   - chunk: the next bytes.
    ///   - sink: gets compressed bytes.
    public mutating func deflate(_ chunk: UnsafeRawBufferPointer, into sink: inout ByteSink) {
        var position = 0
        while position < chunk.count {
            let part = UnsafeRawBufferPointer(rebasing: chunk[position..<min(chunk.count, position + Self.largestPart)])
            run(part, flush: Z_NO_FLUSH, into: &sink)
            position += part.count
        }
    }

    /// Makes everything so far readable for a decompressor, at some cost in size.
    ///
    /// - Parameter sink: gets compressed bytes.
    public mutating func flush(into sink: inout ByteSink) {
        run(UnsafeRawBufferPointer(start: nil, count: 0), flush: Z_SYNC_FLUSH, into: &sink)
    }

    /// Ends the stream; the compressor is then of no more use.
    ///
    /// - Parameter sink: gets the last bytes.
    public mutating func finish(into sink: inout ByteSink) {
        run(UnsafeRawBufferPointer(start: nil, count: 0), flush: Z_FINISH, into: &sink)
        finished = true
    }

    /// zlib counts input in 32 bits.
    private static let largestPart = 1 << 30

    private mutating func run(_ input: UnsafeRawBufferPointer, flush: Int32, into sink: inout ByteSink) {
        precondition(!finished, "the stream has ended")
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
        var full = true
        while full {
            sink.append(maximum: 32 * 1024) { room in
                stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(room.count)
                let status = CZlib.deflate(stream, flush)
                precondition(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR)
                full = stream.pointee.avail_out == 0
                return room.count - Int(stream.pointee.avail_out)
            }
        }
    }
}
