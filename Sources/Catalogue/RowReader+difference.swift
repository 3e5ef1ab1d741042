internal import Foundation
public import Model
public import NIOCore
public import Store

/// A difference between two versions that is about to be read.
public struct DifferencePlan: Sendable {
    /// The older version; nil for the time before the first.
    public let from: ReleasedVersion?
    public let to: ReleasedVersion
    public let query: RowQuery
    public let read: DifferenceRead
    /// Whether both versions were named, or a cursor did; else newer ones may answer another time.
    public let isPinned: Bool
    /// The validator of the answer, without quotes: it depends on the versions and the question alone.
    public let entityTag: String
    /// How the fields differ.
    public let fieldChanges: [FieldChange]
    let fingerprint: UInt64

    /// Whether the answer stays as it is, but for withdrawals: both versions were named, and rows are not public for a time only.
    public var isLasting: Bool { isPinned && !to.hasWindow && from?.hasWindow != true }
    /// The older version's number, 0 for the time before the first.
    public var fromNumber: Int { from?.number ?? 0 }
    public var toNumber: Int { to.number }
}

/// A page of a difference, ready to be written.
public struct DifferenceAnswer: Sendable {
    let page: DifferencePage
    /// The cursor of the next page; nil on the last one.
    public let next: String?

    /// Appends `[{…},…]`.
    public func writeRows(into buffer: inout ByteBuffer) { page.writeJSON(into: &buffer) }
}

/// What a difference comes to, ready to be written.
public struct DifferenceTotal: Sendable {
    let summary: DifferenceSummary

    /// Appends `{"added":…,"changed":…,"fields":[…],"removed":…}`.
    public func write(into buffer: inout ByteBuffer) { summary.writeJSON(into: &buffer) }
}

extension RowReader {
    /// Parameters of a difference that are not about which rows.
    public static let differenceParameters = ["from", "to"]

    /// Holds a question about a difference against its two versions.
    ///
    /// - Parameters:
    ///   - dataset: the dataset's identifier.
    ///   - parameters: names and values, decoded: `from`, `to`, and those of ``RowQuery`` that are about which rows and fields.
    ///   - refused: names of ``RowQuery`` that mean nothing here.
    ///   - other: names that the caller reads itself.
    /// - Throws: a `Problem` that names every wrong place, or what ``version(of:number:fresh:)`` throws.
    public func differencePlan(
        of dataset: String, _ parameters: [(name: String, value: String)], refusing refused: [String] = [], other: [String] = []
    ) async throws -> DifferencePlan {
        for name in ["sort", "version", "as_of"] + refused where parameters.contains(where: { $0.name == name }) {
            throw Problem(
                .unknownParameter, zh: "版本差异没有参数 \(name)：行按主键排列，版本由 from 和 to 指定",
                en: "a difference takes no \(name): its rows are in the order of the key, its versions are from and to", places: [.init(name, zh: "没有这个参数", en: "no such parameter")])
        }
        let cursor = try parameters.first { $0.name == "cursor" }.map { try openDifference($0.value) }
        let named = (from: try Self.number("from", from: 0, in: parameters), to: try Self.number("to", from: 1, in: parameters))
        if let cursor, named.from ?? cursor.from != cursor.from || named.to ?? cursor.to != cursor.to {
            throw Self.invalidCursor(zh: "属于版本 \(cursor.from) 与 \(cursor.to) 的差异", en: "it belongs to the difference of versions \(cursor.from) and \(cursor.to)")
        }
        let to = try await version(of: dataset, number: cursor?.to ?? named.to)
        let number = cursor?.from ?? named.from ?? to.number - 1
        guard number <= to.number else {
            throw Problem(
                .invalidParameter, zh: "from（\(number)）晚于 to（\(to.number)）；请对调", en: "from (\(number)) comes after to (\(to.number)); exchange them",
                places: [.init("from", zh: "应不大于 \(to.number)", en: "must be \(to.number) at most")])
        }
        let from = number == 0 ? nil : try await version(of: dataset, number: number)
        guard to.hasPublicKey, from?.hasPublicKey ?? true else { throw rowNotFound(to) }

        let query = try RowQuery(parameters: parameters, fields: to.queryable, other: Self.differenceParameters + other)
        var read = DifferenceRead(from: from, to: to, query: query)
        let fingerprint = RowFingerprint.of(dataset: "difference of \(dataset) from \(number)", predicate: query.predicate, order: read.fields.map(\.name))
        if let cursor {
            guard cursor.fingerprint == fingerprint, cursor.key.count == read.keyNames.count else {
                throw Self.invalidCursor(
                    zh: "属于另一个查询；筛选和信息项须与第一页相同", en: "it belongs to another question; conditions and fields must be those of the first page")
            }
            read = DifferenceRead(from: from, to: to, query: query, after: cursor.key)
        }
        var tag = Hash64()
        tag.add(fingerprint)
        tag.add(from?.validator ?? "")
        tag.add(UInt64(query.limit))
        tag.add(query.cursor ?? "")
        return DifferencePlan(
            from: from, to: to, query: query, read: read, isPinned: named.from != nil && named.to != nil || cursor != nil, entityTag: to.entityTag(tag.value),
            fieldChanges: try FieldChange.between(from?.schema, to.schema), fingerprint: fingerprint)
    }

    /// Reads a page of a difference.
    ///
    /// - Parameter admit: told the planner's estimate before anything runs; what it throws is thrown.
    /// - Throws: a `Problem`: `queryTooExpensive`, `statementTimeout`, or that the database cannot answer.
    public func answer(_ plan: DifferencePlan, admit: (_ estimate: Double) async throws -> Void) async throws -> DifferenceAnswer {
        let page = try await store.page(plan.read, admit: admit)
        guard page.hasMore else { return DifferenceAnswer(page: page, next: nil) }
        guard let next = cursor(after: page.lastKey, in: plan) else {
            throw Problem(.invalidCursor, zh: "主键的值过长，无法分页；请取 diff.ndjson", en: "the key's values are too long to page through; take diff.ndjson")
        }
        return DifferenceAnswer(page: page, next: next)
    }

    /// Counts a difference and adds up what it comes to.
    ///
    /// - Parameter admit: as for a page.
    public func total(_ plan: DifferencePlan, admit: (_ estimate: Double) async throws -> Void) async throws -> DifferenceTotal {
        DifferenceTotal(summary: try await store.summary(plan.read, admit: admit))
    }

    /// The cursor by which a difference goes on behind a row.
    ///
    /// - Parameter key: the key of that row.
    /// - Returns: nil where it is too long for an address.
    public func cursor(after key: [String?], in plan: DifferencePlan) -> String? {
        let cursor = RowCursor(version: plan.to.number, fingerprint: plan.fingerprint, values: [String(plan.fromNumber)] + key)
        let text = seal.seal(payload: cursor.bytes, for: Self.differencePurpose)
        return text.utf8.count <= RowCursor.sizeLimit ? text : nil
    }

    private static let differencePurpose = "difference"

    private func openDifference(_ text: String) throws -> (from: Int, to: Int, fingerprint: UInt64, key: [String?]) {
        guard let cursor = RowCursor(try seal.open(payload: text, for: Self.differencePurpose)), let from = cursor.values.first?.flatMap({ Int($0) }) else {
            throw Self.invalidCursor(zh: "不是这种列表的游标", en: "not a cursor of this list")
        }
        return (from, cursor.version, cursor.fingerprint, Array(cursor.values.dropFirst()))
    }

    private static func number(_ name: String, from least: Int, in parameters: [(name: String, value: String)]) throws -> Int? {
        let values = parameters.filter { $0.name == name }.map(\.value)
        guard let text = values.first else { return nil }
        guard values.count == 1, let number = Int(text), (least...Int(Int32.max)).contains(number) else {
            throw Problem(
                .invalidParameter, zh: "参数 \(name) 应为一个版本号，不小于 \(least)", en: "the parameter \(name) must be one version's number, \(least) at least",
                places: [.init(name, zh: "应为版本号，如 3", en: "expected a version number such as 3")])
        }
        return number
    }
}
