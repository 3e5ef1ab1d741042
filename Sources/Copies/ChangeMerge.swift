internal import Crypto
internal import Foundation

/// Makes the newer state of a CSV file from the older one and a delivery of changes, in one pass over both, in constant memory.
struct ChangeMerge {
    let key: [KeyField]

    /// - Parameters:
    ///   - old: the file as it stands.
    ///   - changes: `_change` and the same fields.
    ///   - new: where the newer state goes.
    /// - Returns: SHA-256 of the old file and of the new one, 64 hexadecimal digits each.
    /// - Throws: ``CopyFailure`` where the two do not belong together, and what reading and writing throw.
    func merge(_ old: FileHandle, _ changes: FileHandle, into new: FileHandle) throws -> (old: String, new: String) {
        var rows = RecordFile(old), changed = RecordFile(changes), output = Output(new)
        guard let names = try rows.next(), let head = try changed.next(), head.first.map({ $0.elementsEqual("_change".utf8) }) == true,
            head.count == names.count + 1, zip(names, head.dropFirst()).allSatisfy({ $0.elementsEqual($1) }),
            let order = KeyOrder(key, in: names.map { String(decoding: $0, as: UTF8.self) })
        else { throw CopyFailure(zh: "文件的表头与交付不符；加 --again 重新获取全部数据", en: "the file's header is not that of the delivery; add --again to get everything anew") }
        try output.put(names)
        var row = try rows.next(), change = try changed.next()
        while row != nil || change != nil {
            guard row?.count ?? names.count == names.count, change?.count ?? head.count == head.count else { throw Self.misfit }
            let place: Int = if let row, let change { order.compare(row, Array(change.dropFirst())) } else { row == nil ? 1 : -1 }
            if place < 0, let current = row {
                try output.put(current)
                row = try rows.next()
                continue
            }
            guard let current = change else { break }
            switch (String(decoding: current[0], as: UTF8.self), place == 0) {
            case ("added", false): try output.put(Array(current.dropFirst()))
            case ("changed", true):
                try output.put(Array(current.dropFirst()))
                row = try rows.next()
            case ("removed", true): row = try rows.next()
            default: throw Self.misfit
            }
            change = try changed.next()
        }
        return (ArrivalCount.text(rows.hash.finalize()), try output.finish())
    }

    private static let misfit = CopyFailure(zh: "变更与文件不符；加 --again 重新获取全部数据", en: "the changes do not fit the file; add --again to get everything anew")

    private struct Output {
        private let file: FileHandle
        private var buffer = Data()
        private var hash = SHA256()

        init(_ file: FileHandle) { self.file = file }

        mutating func put(_ values: [ArraySlice<UInt8>]) throws {
            for (index, value) in values.enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: ",")) }
                buffer.append(contentsOf: value)
            }
            buffer.append(UInt8(ascii: "\n"))
            if buffer.count >= 1 << 18 { try flush() }
        }

        private mutating func flush() throws {
            hash.update(data: buffer)
            try file.write(contentsOf: buffer)
            buffer.removeAll(keepingCapacity: true)
        }

        mutating func finish() throws -> String {
            try flush()
            return ArrivalCount.text(hash.finalize())
        }
    }
}
