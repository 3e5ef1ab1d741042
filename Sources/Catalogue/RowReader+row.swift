public import Model
public import NIOCore
public import Store

/// One row that is about to be read.
public struct RowPlan: Sendable {
    public let version: ReleasedVersion
    /// Canonical values of the key's fields.
    public let key: [String]
    /// Whether the caller said which version to read.
    public let isPinned: Bool
    /// The validator of the answer, without quotes.
    public let entityTag: String
    /// The corrections that stand beside the row; nil where there are none, which costs no question.
    let corrections: RowCorrections?

    func answer(_ row: FoundRow) -> RowAnswer { RowAnswer(version: version.number, row: row, corrections: corrections) }
}

/// Corrections of one row.
struct RowCorrections: Sendable {
    let dataset: String
    /// The row's key as addresses spell it.
    let key: String
    let count: CorrectionCount
}

/// A row, ready to be written.
public struct RowAnswer: Sendable {
    let version: Int
    let row: FoundRow
    let corrections: RowCorrections?

    /// Appends `{"data":{…},"meta":{"version":…}}`; where there are corrections, `meta` counts them and `links` says where they are.
    public func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"data\":")
        row.writeJSON(into: &buffer)
        buffer.writeStaticString(",\"meta\":{\"version\":")
        buffer.writeString(String(version))
        if let corrections {
            buffer.writeString(",\"corrections\":{\"total\":\(corrections.count.total),\"open\":\(corrections.count.open)}},\"links\":{\"corrections\":\"")
            // As a parameter the key is escaped once more. Neither has anything that JSON escapes.
            buffer.writeString("/v1/datasets/\(corrections.dataset)/corrections?key=\(RowKey.text([corrections.key]))\"")
        }
        buffer.writeStaticString("}}")
    }
}

extension RowReader {
    /// Holds a key against the version that it is about.
    ///
    /// - Parameters:
    ///   - key: the path's segment, still percent-encoded.
    ///   - isPinned: whether the version was named; else a newer one may answer.
    /// - Returns: nil when no row can have this key.
    public func plan(_ version: ReleasedVersion, key: some StringProtocol, isPinned: Bool = false) -> RowPlan? {
        guard version.hasPublicKey, let values = RowKey.values(key, fields: version.key) else { return nil }
        var tag = Hash64()
        for value in values { tag.add(value) }
        var corrections: RowCorrections?
        if !version.corrections.isEmpty {
            let key = RowKey.text(values)
            corrections = version.corrections[key].map { RowCorrections(dataset: version.dataset, key: key, count: $0) }
        }
        if let corrections { tag.add("corrections \(corrections.count.total) \(corrections.count.open)") }
        return RowPlan(version: version, key: values, isPinned: isPinned, entityTag: version.entityTag(tag.value), corrections: corrections)
    }

    /// Finds a row of the current version on an event loop.
    ///
    /// - Parameter done: called on the loop; nil means that only ``answer(_:)`` can tell, because there was no row.
    public func answer(_ plan: RowPlan, on eventLoop: any EventLoop, _ done: @escaping Store.Done<RowAnswer?>) {
        store.currentRow(plan.version, key: plan.key, on: eventLoop) { result in
            done(result.map { $0.map(plan.answer) })
        }
    }

    /// Finds a row.
    ///
    /// - Returns: nil when a newer version was released meanwhile and the question is not pinned: ask again with that one.
    /// - Throws: a `Problem`: `rowNotFound`, `rowWithdrawn`, or that the database cannot answer.
    public func answer(_ plan: RowPlan) async throws -> RowAnswer? {
        if let row = try await store.row(plan.version, key: plan.key, isCurrent: true) { return plan.answer(row) }
        if plan.isPinned {
            if let row = try await store.row(plan.version, key: plan.key, isCurrent: false) { return plan.answer(row) }
        } else if try await !store.isCurrent(plan.version) {
            return nil
        }
        let key = RowKey.text(plan.key)
        if let tombstone = try await store.withdrawnRow(dataset: plan.version.dataset, key: key, in: plan.isPinned ? plan.version.number : nil) {
            throw tombstone.problem(.rowWithdrawn, zh: "行 \(key) ", en: "the row \(key)")
        }
        throw rowNotFound(plan.version)
    }

    /// There is no such row; says what a key looks like.
    public func rowNotFound(_ version: ReleasedVersion) -> Problem {
        guard version.hasPublicKey else {
            return Problem(.rowNotFound, zh: "该数据资源的行不能按主键读取", en: "rows of this dataset cannot be addressed by key")
        }
        let shape = version.key.map { "\($0.name) (\($0.type))" }.joined(separator: ",")
        return Problem(.rowNotFound, zh: "没有这一行；主键的写法：\(shape)", en: "there is no such row; a key is written \(shape)")
    }
}
