import CZlib

/// A streaming decompressor for gzip (RFC 1952, any number of members) and zlib (RFC 1950), told apart by their headers.
///
/// What a small input may unpack to is bounded: beyond a free allowance the output may be at most a multiple of the
/// input read so far.
public struct Inflater: ~Copyable, @unchecked Sendable {
    /// How far data may expand.
    public struct Guard: Sendable, Equatable {
        /// Output bytes per input byte.
        public var ratio: Int
        /// Output bytes that are free of the rule.
        public var allowance: Int

        public init(ratio: Int = 200, allowance: Int = 10_000_000) {
            self.ratio = ratio
            self.allowance = allowance
        }
    }

    /// What a step has used of its two buffers, in bytes.
    public struct Progress: Sendable, Equatable {
        public let consumed: Int
        public let produced: Int
    }

    private enum Phase {
        case beforeMember
        case inMember
        case betweenMembers
        /// Zero bytes after the last member, which tape archives leave.
        case padding
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let expansion: Guard
    private var phase = Phase.beforeMember
    private var isGzip = false
    private var failure: CSVError?
    /// Compressed bytes read so far.
    public private(set) var totalIn = 0
    /// Decompressed bytes written so far.
    public private(set) var totalOut = 0

    public init(expansion: Guard = Guard()) {
        self.expansion = expansion
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 is the largest window; 32 more asks for either header.
        let status = inflateInit2_(stream, 15 + 32, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        if status != Z_OK { failure = CSVError(.corruptCompression, offset: 0) }
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Decompresses as much as fits. Call again while the output was filled or input is left.
    ///
    /// - Parameters:
    ///   - input: the next compressed bytes.
    ///   - output: where the decompressed bytes go.
    /// - Returns: how much of both was used; input is always used up unless the output is full.
    /// - Throws: ``CSVError`` of kind `corruptCompression` or `excessiveCompression`, with the offset in the input.
    public mutating func inflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(CSVError) -> Progress {
        if let failure { throw failure }
        var consumed = 0
        var produced = 0
        // An ended member may be followed by the next in the same input. Output that zlib still holds needs no input.
        while produced < output.count, consumed < input.count || phase == .inMember {
            if phase != .inMember, try skipPadding(input[consumed]) {
                consumed += 1
                totalIn += 1
                continue
            }
            if phase == .beforeMember {
                isGzip = input[consumed] == 0x1F
                phase = .inMember
            }
            let step = try advance(
                UnsafeRawBufferPointer(rebasing: input[consumed...]),
                UnsafeMutableRawBufferPointer(rebasing: output[produced...])
            )
            consumed += step.consumed
            produced += step.produced
            if step.consumed == 0, step.produced == 0 { break }
        }
        return Progress(consumed: consumed, produced: produced)
    }

    /// Decompresses a chunk wholly and hands the output to `emit` in pieces of up to the size of `buffer`.
    ///
    /// - Parameters:
    ///   - chunk: the next compressed bytes.
    ///   - buffer: memory to work in, 64 KiB or so.
    ///   - emit: gets each piece; valid only inside the call.
    /// - Throws: as ``inflate(_:into:)``, and what `emit` throws.
    public mutating func inflate(
        _ chunk: UnsafeRawBufferPointer,
        buffer: UnsafeMutableRawBufferPointer,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) {
        precondition(buffer.count > 0)
        var position = 0
        while true {
            let step = try inflate(UnsafeRawBufferPointer(rebasing: chunk[position...]), into: buffer)
            position += step.consumed
            if step.produced > 0 {
                try emit(UnsafeRawBufferPointer(rebasing: buffer[0..<step.produced]))
            }
            if step.produced < buffer.count { return }
        }
    }

    /// Ends the input.
    ///
    /// - Throws: ``CSVError`` of kind `truncatedCompression` when a member is not complete, or there was none.
    public mutating func finish() throws(CSVError) {
        if let failure { throw failure }
        if phase == .betweenMembers || phase == .padding { return }
        throw fail(.truncatedCompression)
    }

    private mutating func advance(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CSVError) -> Progress {
        // zlib's counters are 32 bits wide.
        let offered = min(input.count, Int(Int32.max))
        let room = min(output.count, Int(Int32.max))
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(offered)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        let consumed = offered - Int(stream.pointee.avail_in)
        let produced = room - Int(stream.pointee.avail_out)
        totalIn += consumed
        totalOut += produced
        switch status {
        case Z_STREAM_END: phase = .betweenMembers
        case Z_OK, Z_BUF_ERROR: break
        default: throw fail(.corruptCompression)
        }
        if totalOut > expansion.allowance, totalOut / expansion.ratio > totalIn {
            throw fail(.excessiveCompression, expected: expansion.ratio)
        }
        return Progress(consumed: consumed, produced: produced)
    }

    /// Decides what a byte behind a member is. Says whether it was padding.
    private mutating func skipPadding(_ byte: UInt8) throws(CSVError) -> Bool {
        switch phase {
        case .betweenMembers where isGzip && byte == 0x1F:
            if inflateReset(stream) != Z_OK { throw fail(.corruptCompression) }
            phase = .beforeMember
            return false
        case .betweenMembers where byte == 0, .padding where byte == 0:
            phase = .padding
            return true
        case .betweenMembers, .padding: throw fail(.corruptCompression)
        case .beforeMember, .inMember: return false
        }
    }

    private mutating func fail(_ kind: CSVError.Kind, expected: Int? = nil) -> CSVError {
        let error = CSVError(kind, offset: totalIn, expected: expected)
        failure = error
        return error
    }
}
