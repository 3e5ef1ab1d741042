/// A row's primary key as it stands in `/rows/{key}` and in withdrawals: the values in key order, each percent-encoded, joined by commas.
public enum RowKey {
    /// The key's one spelling: all but unreserved characters (RFC 3986 section 2.3) are escaped.
    ///
    /// - Parameter values: canonical values (``FieldType/literal(_:)``), in key order.
    public static func text(_ values: [String]) -> String {
        var bytes: [UInt8] = []
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            for byte in value.utf8 {
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): bytes.append(byte)
                default:
                    bytes.append(UInt8(ascii: "%"))
                    bytes.append(hexadecimal(byte >> 4))
                    bytes.append(hexadecimal(byte & 15))
                }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The values of a key as it was sent, canonical by field type.
    ///
    /// - Parameters:
    ///   - text: the key, still percent-encoded; a comma that is not escaped separates values.
    ///   - fields: the key's fields, in key order.
    /// - Returns: nil when the number of values is another, or one is no value of its field's type.
    public static func values(_ text: some StringProtocol, fields: [Field]) -> [String]? {
        var values: [String] = []
        values.reserveCapacity(fields.count)
        var value: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while true {
            let byte = bytes.next()
            switch byte {
            case UInt8(ascii: ",")?, nil:
                guard values.count < fields.count, let decoded = String(validating: value, as: UTF8.self),
                    let literal = fields[values.count].type.literal(decoded)
                else { return nil }
                values.append(literal)
                value.removeAll(keepingCapacity: true)
                if byte == nil { return values.count == fields.count ? values : nil }
            case UInt8(ascii: "%")?:
                guard let high = bytes.next().flatMap(digit), let low = bytes.next().flatMap(digit) else { return nil }
                value.append(high << 4 | low)
            case let byte?: value.append(byte)
            }
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
