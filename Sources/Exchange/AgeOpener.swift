internal import Crypto

/// Opens what was sealed in the format of age v1 to an X25519 recipient.
public struct AgeOpener {
    public enum Failure: Error, Sendable, Hashable {
        /// It is no file of age, or its head was changed.
        case malformed
        /// It was not sealed to this key.
        case otherKey
        /// Its bytes were changed, or its end is missing.
        case damaged
    }

    /// Longest head that is read, in bytes.
    private static let longestHead = 64 * 1024

    private let read: (Int) throws -> [UInt8]
    private var buffer: [UInt8] = []
    private var place = 0

    /// - Parameter read: gives up to so many further bytes; none at the end.
    public init(_ read: @escaping (Int) throws -> [UInt8]) { self.read = read }

    /// Opens all of it, a piece at a time. What was handed over is genuine; that it is whole is known only when this returns.
    ///
    /// - Throws: ``Failure``, and what reading and writing throw.
    public mutating func open(by identity: AgeKey, _ write: ([UInt8]) throws -> Void) throws {
        let fileKey = try openHead(identity)
        let nonce = try take(16)
        guard nonce.count == 16 else { throw Failure.damaged }
        let key = Age.payloadKey(fileKey, nonce), size = AgeSealer.chunk + 16
        var counter: UInt64 = 0
        var chunk = try take(size)
        while true {
            let next = try take(size), isLast = next.isEmpty
            guard chunk.count >= 16, let number = try? Age.nonce(counter, isLast: isLast),
                let box = try? ChaChaPoly.SealedBox(nonce: number, ciphertext: chunk.dropLast(16), tag: chunk.suffix(16)), let plain = try? ChaChaPoly.open(box, using: key),
                // Only a file of nothing ends with an empty piece.
                !plain.isEmpty || counter == 0
            else { throw Failure.damaged }
            try write(Array(plain))
            if isLast { return }
            counter += 1
            chunk = next
        }
    }

    private mutating func openHead(_ identity: AgeKey) throws -> [UInt8] {
        guard let recipient = identity.recipient, let secret = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: identity.bytes) else { throw Failure.otherKey }
        var head = Array(try line().utf8)
        guard head == Array(Age.intro.utf8) else { throw Failure.malformed }
        var found: [UInt8]?
        while true {
            let text = try line()
            head += [UInt8(ascii: "\n")]
            if text.hasPrefix("---") {
                head += Array("---".utf8)
                guard let fileKey = found else { throw Failure.otherKey }
                guard text.hasPrefix("--- "), let mac = Age.bytes(text.dropFirst(4)), mac == Age.mac(head, fileKey) else { throw Failure.malformed }
                return fileKey
            }
            head += Array(text.utf8)
            let words = text.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count >= 2, words[0] == "->" else { throw Failure.malformed }
            var body = ""
            while true {
                let part = try line()
                head += [UInt8(ascii: "\n")] + Array(part.utf8)
                body += part
                if part.utf8.count < 64 { break }
                guard part.utf8.count == 64, body.utf8.count < Self.longestHead else { throw Failure.malformed }
            }
            guard words[1] == "X25519", found == nil else { continue }
            guard words.count == 3, let share = Age.bytes(words[2]), share.count == 32, let wrapped = Age.bytes(body), wrapped.count == 32 else { throw Failure.malformed }
            guard let shared = try? secret.sharedSecretFromKeyAgreement(with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: share)),
                let box = try? ChaChaPoly.SealedBox(nonce: ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12)), ciphertext: wrapped.prefix(16), tag: wrapped.suffix(16)),
                let key = try? ChaChaPoly.open(box, using: try Age.wrapKey(shared, share: share, recipient: recipient.bytes))
            else { continue }
            found = Array(key)
        }
    }

    private mutating func line() throws -> String {
        var bytes: [UInt8] = []
        while true {
            guard let byte = try take(1).first, bytes.count < Self.longestHead else { throw Failure.malformed }
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
    }

    /// So many bytes, fewer only at the end.
    private mutating func take(_ count: Int) throws -> [UInt8] {
        while buffer.count - place < count {
            let more = try read(max(count, 64 * 1024))
            if more.isEmpty { break }
            buffer.removeFirst(place)
            place = 0
            buffer += more
        }
        let taken = Array(buffer[place..<min(place + count, buffer.count)])
        place += taken.count
        return taken
    }
}
