import Glibc

/// A conversion to UTF-8 by iconv, with what it needs to go on from chunk to chunk.
final class Converter {
    private let descriptor: iconv_t
    private let output: UnsafeMutableRawBufferPointer
    private var pending: [UInt8] = []
    private let charset: String

    /// Longest beginning of a character that may wait for its rest; no charset has longer ones.
    private static let longestPending = 16

    init(_ charset: String) throws(CSVError) {
        guard let opened = iconv_open("UTF-8", charset), Int(bitPattern: opened) != -1 else {
            throw CSVError(.unknownCharset)
        }
        descriptor = opened
        output = .allocate(byteCount: 64 * 1024, alignment: 16)
        self.charset = charset
    }

    deinit {
        iconv_close(descriptor)
        output.deallocate()
    }

    func decode(
        _ chunk: UnsafeRawBufferPointer,
        final: Bool,
        _ place: inout TextPlace,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) {
        var start = 0
        if !pending.isEmpty, chunk.count > 0 {
            // The cut character, with enough of the chunk to be whole.
            let carried = pending.count
            var joined = ByteSink(capacity: 64)
            joined.append(contentsOf: pending)
            joined.append(UnsafeRawBufferPointer(rebasing: chunk.prefix(32)))
            let used = try joined.withUnsafeBytes { bytes throws(CSVError) in
                try convert(bytes, &place, emit)
            }
            if used >= carried {
                start = used - carried
                pending.removeAll(keepingCapacity: true)
            } else if chunk.count <= 32 {
                joined.removeFirst(used)
                pending = joined.bytes
                start = chunk.count
            } else {
                joined.removeFirst(used)
                throw joined.withUnsafeBytes { invalid($0, place) }
            }
        }
        if start < chunk.count {
            let rest = UnsafeRawBufferPointer(rebasing: chunk[start...])
            let used = try convert(rest, &place, emit)
            pending.append(contentsOf: rest[used...])
        }
        if pending.count > Self.longestPending {
            throw pending.withUnsafeBytes { invalid($0, place) }
        }
        guard final else { return }
        if !pending.isEmpty {
            throw pending.withUnsafeBytes {
                CSVError(.incompleteSequence, line: place.line, offset: place.offset, evidence: $0)
            }
        }
        try flush(&place, emit)
    }

    /// Converts all whole characters; returns how many bytes they were.
    private func convert(
        _ bytes: UnsafeRawBufferPointer,
        _ place: inout TextPlace,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) -> Int {
        // iconv's prototype wants a mutable pointer but does not write through it.
        var input = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
        var left = bytes.count
        while left > 0 {
            var target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
            var room = output.count
            let before = left
            let outcome = iconv(descriptor, &input, &left, &target, &room)
            let code = errno
            place.offset += before - left
            if room < output.count {
                let text = UnsafeRawBufferPointer(rebasing: output[0..<(output.count - room)])
                place.pass(text)
                try emit(text)
            }
            guard outcome == -1 else { continue }
            switch code {
            case E2BIG: continue
            case EINVAL: return bytes.count - left
            default: throw invalid(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - left)...]), place)
            }
        }
        return bytes.count
    }

    /// Lets a charset with shift states write what it still holds.
    private func flush(
        _ place: inout TextPlace,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) {
        var target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
        var room = output.count
        iconv(descriptor, nil, nil, &target, &room)
        if room < output.count {
            let text = UnsafeRawBufferPointer(rebasing: output[0..<(output.count - room)])
            place.pass(text)
            try emit(text)
        }
    }

    /// The error for what stands at the start of `bytes`.
    private func invalid(_ bytes: UnsafeRawBufferPointer, _ place: TextPlace) -> CSVError {
        let length = offendingLength(bytes)
        return CSVError(
            .invalidSequence,
            line: place.line,
            offset: place.offset,
            evidence: UnsafeRawBufferPointer(rebasing: bytes.prefix(length))
        )
    }

    /// How many bytes it takes to see that they are wrong, however many more have arrived.
    private func offendingLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let probe = iconv_open("UTF-8", charset), Int(bitPattern: probe) != -1 else { return 1 }
        defer { iconv_close(probe) }
        for length in 1...max(1, min(8, bytes.count)) {
            iconv(probe, nil, nil, nil, nil)
            var input = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
            var left = length
            var target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
            var room = output.count
            if iconv(probe, &input, &left, &target, &room) == -1, errno == EILSEQ { return length }
        }
        return 1
    }
}
