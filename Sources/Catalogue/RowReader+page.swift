public import Model
public import NIOCore
public import Store

/// A page of rows that is about to be read.
public struct PagePlan: Sendable {
    public let version: ReleasedVersion
    /// The question, with its defaults filled in.
    public let query: RowQuery
    /// Whether the caller said which version to read, or a cursor did; else a newer one may answer.
    public let isPinned: Bool
    /// The validator of the answer, without quotes: it depends on the version and the question alone.
    public let entityTag: String
    /// What is read; streams read it without its limit.
    public let read: PageRead
    let fingerprint: UInt64

    /// Whether it may be read on an event loop, as far as its rows are the current ones.
    public var isShort: Bool { read.isShort(isCurrent: true) }

    /// Whether the answer stays as it is, but for withdrawals: the version was named, and its rows are not public for a time only.
    public var isLasting: Bool { isPinned && !version.hasWindow }

    /// Units of the rate limit: one for each started hundred of rows.
    public var cost: Int { (query.limit + 99) / 100 }
}

/// The rows of a page, ready to be written.
public struct PageAnswer: Sendable {
    let plan: PagePlan
    let page: RowPage
    /// The cursor of the next page; nil on the last one.
    public let next: String?

    /// Appends `[{…},…]`.
    public func writeRows(into buffer: inout ByteBuffer) { page.writeJSON(into: &buffer) }

    /// Appends `{"limit":…,"total":…,"version":…}`; the total is there when nothing is filtered.
    public func writeMeta(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"limit\":")
        buffer.writeString(String(plan.query.limit))
        // The count of a version that rows were withdrawn from is no longer true.
        if plan.query.predicate == nil, plan.version.withdrawal == nil {
            buffer.writeStaticString(",\"total\":")
            buffer.writeString(String(plan.version.rowCount))
        }
        buffer.writeStaticString(",\"version\":")
        buffer.writeString(String(plan.version.number))
        buffer.writeStaticString("}")
    }
}

extension RowReader {
    /// Holds a question against the version that it is about.
    ///
    /// - Parameters:
    ///   - version: the version that it names, or the current one.
    ///   - parameters: names and values, decoded.
    ///   - other: names of parameters that are not about rows.
    /// - Throws: a `Problem` that names every wrong place.
    public func plan(_ version: ReleasedVersion, _ parameters: [(name: String, value: String)], other: [String] = []) throws -> PagePlan {
        let query = try RowQuery(parameters: parameters, fields: version.queryable, other: other)
        var read = PageRead(version: version, query: query)
        let fingerprint = RowFingerprint.of(dataset: version.dataset, predicate: query.predicate, order: read.orderNames)
        if let text = query.cursor {
            let cursor = try open(text)
            guard cursor.fingerprint == fingerprint, cursor.values.count == read.orderNames.count else {
                throw Self.invalidCursor(
                    zh: "属于另一个查询；筛选和排序须与第一页相同", en: "it belongs to another question; conditions and sort must be those of the first page")
            }
            guard query.version == nil || query.version == cursor.version, cursor.version == version.number else {
                throw Self.invalidCursor(zh: "属于版本 \(cursor.version)", en: "it belongs to version \(cursor.version)")
            }
            read = PageRead(version: version, query: query, after: cursor.values)
        }
        var tag = Hash64()
        tag.add(fingerprint)
        tag.add(UInt64(query.limit))
        for name in query.fields ?? [] { tag.add(name) }
        tag.add(query.cursor ?? "")
        return PagePlan(
            version: version, query: query, isPinned: query.version != nil || query.cursor != nil, entityTag: version.entityTag(tag.value), read: read,
            fingerprint: fingerprint)
    }

    /// Reads a page of the current version on an event loop.
    ///
    /// - Parameter done: called on the loop; nil means that only ``answer(_:)`` can tell, because there was no row.
    public func answer(_ plan: PagePlan, on eventLoop: any EventLoop, _ done: @escaping Store.Done<PageAnswer?>) {
        store.currentPage(plan.read, on: eventLoop) { result in
            done(result.flatMap { page in Result { page.count == 0 ? nil : try self.answer(plan, page) } })
        }
    }

    /// Reads a page.
    ///
    /// - Parameter admit: told the planner's estimate before anything runs that no index gives at once; what it throws is thrown.
    /// - Returns: nil when a newer version was released meanwhile and the question is not pinned: ask again with that one.
    public func answer(_ plan: PagePlan, admit: (_ estimate: Double) async throws -> Void = { _ in }) async throws -> PageAnswer? {
        if plan.version.number == released.known(plan.version.dataset)?.current?.number ?? plan.version.number {
            let page = try await store.page(plan.read, isCurrent: true, admit: admit)
            if page.count > 0 { return try answer(plan, page) }
            // No row: either there is none, or the version is not the current one any more.
            if try await store.isCurrent(plan.version) { return try answer(plan, page) }
            if !plan.isPinned { return nil }
        }
        return try answer(plan, try await store.page(plan.read, isCurrent: false, admit: admit))
    }

    /// The cursor by which a question goes on behind a row.
    ///
    /// - Parameter values: the order's values of that row.
    /// - Returns: nil where they are too long for an address.
    public func cursor(after values: [String?], in plan: PagePlan) -> String? {
        let cursor = RowCursor(version: plan.version.number, fingerprint: plan.fingerprint, values: values)
        let text = seal.seal(payload: cursor.bytes, for: Self.purpose)
        return text.utf8.count <= RowCursor.sizeLimit ? text : nil
    }

    private func answer(_ plan: PagePlan, _ page: RowPage) throws -> PageAnswer {
        guard page.hasMore else { return PageAnswer(plan: plan, page: page, next: nil) }
        guard let next = cursor(after: page.lastValues, in: plan) else {
            throw Problem(
                .invalidSort, zh: "排序所用的值过长，无法分页；请换一个信息项排序", en: "the values sorted by are too long to page through; sort by another field",
                places: [.init("sort", zh: "值过长", en: "values too long")])
        }
        return PageAnswer(plan: plan, page: page, next: next)
    }
}
