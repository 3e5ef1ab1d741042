import NIOCore

/// Writes JSON text into a buffer (RFC 8259).
struct JSONText {
    var buffer: ByteBuffer

    init(capacity: Int) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Text that is JSON already.
    mutating func raw(_ text: String) {
        buffer.writeString(text)
    }

    /// A string with quotes and escapes.
    mutating func string(_ text: String) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var clean = true
        for byte in text.utf8 where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            clean = false
            break
        }
        if clean {
            buffer.writeString(text)
        } else {
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    buffer.writeInteger(UInt8(ascii: "\\"))
                    buffer.writeInteger(byte)
                case 0..<0x20:
                    buffer.writeString("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
                default:
                    buffer.writeInteger(byte)
                }
            }
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }
}
