internal import Ledger
public import Model
internal import Store

/// A revision of a description, as one reader may see it.
public struct VisibleRevision: Sendable {
    public let revision: DescriptionRevision
    /// Without fields that the reader may not know of.
    public let description: DatasetDescription
    /// SHA-256 of the description without its schema, in the spelling of RFC 8785: what the ledger says of it.
    public let digest: String
}

/// One place in which two descriptions differ.
public struct DescriptionChange: Sendable, Hashable {
    /// A JSON pointer (RFC 6901).
    public let path: String
    /// JSON; nil where there was nothing.
    public let old: String?
    /// JSON; nil where there is nothing any more.
    public let new: String?
}

extension Catalogue {
    /// A page of the revisions of a dataset's description, the newest first.
    ///
    /// - Parameter time: only those that everybody could see by then; the first of them was the one in force.
    /// - Throws: what ``dataset(_:as:)`` throws; `revisionNotFound` where none was public by that time.
    public func revisions(of id: String, as reader: Reader, at time: Timestamp?, cursor: String?, limit: Int) async throws -> (revisions: [VisibleRevision], next: String?) {
        let record = try await dataset(id, as: reader)
        let purpose = "revisions of \(id)"
        let last = try cursor.map { try seal.open(Int.self, $0, for: purpose) }
        var page = try await store.revisions(of: id, before: last, by: time, hidden: reader.seesDraft(of: record.department, dataset: id), limit: limit + 1)
        if page.isEmpty, last == nil { throw Self.noRevision }
        var next: String?
        if page.count > limit {
            page.removeLast(page.count - limit)
            next = try page.last.map { try seal.seal($0.revision, for: purpose) }
        }
        return (try page.map { try visible($0, of: record, to: reader) }, next)
    }

    /// The description as it was at a revision.
    ///
    /// - Parameter number: of a revision that edited something else, the description that stood then is given.
    /// - Throws: what ``dataset(_:as:)`` throws; `revisionNotFound`.
    public func revision(_ number: Int, of id: String, as reader: Reader) async throws -> VisibleRevision {
        let record = try await dataset(id, as: reader)
        let hidden = reader.seesDraft(of: record.department, dataset: id)
        guard number >= 1, number <= record.dataset.revision,
            let found = try await store.revisions(of: id, before: number + 1, hidden: hidden, limit: 1).first
        else { throw Self.noRevision }
        return try visible(found, of: record, to: reader)
    }

    /// Where two revisions differ.
    ///
    /// - Parameter from: the older one; nil for the one before, which may be none.
    public func difference(
        from: Int?, to number: Int, of id: String, as reader: Reader
    ) async throws -> (from: VisibleRevision?, to: VisibleRevision, changes: [DescriptionChange]) {
        let to = try await revision(number, of: id, as: reader)
        let old: VisibleRevision?
        if let from {
            old = try await revision(from, of: id, as: reader)
        } else {
            do { old = try await revision(number - 1, of: id, as: reader) } catch let problem as Problem where problem.code == .revisionNotFound { old = nil }
        }
        let (before, after) = (try old.map { try Self.json($0.description) } ?? .object([:]), try Self.json(to.description))
        return (old, to, Self.changes(before, after, at: ""))
    }

    private func visible(_ revision: DescriptionRevision, of record: DatasetRecord, to reader: Reader) throws -> VisibleRevision {
        var record = record
        record.dataset.description = revision.description
        return VisibleRevision(
            revision: revision, description: visibleDescription(of: record, to: reader), digest: try Leaf.digest(of: revision.description))
    }

    private static func json(_ description: DatasetDescription) throws -> CanonicalJSON { try CanonicalJSON(parsing: Array(JSON.encode(description).utf8)) }

    static func changes(_ old: CanonicalJSON?, _ new: CanonicalJSON?, at path: String) -> [DescriptionChange] {
        if old == new { return [] }
        switch (old, new) {
        case (.object(let before)?, .object(let after)?):
            return Set(before.keys).union(after.keys).sorted().flatMap { name in
                changes(before[name], after[name], at: "\(path)/\(name.replacing("~", with: "~0").replacing("/", with: "~1"))")
            }
        case (.array(let before)?, .array(let after)?) where before.count == after.count:
            return before.indices.flatMap { changes(before[$0], after[$0], at: "\(path)/\($0)") }
        default:
            func text(_ value: CanonicalJSON?) -> String? { value.map { String(decoding: $0.bytes, as: UTF8.self) } }
            return [DescriptionChange(path: path, old: text(old), new: text(new))]
        }
    }

    private static let noRevision = Problem(.revisionNotFound, zh: "没有这个修订", en: "there is no such revision")
}
