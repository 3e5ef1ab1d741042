internal import Crypto
public import Model

extension Leaf {
    /// Says how many calls the exchange had in some time, and what they hash to.
    public struct Audit: Sendable, Hashable, Codable {
        public var seal: AuditSeal

        public init(_ seal: AuditSeal) { self.seal = seal }

        public init(from decoder: any Decoder) throws { seal = try AuditSeal(from: decoder) }

        public func encode(to encoder: any Encoder) throws { try seal.encode(to: encoder) }
    }
}

extension LedgerEntry {
    /// The calls of some time.
    public static func audit(_ seal: AuditSeal) throws -> LedgerEntry { try LedgerEntry(.audit(.init(seal))) }
}

/// SHA-256 over the hashes of entries, one behind another, as they come.
public struct AuditDigest: Sendable {
    public private(set) var count = 0
    private var hash = SHA256()

    public init() {}

    /// - Throws: `EncodingError`: not for what the model can hold.
    public mutating func add(_ entry: AuditEntry) throws { add(hash: try Self.hash(of: entry)) }

    /// - Parameter hash: of an entry that is not shown, 32 bytes.
    public mutating func add(hash bytes: [UInt8]) {
        count += 1
        hash.update(data: bytes)
    }

    /// 64 hexadecimal digits.
    public var text: String { HexDigest.hexadecimal(hash.finalize()) }

    /// An entry's own hash: SHA-256 of its JSON in the spelling of RFC 8785.
    public static func hash(of entry: AuditEntry) throws -> [UInt8] { Array(SHA256.hash(data: try line(entry))) }

    /// An entry as it stands in an export, without the line's end.
    public static func line(_ entry: AuditEntry) throws -> [UInt8] { try CanonicalJSON(entry).bytes }

    /// What stands in an export for an entry that its reader may not see, without the line's end.
    public static func hidden(_ entry: AuditEntry) throws -> [UInt8] {
        CanonicalJSON.object(["hash": .string(HexDigest.hexadecimal(try hash(of: entry)))]).bytes
    }
}

/// What an exported audit is found to be.
public struct AuditExport: Sendable, Hashable {
    /// Entries that it shows, and those of which it has the hash alone.
    public private(set) var shown = 0
    public private(set) var hidden = 0
    /// 64 hexadecimal digits.
    public private(set) var digest = ""

    /// Why an export cannot be read.
    public struct Malformed: Error, Sendable, Hashable {
        /// From 1.
        public let line: Int
    }

    /// Reads the lines of an export: entries as JSON in any spelling, and hashes. Empty lines are passed over.
    public init(_ text: String) throws(Malformed) {
        var digest = AuditDigest()
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where !line.isEmpty {
            guard let json = try? CanonicalJSON(parsing: Array(line.utf8)), case .object(let members) = json else { throw Malformed(line: number + 1) }
            if members.count == 1, case .string(let hash)? = members["hash"] {
                guard let bytes = HexDigest.bytes(hash) else { throw Malformed(line: number + 1) }
                digest.add(hash: bytes)
                hidden += 1
            } else {
                digest.add(hash: Array(SHA256.hash(data: json.bytes)))
                shown += 1
            }
        }
        self.digest = digest.text
    }
}
