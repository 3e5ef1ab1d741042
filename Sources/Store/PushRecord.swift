import Model
import Postgres

extension PushRecord {
    static let columns: SQL = """
        p.id, p.dataset, p.department, p.mode, p.state, p.dry_run, p.policy, p.key_id, p.schema, p.profile_id, p.profile_version, p.mapping, \
        p.record_count, p.row_count, p.rejected_count, p.error_count, p.warning_count, p.byte_count, p.digest, p.content_digest, p.canonical_bytes, p.row_tree_head, \
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
        rowTreeHead = try row.read(Bytea?.self, "row_tree_head")?.bytes
        contentDigest = try row.read("content_digest")
    }
}

extension Row {
    /// A stored word of the closed set that is wanted where it goes.
    func word<Word: RawRepresentable>(_ column: String) throws -> Word where Word.RawValue == String { try word(Word.self, column) }
}
