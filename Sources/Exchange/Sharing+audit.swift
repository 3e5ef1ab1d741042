internal import Ledger
public import Model
internal import Store

/// Whose part of the audit somebody reads.
public struct AuditReader: Sendable, Hashable {
    public let key: AccessKey

    /// - Returns: nil for a key that has neither the scope `audit`, which is for the head of a department, nor `oversight`.
    public init?(_ key: AccessKey) {
        guard key.scopes.contains(.audit) || key.scopes.contains(.oversight) else { return nil }
        self.key = key
    }

    /// The department whose part it is; nil for all.
    public var part: String? { key.scopes.contains(.oversight) ? nil : key.department }
}

/// How an audit is exported.
public enum AuditForm: Sendable {
    /// A line of JSON for each entry: what the ledger has the digest of.
    case ndjson
    /// For spreadsheets.
    case csv
}

extension Sharing {
    /// Calls on the exchange that the reader may see, newest first.
    ///
    /// - Parameter last: the number of the last one of the page before.
    public func calls(_ filter: AuditFilter, for reader: AuditReader, before last: Int?, limit: Int) async throws -> [AuditEntry] {
        var filter = filter
        filter.part = reader.part
        return try await store.calls(filter, datasets: reader.key.datasets, before: last, limit: limit)
    }

    /// To whom a row was given, when, by which grant and for what, newest first: for the department whose data it is, and the authority.
    ///
    /// - Parameter key: as `/rows/{key}` spells it.
    /// - Throws: `Problem`: `datasetNotFound`, `rowNotFound` where the key is not written as one.
    public func accesses(toRow key: some StringProtocol, of dataset: String, for reader: AuditReader, limit: Int) async throws -> [RecordAccess] {
        let mayKnow = reader.key.datasets.isEmpty || reader.key.datasets.contains(dataset)
        guard mayKnow, Identifiers.isDatasetIdentifier(dataset), let subject = try await store.shareSubject(dataset), let schema = subject.schema,
            reader.part == nil || reader.part == subject.department
        else { throw Self.noDataset }
        let fields = schema.primaryKey.compactMap { schema.field($0) }
        guard let values = RowKey.values(key, fields: fields) else {
            let shape = fields.map { "\($0.name) (\($0.type))" }.joined(separator: ",")
            throw Problem(.rowNotFound, zh: "主键的写法：\(shape)", en: "a key is written \(shape)")
        }
        return try await store.accesses(to: subject, key: values, limit: limit)
    }

    /// Seals, newest first.
    public func auditSeals(before last: Int?, limit: Int) async throws -> [AuditSeal] { try await store.auditSeals(before: last, limit: limit) }

    /// One seal.
    ///
    /// - Throws: `Problem`: `auditSealNotFound`.
    public func auditSeal(_ number: Int) async throws -> AuditSeal {
        guard let seal = try await store.auditSeal(number) else { throw Problem(.auditSealNotFound, zh: "没有第 \(number) 号封存", en: "there is no seal \(number)") }
        return seal
    }

    /// The entries of a seal as lines, in order: what the reader may see of them, else their hash. The lines of JSON together hash to what the ledger says.
    ///
    /// - Parameter send: called with some lines at a time.
    public func export(_ seal: AuditSeal, as form: AuditForm, for reader: AuditReader, send: ([UInt8]) async throws -> Void) async throws {
        if form == .csv { try await send(AuditCSV.header) }
        guard let first = seal.first, let last = seal.last else { return }
        var number = first - 1
        while number < last {
            let page = try await store.calls(after: number, upTo: last, part: reader.part, limit: 1000)
            guard let end = page.last?.entry.number else { return }
            var text: [UInt8] = []
            for (entry, isShown) in page {
                let isShown = isShown && reader.key.datasets.isEmpty
                switch form {
                case .csv: text += try isShown ? AuditCSV.line(entry) : AuditCSV.hidden(entry)
                case .ndjson: text += try (isShown ? AuditDigest.line(entry) : AuditDigest.hidden(entry)) + [UInt8(ascii: "\n")]
                }
            }
            try await send(text)
            number = end
        }
    }

    /// Enters the calls since the last seal into the ledger: every minute in which there were any, and every hour in which there were none. Doing it twice does no harm.
    ///
    /// - Returns: the new seal; nil where it is not time yet.
    @discardableResult
    public func sealAudit(isForced: Bool = false) async throws -> AuditSeal? {
        let previous = try await store.auditSeal()
        if let previous, !isForced, Timestamp.now.microseconds - previous.until.microseconds < 60_000_000 { return nil }
        let head = try await store.auditHead(), from = previous?.until ?? Timestamp(microseconds: 0), start = previous?.last ?? 0
        let isNew = head.last > start, age = head.at.microseconds - from.microseconds
        guard isForced || age >= (isNew ? 60_000_000 : 3_600_000_000) else { return nil }
        var digest = AuditDigest(), number = start, first: Int?
        while number < head.last {
            let page = try await store.calls(after: number, upTo: head.last, part: nil, limit: 1000)
            guard let end = page.last?.entry.number else { break }
            first = first ?? page.first?.entry.number
            for (entry, _) in page { try digest.add(entry) }
            number = end
        }
        // An empty seal carries the number on; it has no first entry.
        let seal = AuditSeal(
            number: (previous?.number ?? 0) + 1, from: from, until: head.at, first: first, last: number, count: digest.count, digest: digest.text)
        return try await store.add(seal, entry: try .audit(seal)) ? seal : nil
    }
}
