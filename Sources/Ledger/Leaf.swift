internal import Foundation
public import Model

/// What the log witnesses: one entry, as JSON in the spelling of RFC 8785. It holds digests and salted digests, never contents.
///
/// `docs/ledger.md` describes every member for those who read the log with programs of their own.
public enum Leaf: Sendable, Hashable {
    /// A version of a dataset was released.
    case release(Release)
    /// Something was taken out of public view.
    case withdrawal(Withdrawal)
    /// A reviewer decided.
    case review(Review)
    /// A version of a profile was loaded.
    case profile(Profile)
    /// One department was given another one's data, or that has ended.
    case grant(Grant)
    /// A department signed for data that it got.
    case receipt(Receipt)
    /// The doubt about a value was answered.
    case correction(Correction)
    /// The calls that the exchange had in some time.
    case audit(Audit)
    /// The description of a published dataset was edited.
    case description(Description)
    /// Something about a dataset that is closed to the public.
    case sealed(Sealed)
    /// One of a kind that this program does not know.
    case other(kind: String)

    public struct Release: Sendable, Hashable, Codable {
        public var dataset: String
        public var version: Int
        /// SHA-256 of the version's canonical CSV.
        public var digest: String
        public var byteCount: Int
        public var rowCount: Int
        /// SHA-256 of what ``schema(_:)`` says.
        public var schemaDigest: String
        /// The digest of the version before, absent from the first.
        public var previousDigest: String?
        public var profile: ProfileReference?
        public var department: String
        /// The revision of the description that stood at the release, and SHA-256 of it without its schema, as RFC 8785 spells it.
        public var descriptionRevision: Int
        public var descriptionDigest: String
        public var releasedAt: Timestamp
        /// True where the version was released before there was a log, and entered afterwards.
        public var late: Bool?
        /// The tree over its rows; absent where the version was released before trees were made.
        public var rowTree: RowTree?

        /// The tree over a version's rows, see ``RowTreeBuilder``.
        public struct RowTree: Sendable, Hashable, Codable {
            /// 64 hexadecimal digits.
            public var head: String
            /// The number of rows.
            public var size: Int
        }

        /// - Parameters:
        ///   - previousDigest: that of the version before.
        ///   - description: as it stands at the release, and its revision.
        ///   - rowTree: the tree over its rows.
        /// - Throws: `EncodingError`, `DecodingError`: not for what the model can hold.
        public init(
            _ version: Version, previousDigest: String?, description: (revision: Int, value: DatasetDescription), rowTree: (size: Int, head: [UInt8])? = nil, late: Bool = false
        ) throws {
            dataset = version.dataset
            self.version = version.number
            digest = version.digest
            byteCount = version.byteCount
            rowCount = version.rowCount
            schemaDigest = HexDigest.of(try Self.schema(version.schema).bytes)
            self.previousDigest = previousDigest
            profile = version.profile
            department = version.department
            descriptionRevision = description.revision
            descriptionDigest = try Leaf.digest(of: description.value)
            releasedAt = version.releasedAt
            self.late = late ? true : nil
            self.rowTree = rowTree.map { RowTree(head: HexDigest.hexadecimal($0.head), size: $0.size) }
        }

        /// What says how the rows are to be read: the public fields in order, each with these members where it has them, and the primary key.
        /// Members that schemas may have besides, or get later, change no digest.
        static func schema(_ schema: TableSchema) throws -> CanonicalJSON {
            let fields = try schema.publicFields.map { field -> CanonicalJSON in
                guard case .object(let members) = try CanonicalJSON(field) else { return .null }
                return .object(members.filter { ["name", "title", "type", "unit", "code_list", "mask"].contains($0.key) })
            }
            let names = Set(schema.publicFields.map(\.name))
            return .object(["fields": .array(fields), "primary_key": .array(schema.primaryKey.filter(names.contains).map { .string($0) })])
        }
    }

    public struct Withdrawal: Sendable, Hashable, Codable {
        public var dataset: String
        public var subject: Model.Withdrawal.Subject
        public var version: Int?
        /// The withdrawal's own identifier.
        public var withdrawal: String
        public var withdrawnAt: Timestamp
        /// Salted digest of the withdrawal with its keys, reason and legal basis.
        public var commitment: Commitment

        public init(_ withdrawal: Model.Withdrawal, salt: [UInt8]) throws {
            dataset = withdrawal.dataset
            subject = withdrawal.subject
            version = withdrawal.version
            self.withdrawal = withdrawal.id
            withdrawnAt = withdrawal.withdrawnAt
            commitment = Commitment(salt: salt, content: try CanonicalJSON(withdrawal).bytes)
        }
    }

    /// Says nothing of which content: what was refused is not public, and what is not released yet neither.
    public struct Review: Sendable, Hashable, Codable {
        public var reviewedAt: Timestamp
        /// Salted digest of the review with push, digest, decision, legal basis, note and reviewer.
        public var commitment: Commitment

        public init(_ review: Model.Review, salt: [UInt8]) throws {
            reviewedAt = review.reviewedAt
            commitment = Commitment(salt: salt, content: try CanonicalJSON(review).bytes)
        }
    }

    public struct Description: Sendable, Hashable, Codable {
        public var dataset: String
        public var revision: Int
        /// SHA-256 of the description without its schema, as RFC 8785 spells it.
        public var digest: String
        /// That of the description before.
        public var previousDigest: String
        public var department: String
        public var editedAt: Timestamp

        /// - Parameter revision: the one that the edit makes.
        public init(dataset: String, revision: Int, from old: DatasetDescription, to new: DatasetDescription, editedAt: Timestamp) throws {
            self.dataset = dataset
            self.revision = revision
            digest = try Leaf.digest(of: new)
            previousDigest = try Leaf.digest(of: old)
            department = new.department
            self.editedAt = editedAt
        }
    }

    /// What leaves say of a description: SHA-256 of it without its schema, as RFC 8785 spells it.
    ///
    /// - Throws: `EncodingError`, `DecodingError`: not for what the model can hold.
    public static func digest(of description: DatasetDescription) throws -> String {
        var members = try CanonicalJSON(description)
        members["schema"] = nil
        return HexDigest.of(members.bytes)
    }

    /// Stands for another entry, which only those may see who may see the dataset. Made by the database, beside which the entry and its salt are kept.
    public struct Sealed: Sendable, Hashable, Codable {
        /// Salted digest of the entry's bytes.
        public var commitment: Commitment

        public init(commitment: Commitment) { self.commitment = commitment }
    }

    public struct Profile: Sendable, Hashable, Codable {
        public var profile: String
        public var version: Int
        /// SHA-256 of the file as it was loaded.
        public var fileDigest: String
        /// SHA-256 of the profile as RFC 8785 spells it; absent where it has a number that is not whole.
        public var documentDigest: String?

        public init(id: String, version: Int, json: [UInt8]) {
            profile = id
            self.version = version
            fileDigest = HexDigest.of(json)
            documentDigest = (try? CanonicalJSON(parsing: json)).map { HexDigest.of($0.bytes) }
        }
    }
}

/// A digest that says nothing about its content to whoever has not the salt: SHA-256 of the salt and the content. When the salt is gone, so is what it said.
public struct Commitment: Sendable, Hashable, Codable {
    /// 64 hexadecimal digits.
    public let digest: String

    /// - Parameter salt: 32 random bytes.
    public init(salt: [UInt8], content: [UInt8]) { digest = HexDigest.of(salt + content) }

    /// 32 random bytes.
    public static func salt() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
    }

    public init(from decoder: any Decoder) throws { digest = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(digest)
    }
}

extension CanonicalJSON {
    /// A noun of the model, spelled as it leaves the API.
    init(_ value: some Encodable) throws { try self.init(parsing: try JSON.encoder().encode(value)) }
}

extension Leaf {
    /// Stands in every leaf, so that an entry cannot be taken for something else.
    static let format = "daylight-leaf/1"

    private struct Head: Decodable {
        var format: String
        var kind: String
    }

    /// The word for its kind.
    public var kind: String {
        switch self {
        case .release: "release"
        case .withdrawal: "withdrawal"
        case .review: "review"
        case .profile: "profile"
        case .grant: "grant"
        case .receipt: "receipt"
        case .correction: "correction"
        case .audit: "audit"
        case .description: "description"
        case .sealed: "sealed"
        case .other(let kind): kind
        }
    }

    /// The entry: its bytes are what is hashed and kept.
    ///
    /// - Throws: `EncodingError` for a leaf of an unknown kind.
    public func entry() throws -> [UInt8] {
        var members =
            switch self {
            case .release(let leaf): try CanonicalJSON(leaf)
            case .withdrawal(let leaf): try CanonicalJSON(leaf)
            case .review(let leaf): try CanonicalJSON(leaf)
            case .profile(let leaf): try CanonicalJSON(leaf)
            case .grant(let leaf): try CanonicalJSON(leaf)
            case .receipt(let leaf): try CanonicalJSON(leaf)
            case .correction(let leaf): try CanonicalJSON(leaf)
            case .audit(let leaf): try CanonicalJSON(leaf)
            case .description(let leaf): try CanonicalJSON(leaf)
            case .sealed(let leaf): try CanonicalJSON(leaf)
            case .other(let kind): throw EncodingError.invalidValue(kind, .init(codingPath: [], debugDescription: "a leaf of an unknown kind is read only"))
            }
        members["format"] = .string(Self.format)
        members["kind"] = .string(kind)
        return members.bytes
    }

    /// Reads an entry.
    ///
    /// - Throws: `DecodingError` where it is no leaf.
    public init(entry: [UInt8]) throws {
        let data = Data(entry), decoder = JSON.decoder()
        let head = try decoder.decode(Head.self, from: data)
        guard head.format == Self.format else { throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "the format is \(head.format)")) }
        self =
            switch head.kind {
            case "release": .release(try decoder.decode(Release.self, from: data))
            case "withdrawal": .withdrawal(try decoder.decode(Withdrawal.self, from: data))
            case "review": .review(try decoder.decode(Review.self, from: data))
            case "profile": .profile(try decoder.decode(Profile.self, from: data))
            case "grant": .grant(try decoder.decode(Grant.self, from: data))
            case "receipt": .receipt(try decoder.decode(Receipt.self, from: data))
            case "correction": .correction(try decoder.decode(Correction.self, from: data))
            case "audit": .audit(try decoder.decode(Audit.self, from: data))
            case "description": .description(try decoder.decode(Description.self, from: data))
            case "sealed": .sealed(try decoder.decode(Sealed.self, from: data))
            default: .other(kind: head.kind)
            }
    }
}
