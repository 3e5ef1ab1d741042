import Crypto
import Foundation

/// A new random UUID, lower case.
func newIdentifier() -> String { UUID().uuidString.lowercased() }

extension Sequence<UInt8> {
    /// Two lower-case digits per byte.
    var hexadecimal: String {
        var text = ""
        for byte in self {
            text.append(Self.digit(byte >> 4))
            text.append(Self.digit(byte & 15))
        }
        return text
    }

    private static func digit(_ value: UInt8) -> Character {
        Character(UnicodeScalar(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10))
    }
}
