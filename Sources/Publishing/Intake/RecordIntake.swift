import CSV
import Ledger
import Model
import NIOCore
import Store

/// Takes records one after the other: the header first, then those that become rows; counts them, and keeps those that are left out.
struct RecordIntake: ~Copyable {
    private let settings: Intake.Settings
    private var maker: RowMaker?
    private var rejected: [RejectedRecord] = []
    private(set) var recordCount = 0
    private(set) var rejectedCount = 0
    private(set) var hasHeader = false
    /// Whether the header does not fit.
    private(set) var isStopped = false
    var log: FindingLog

    init(_ settings: Intake.Settings) {
        self.settings = settings
        log = FindingLog(limit: settings.findingLimit)
    }

    var rowCount: Int {
        switch maker {
        case .some(let maker): maker.rowCount
        case nil: 0
        }
    }

    var isInKeyOrder: Bool {
        switch maker {
        case .some(let maker): maker.order.holds
        case nil: false
        }
    }

    @inline(__always)
    mutating func take(_ record: borrowing Record) -> Flow {
        if !hasHeader { return takeHeader(record) }
        recordCount &+= 1
        if record.fault != nil {
            note(record)
        } else if maker?.make(record, &log) ?? false {
            return .next
        }
        reject(record)
        return .next
    }

    mutating func takeRows() -> ByteBuffer? { maker?.takeRows() ?? nil }

    mutating func takeRejected() -> [RejectedRecord] {
        defer { rejected = [] }
        return rejected
    }

    mutating func finish() -> CanonicalForm? { maker?.canonical?.finish() }

    private mutating func reject(_ record: borrowing Record) {
        rejectedCount += 1
        if settings.keepsRecords { rejected.append(RejectedRecord(line: record.line, text: record.raw.string)) }
    }

    private mutating func takeHeader(_ record: borrowing Record) -> Flow {
        hasHeader = true
        if settings.keepsRecords { rejected.append(RejectedRecord(line: 0, text: record.raw.string)) }
        if record.fault != nil {
            note(record)
            isStopped = true
            return .stop
        }
        var names: [String] = []
        for index in 0..<record.count { names.append(record.string(index)) }
        var header = HeaderReading(names, line: record.line, schema: settings.schema, mapping: settings.mapping)
        guard let plan = header.plan() else {
            for finding in header.findings { log.note(finding) }
            isStopped = true
            return .stop
        }
        maker = RowMaker(schema: settings.schema, plan: plan, keepsRecords: settings.keepsRecords)
        return .next
    }

    /// Puts the reader's fault into words.
    private mutating func note(_ record: borrowing Record) {
        guard let fault = record.fault else { return }
        let (line, at) = (record.line, fault.line ?? record.line)
        let expected = String(fault.expected ?? 0)
        switch fault.kind {
        case .fieldCount: log.note(.raggedRow) { Finding(.raggedRow, line: line, field: nil, value: nil, String(fault.actual ?? 0), expected) }
        case .unterminatedQuote: log.note(.unterminatedQuote) { Finding(.unterminatedQuote, line: at) }
        case .textAfterQuote: log.note(.textAfterQuote) { Finding(.textAfterQuote, line: at) }
        case .nulByte: log.note(.nulByte) { Finding(.nulByte, line: at) }
        case .recordTooLong: log.note(.recordTooLong) { Finding(.recordTooLong, line: line, field: nil, value: nil, expected) }
        case .tooManyFields: log.note(.tooManyFields) { Finding(.tooManyFields, line: line, field: nil, value: nil, expected) }
        default: log.note(.bareQuote) { Finding(.bareQuote, line: at) }
        }
    }
}

extension RowMaker {
    /// The rows made since the last call; nil where there are none.
    fileprivate mutating func takeRows() -> ByteBuffer? {
        let rows = writer.output.bytes
        if rows.count == 0 { return nil }
        var buffer = ByteBufferAllocator().buffer(capacity: rows.count)
        buffer.writeBytes(rows)
        writer.output.removeAll()
        return buffer
    }
}
