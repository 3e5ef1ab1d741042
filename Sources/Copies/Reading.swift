internal import Crypto
internal import Foundation
internal import NIOCore

/// Counts and hashes what passes.
struct ArrivalCount {
    private var hash = SHA256()
    private var lines = 0
    private var bytes = 0
    private var isQuoted = false

    mutating func add(_ buffer: ByteBuffer) {
        bytes += buffer.readableBytes
        buffer.withUnsafeReadableBytes { text in
            hash.update(bufferPointer: text)
            for byte in text {
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() } else if byte == UInt8(ascii: "\n"), !isQuoted { lines += 1 }
            }
        }
    }

    /// The header is no row.
    var arrival: Arrival { Arrival(digest: Self.text(hash.finalize()), rows: max(0, lines - 1), bytes: bytes) }

    static func text(_ digest: SHA256.Digest) -> String { digest.map { String(format: "%02x", $0) }.joined() }
}

/// Records of a CSV file with LF (RFC 4180), read a piece at a time; each value as it stands, quotes included.
struct RecordFile {
    private let file: FileHandle
    private var buffer: [UInt8] = []
    private var place = 0
    private(set) var hash = SHA256()

    init(_ file: FileHandle) { self.file = file }

    /// The next record; nil at the end.
    ///
    /// - Throws: what reading throws, ``CopyFailure`` where the last line has no end.
    mutating func next() throws -> [ArraySlice<UInt8>]? {
        var end = place, starts = [place], isQuoted = false
        while true {
            while end < buffer.count {
                let byte = buffer[end]
                if byte == UInt8(ascii: "\"") {
                    isQuoted.toggle()
                } else if !isQuoted, byte == UInt8(ascii: ",") {
                    starts.append(end + 1)
                } else if !isQuoted, byte == UInt8(ascii: "\n") {
                    let values = starts.indices.map { buffer[starts[$0]..<($0 + 1 < starts.count ? starts[$0 + 1] - 1 : end)] }
                    place = end + 1
                    return values
                }
                end += 1
            }
            guard let piece = try file.read(upToCount: 1 << 18), !piece.isEmpty else {
                guard place == buffer.count else { throw CopyFailure(zh: "文件不完整", en: "the file is cut off") }
                return nil
            }
            hash.update(data: piece)
            buffer.removeFirst(place)
            starts = starts.map { $0 - place }
            end -= place
            place = 0
            buffer.append(contentsOf: piece)
        }
    }
}

/// The order of the key (docs/canonical-csv.md).
struct KeyOrder {
    /// Places of the key's fields in a row, and whether each is a number.
    let fields: [(place: Int, isNumber: Bool)]

    /// - Returns: nil where a field of the key is not among the names.
    init?(_ key: [KeyField], in names: [String]) {
        var fields: [(Int, Bool)] = []
        for field in key {
            guard let place = names.firstIndex(of: field.name) else { return nil }
            fields.append((place, field.isNumber))
        }
        guard !fields.isEmpty else { return nil }
        self.fields = fields.map { (place: $0.0, isNumber: $0.1) }
    }

    /// Below 0 where the first row comes before the second, 0 where their keys are the same.
    func compare(_ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> Int {
        for field in fields {
            let left = Self.plain(a[field.place]), right = Self.plain(b[field.place])
            if left.elementsEqual(right) { continue }
            return (field.isNumber ? Self.isSmaller(left, right) : left.lexicographicallyPrecedes(right)) ? -1 : 1
        }
        return 0
    }

    /// A value without its quotes.
    private static func plain(_ raw: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let quote = UInt8(ascii: "\"")
        guard raw.first == quote, raw.count >= 2 else { return raw }
        let inner = raw.dropFirst().dropLast()
        guard inner.contains(quote) else { return inner }
        var value: [UInt8] = [], isSecond = false
        for byte in inner {
            if byte == quote, !isSecond {
                isSecond = true
                continue
            }
            isSecond = false
            value.append(byte)
        }
        return value[...]
    }

    /// Canonical numbers of one scale: no leading zeros, no plus sign.
    private static func isSmaller(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Bool {
        let minus = UInt8(ascii: "-")
        switch (a.first == minus, b.first == minus) {
        case (true, false): return true
        case (false, true): return false
        case (true, true): return isSmaller(b.dropFirst(), a.dropFirst())
        case (false, false): return a.count == b.count ? a.lexicographicallyPrecedes(b) : a.count < b.count
        }
    }
}
