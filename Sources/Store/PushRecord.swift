public import Model
import Postgres

/// A push as it is kept: what its department sees of it, and what a release needs to know.
public struct PushRecord: Sendable, Hashable {
    public var push: Push
    /// What a release would do, counted when the push was checked; nil before.
    public var preview: RowCounts?
    /// The shape and the mapping that it was checked against.
    public var schema: TableSchema
    public var mapping: Mapping?
    /// Size of the canonical CSV of the checked rows, in bytes.
    public var canonicalBytes: Int?
    /// SHA-256 of the body as it came, 64 hexadecimal digits.
    public var contentDigest: String?

    public init(push: Push, schema: TableSchema, mapping: Mapping?) {
        self.push = push
        self.schema = schema
        self.mapping = mapping
    }
}

/// How one state of a dataset's rows differs from another.
public struct RowCounts: Sendable, Hashable, Codable {
    public var added: Int
    public var changed: Int
    public var removed: Int

    public init(added: Int, changed: Int, removed: Int) {
        self.added = added
        self.changed = changed
        self.removed = removed
    }

    public var isZero: Bool { added == 0 && changed == 0 && removed == 0 }
}

/// What a push has to know of the dataset that it goes to.
public struct PushTarget: Sendable, Hashable {
    public var dataset: String
    /// Names the dataset's tables.
    public var number: Int
    public var department: String
    public var state: Dataset.State
    public var policy: PushPolicy
    public var schema: TableSchema
    /// The pinned profile, and its review policy as it stands in the profile.
    public var profile: ProfileReference?
    public var reviewPolicy: String?
    public var mapping: Mapping?
    public var currentVersion: Int?
    /// The schema that the current version was released with, and its digest.
    public var currentSchema: TableSchema?
    public var currentDigest: String?
    public var rowCount: Int
}

extension PushRecord {
    static let columns: SQL = """
        p.id, p.dataset, p.department, p.mode, p.state, p.dry_run, p.policy, p.key_id, p.schema, p.profile_id, p.profile_version, p.mapping, \
        p.record_count, p.row_count, p.rejected_count, p.error_count, p.warning_count, p.byte_count, p.digest, p.content_digest, p.canonical_bytes, \
        p.added, p.changed, p.removed, p.base_version, p.version, p.release_at, p.reason_zh, p.reason_en, p.received_at, p.updated_at
        """

    init(_ row: Row) throws {
        var push = Push(
            id: try row.read("id"), dataset: try row.read("dataset"), department: try row.read("department"), mode: try row.word("mode"),
            dryRun: try row.read("dry_run"), policy: try row.word("policy"), key: try row.read("key_id"),
            profile: try row.profileReference(), receivedAt: try row.timestamp("received_at"))
        push.state = try row.word("state")
        push.recordCount = try row.read("record_count")
        push.rowCount = try row.read("row_count")
        push.rejectedCount = try row.read("rejected_count")
        push.errorCount = try row.read("error_count")
        push.warningCount = try row.read("warning_count")
        push.byteCount = try row.read("byte_count")
        push.digest = try row.read("digest")
        push.baseVersion = try row.read("base_version")
        push.version = try row.read("version")
        push.releaseAt = try row.timestampIfPresent("release_at")
        push.updatedAt = try row.timestamp("updated_at")
        if try row.stringIfPresent("reason_zh") != nil { push.reason = try row.localized("reason") }
        self.init(push: push, schema: try row.document(TableSchema.self, "schema"), mapping: try row.documentIfPresent(Mapping.self, "mapping"))
        if let added: Int = try row.read(Int?.self, "added") {
            preview = RowCounts(added: added, changed: try row.read("changed"), removed: try row.read("removed"))
        }
        canonicalBytes = try row.read("canonical_bytes")
        contentDigest = try row.read("content_digest")
    }
}

extension Row {
    /// A stored word of the closed set that is wanted where it goes.
    func word<Word: RawRepresentable>(_ column: String) throws -> Word where Word.RawValue == String { try word(Word.self, column) }
}
