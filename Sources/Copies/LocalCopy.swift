public import Model
public import NIOCore

/// What a local copy of granted data holds.
public struct Held: Sendable, Hashable, Codable {
    /// The grant that it is a copy by.
    public var grant: String
    public var dataset: String
    /// The version that it is in step with.
    public var version: Int
    /// What was stored and not signed for yet; nil where nothing is owed.
    public var owed: ReceiptStatement?
    /// The delivery that it came by last: who gave it knows it, as long as that is still the same history. Nil where a program from before that was noted keeps the copy.
    public var delivery: String?

    public init(grant: String, dataset: String, version: Int, owed: ReceiptStatement? = nil, delivery: String? = nil) {
        self.grant = grant
        self.dataset = dataset
        self.version = version
        self.owed = owed
        self.delivery = delivery
    }
}

/// A delivery that comes in.
public struct Incoming: Sendable {
    public var grant: String
    public var dataset: String
    public var delivery: String
    /// 0 for a whole state.
    public var fromVersion: Int
    public var toVersion: Int
    /// The key's fields, and whether each is a number, in the order of the key.
    public var key: [KeyField]
    /// Fields that were granted: no others are taken. Nil takes what comes.
    public var fields: Set<String>?
    /// PostgreSQL types by field, for a table that has to be made; `text` for the others.
    public var types: [String: ColumnType]
    /// Whether a whole state may take the place of a newer version, as where that does not exist any more.
    public var isAnew: Bool

    public init(
        grant: String, dataset: String, delivery: String, fromVersion: Int, toVersion: Int, key: [KeyField], fields: Set<String>? = nil, types: [String: ColumnType] = [:],
        isAnew: Bool = false
    ) {
        self.grant = grant
        self.dataset = dataset
        self.delivery = delivery
        self.fromVersion = fromVersion
        self.toVersion = toVersion
        self.key = key
        self.fields = fields
        self.types = types
        self.isAnew = isAnew
    }
}

/// A field of the primary key.
public struct KeyField: Sendable, Hashable {
    public var name: String
    /// Whether its values are ordered by size; else by their bytes (docs/canonical-csv.md, The order of the key).
    public var isNumber: Bool

    public init(name: String, isNumber: Bool) {
        self.name = name
        self.isNumber = isNumber
    }
}

/// What a column can be in a table that is made here.
public enum ColumnType: String, Sendable {
    case text, bigint, numeric, boolean, date, timestamptz, jsonb
}

/// What came in, counted while it passed.
public struct Arrival: Sendable, Hashable {
    /// SHA-256 of the bytes, 64 hexadecimal digits.
    public var digest: String
    public var rows: Int
    public var bytes: Int
}

/// A copy of granted data somewhere near its receiver: at any moment it is exactly one version, and says which one.
public protocol LocalCopy: Sendable {
    /// What it holds; nil before the first delivery, and where somebody removed the data.
    func held() async throws -> Held?

    /// Takes a delivery in: all of it or nothing. What it holds and what it owes change with the data, in one.
    ///
    /// - Parameters:
    ///   - bytes: the delivery's, as they come.
    ///   - check: called when all have come, before anything changes: throws where they are not what was sent, else gives what is to be signed.
    /// - Throws: what `bytes` and `check` throw, ``CopyFailure``.
    func take<Bytes: AsyncSequence & Sendable>(
        _ incoming: Incoming, _ bytes: Bytes, check: (Arrival) async throws -> ReceiptStatement
    ) async throws where Bytes.Element == ByteBuffer

    /// Forgets what was owed for a delivery: it is signed for.
    func settle(_ delivery: String) async throws

    /// Empties it: what was there is gone, and the next delivery is a whole state.
    func empty() async throws

    /// Lets go of what it holds on to.
    func close() async
}

/// Why a copy cannot be kept: in words for whoever runs it.
public struct CopyFailure: Error, Sendable, CustomStringConvertible {
    public var message: LocalizedText
    /// Whether it may be gone the next time, as where a database is away for a while.
    public var isPassing: Bool
    /// Whether the copy is no version any more, so that only a whole state mends it.
    public var isDiverged: Bool
    public var description: String { message.text(in: .en) }

    public init(zh: String, en: String, isPassing: Bool = false, isDiverged: Bool = false) {
        message = LocalizedText(zh: zh, en: en)
        (self.isPassing, self.isDiverged) = (isPassing, isDiverged)
    }
}
