internal import CSV
internal import Crypto
internal import Glibc
internal import NIOCore
internal import Store

extension Snapshots {
    /// The canonical bytes, hashed while they pass.
    ///
    /// - Throws: `SnapshotError.digestMismatch` when they are not what the version says; nothing of them is kept then.
    func writeCSV(_ version: ReleasedVersion, _ name: SnapshotName, _ rendering: Rendering) async throws -> SnapshotFile {
        var hash = SHA256()
        var size = 0
        for try await chunk in store.csv(version) {
            try chunk.withUnsafeReadableBytes { bytes in
                hash.update(bufferPointer: bytes)
                try Self.write(bytes, to: rendering.descriptor)
            }
            size += chunk.readableBytes
            rendering.advance(by: chunk.readableBytes)
        }
        let digest = Self.hexadecimal(hash.finalize())
        guard digest == version.digest else {
            throw SnapshotError.digestMismatch(dataset: version.dataset, version: version.number, found: digest)
        }
        return SnapshotFile(name: name, digest: digest, size: size)
    }

    /// The gzip form of the canonical file, the same bytes on every node: zlib's output depends on its input and level alone.
    func writeGzip(_ source: OpenSnapshot, _ name: SnapshotName, _ rendering: Rendering) async throws -> SnapshotFile {
        var deflater = Deflater(level: 6)
        return try await write(source, name, rendering) { input, output in
            if let input { deflater.deflate(input, into: &output) } else { deflater.finish(into: &output) }
        }
    }

    /// The canonical file with a byte order mark, and CRLF for the line feeds that end records; those inside quotes are part of a value.
    func writeExcel(_ source: OpenSnapshot, _ name: SnapshotName, _ rendering: Rendering) async throws -> SnapshotFile {
        var (isFirst, isQuoted) = (true, false)
        return try await write(source, name, rendering) { input, output in
            if isFirst { output.append(utf8: "\u{FEFF}") }
            isFirst = false
            guard let input else { return }
            var copied = 0
            for (place, byte) in input.enumerated() {
                // A doubled quote inside a value changes this twice.
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                guard byte == UInt8(ascii: "\n"), !isQuoted else { continue }
                output.append(UnsafeRawBufferPointer(rebasing: input[copied..<place]))
                output.append("\r\n" as StaticString)
                copied = place + 1
            }
            output.append(UnsafeRawBufferPointer(rebasing: input[copied...]))
        }
    }

    /// Makes another form of the canonical file, a piece at a time.
    ///
    /// - Parameter convert: gets the pieces in order, nil after the last one, and appends what they become.
    private func write(
        _ source: OpenSnapshot, _ name: SnapshotName, _ rendering: Rendering, _ convert: (UnsafeRawBufferPointer?, inout ByteSink) -> Void
    ) async throws -> SnapshotFile {
        var hash = SHA256()
        var size = 0
        var output = ByteSink(capacity: 256 * 1024)
        var input = [UInt8](repeating: 0, count: 256 * 1024)
        var place = 0
        while true {
            let count = input.withUnsafeMutableBytes { pread(source.descriptor, $0.baseAddress, $0.count, off_t(place)) }
            guard count >= 0 else { throw SnapshotError.unreadable }
            input.withUnsafeBytes { convert(count > 0 ? UnsafeRawBufferPointer(rebasing: $0[..<count]) : nil, &output) }
            place += count
            try output.withUnsafeBytes { bytes in
                hash.update(bufferPointer: bytes)
                try Self.write(bytes, to: rendering.descriptor)
            }
            size += output.count
            rendering.advance(by: output.count)
            output.removeAll()
            if count == 0 { break }
            // This is work: others on this thread get their turn between the pieces.
            try Task.checkCancellation()
            await Task.yield()
        }
        return SnapshotFile(name: name, digest: Self.hexadecimal(hash.finalize()), size: size)
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SnapshotError.unwritable(errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
