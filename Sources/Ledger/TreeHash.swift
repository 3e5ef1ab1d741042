internal import Crypto
internal import Foundation

/// A node of a Merkle tree over SHA-256 (RFC 6962 section 2.1).
public struct TreeHash: Sendable, Hashable {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// - Returns: nil where there are not 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    private init(digest: SHA256Digest) { bytes = Array(digest) }

    /// The hash of a leaf: SHA-256 of 0x00 and the entry.
    public static func leaf(_ entry: some Sequence<UInt8>) -> TreeHash {
        TreeHash(digest: SHA256.hash(data: [0] + Array(entry)))
    }

    /// The hash of an inner node: SHA-256 of 0x01 and its two children.
    public static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        TreeHash(digest: SHA256.hash(data: [1] + left.bytes + right.bytes))
    }

    /// The head of a tree without leaves: SHA-256 of nothing.
    public static let empty = TreeHash(digest: SHA256.hash(data: [UInt8]()))

    /// The head over complete subtrees from left to right, each larger than the next: a tree's peaks, or a part of a proof.
    public static func folding(_ peaks: some BidirectionalCollection<TreeHash>) -> TreeHash {
        guard var head = peaks.last else { return .empty }
        for peak in peaks.dropLast().reversed() { head = node(peak, head) }
        return head
    }

    /// The root of a complete subtree whose lowest nodes are given: 2^n of them.
    public static func complete(_ nodes: some Collection<TreeHash>) -> TreeHash {
        var row = Array(nodes)
        while row.count > 1 {
            row = stride(from: 0, to: row.count - 1, by: 2).map { node(row[$0], row[$0 + 1]) }
        }
        return row.first ?? .empty
    }

    /// Base64 with padding (RFC 4648 section 4), as notes and proofs write it.
    public var base64: String { Data(bytes).base64EncodedString() }

    /// - Returns: nil where the text is not base64 of 32 bytes in its one spelling.
    public init?(base64 text: some StringProtocol) {
        guard let bytes = Base64.decode(text) else { return nil }
        self.init(bytes)
    }
}

/// Base64 with padding, in its one spelling (RFC 4648 sections 3.5 and 4).
enum Base64 {
    static func encode(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }

    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let text = String(text)
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
        return Array(data)
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits, the spelling of every digest in a leaf.
public enum HexDigest {
    public static func of(_ bytes: some Sequence<UInt8>) -> String { hexadecimal(SHA256.hash(data: Array(bytes))) }

    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// - Returns: nil where the text is not 64 lower-case hexadecimal digits.
    public static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 64, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
        func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x57 }
        return stride(from: 0, to: 64, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }
}
