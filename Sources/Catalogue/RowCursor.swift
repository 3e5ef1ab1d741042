/// Where a page of rows ended, and of which question at which version.
struct RowCursor: Hashable {
    /// The version that the first page was read from.
    var version: Int
    /// Tells the question apart from every other (``RowFingerprint``).
    var fingerprint: UInt64
    /// The order's values of the last row; nil for a missing one.
    var values: [String?]

    /// The longest cursor that is given out: an address has to have room for it.
    static let sizeLimit = 4096

    init(version: Int, fingerprint: UInt64, values: [String?]) {
        self.version = version
        self.fingerprint = fingerprint
        self.values = values
    }

    private static let missing: UInt64 = 0xFFFF

    /// The cursor's own form: a 1, the version in 4 bytes, the fingerprint in 8, and each value with its length in 2, all big-endian.
    var bytes: [UInt8] {
        var bytes: [UInt8] = [1]
        bytes.append(integer: UInt64(version), width: 4)
        bytes.append(integer: fingerprint, width: 8)
        for value in values {
            // A value that is too long for this makes a cursor that is too long anyway.
            bytes.append(integer: value.map { min(UInt64($0.utf8.count), Self.missing - 1) } ?? Self.missing, width: 2)
            bytes.append(contentsOf: (value ?? "").utf8)
        }
        return bytes
    }

    /// - Returns: nil where the bytes have another form.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 13, bytes[0] == 1 else { return nil }
        version = Int(bytes.integer(at: 1, width: 4))
        fingerprint = bytes.integer(at: 5, width: 8)
        values = []
        var place = 13
        while place < bytes.count {
            guard place + 2 <= bytes.count else { return nil }
            let length = bytes.integer(at: place, width: 2)
            place += 2
            guard length != Self.missing else {
                values.append(nil)
                continue
            }
            guard place + Int(length) <= bytes.count else { return nil }
            values.append(String(decoding: bytes[place..<place + Int(length)], as: UTF8.self))
            place += Int(length)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(integer: UInt64, width: Int) {
        for place in (0..<width).reversed() { append(UInt8(truncatingIfNeeded: integer >> UInt64(place * 8))) }
    }

    fileprivate func integer(at start: Int, width: Int) -> UInt64 {
        self[start..<start + width].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
