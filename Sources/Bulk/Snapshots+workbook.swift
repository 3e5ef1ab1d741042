internal import CSV
internal import Crypto
internal import Foundation
internal import Glibc
internal import Model
internal import Store
import Synchronization

extension Snapshots {
    /// The canonical file as an Excel workbook, on a thread of its own: the library blocks for as long as it takes.
    func writeWorkbook(_ source: OpenSnapshot, _ version: ReleasedVersion, _ name: SnapshotName, _ rendering: Rendering, _ part: String) async throws -> SnapshotFile {
        let directory = directory
        let isCancelled = Atomic(false)
        let (size, digest) = try await withTaskCancellationHandler {
            try await Self.onThread {
                let book = try Workbook(path: part, directory: directory, fields: version.schema.publicFields, created: version.releasedAt)
                try Self.fill(book, from: source) { isCancelled.load(ordering: .relaxed) }
                try book.close()
                return try Self.hash(rendering.descriptor)
            }
        } onCancel: {
            isCancelled.store(true, ordering: .relaxed)
        }
        rendering.advance(by: size)
        return SnapshotFile(name: name, digest: digest, size: size)
    }

    @inline(never)
    private static func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    }

    private static func fill(_ book: Workbook, from source: OpenSnapshot, isCancelled: () -> Bool) throws {
        var reader = RecordReader(dialect: Dialect(delimiter: .comma, keepsBlankLines: true), limits: Limits(maxRecordBytes: 1 << 28), fieldCount: .asFirstRecord)
        var chunk = [UInt8](repeating: 0, count: 256 * 1024)
        var (place, isHeader) = (0, true)
        var failure: (any Error)?
        func take(_ record: borrowing Record) -> Flow {
            if isHeader {
                isHeader = false
                return .next
            }
            book.nextRow()
            do {
                for column in 0..<record.count { try book.write(record[column], column: column) }
                return .next
            } catch {
                failure = error
                return .stop
            }
        }
        while failure == nil {
            if isCancelled() { throw CancellationError() }
            let count = chunk.withUnsafeMutableBytes { pread(source.descriptor, $0.baseAddress, $0.count, off_t(place)) }
            guard count >= 0 else { throw SnapshotError.unreadable }
            if count == 0 {
                _ = reader.finish(take)
                break
            }
            _ = chunk.withUnsafeBytes { reader.feed(UnsafeRawBufferPointer(rebasing: $0[..<count]), take) }
            place += count
        }
        if let failure { throw failure }
    }

    /// Size and digest of a file that is whole.
    private static func hash(_ descriptor: CInt) throws -> (size: Int, digest: String) {
        var hash = SHA256()
        var chunk = [UInt8](repeating: 0, count: 256 * 1024)
        var place = 0
        while true {
            let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(place)) }
            guard count >= 0 else { throw SnapshotError.unreadable }
            if count == 0 { return (place, hexadecimal(hash.finalize())) }
            chunk.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            place += count
        }
    }
}
