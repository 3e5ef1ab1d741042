import Model
import Store

/// What an intake has found: everything counted, the first ones kept until they are fetched.
struct FindingLog {
    private struct Kind: Hashable {
        let code: FindingCode
        let severity: Check.Severity
    }

    private let limit: Int
    private var given = 0
    private var tally: [Kind: Int] = [:]
    private(set) var pending: [Finding] = []

    /// - Parameter limit: findings that are given out at most.
    init(limit: Int) {
        self.limit = limit
    }

    var counts: [FindingCount] {
        tally.map { FindingCount(code: $0.key.code, severity: $0.key.severity, count: $0.value) }
            .sorted { ($0.code.rawValue, $0.severity.rawValue) < ($1.code.rawValue, $1.severity.rawValue) }
    }

    /// Counts a finding, and puts it into words only where it will be given out.
    mutating func note(_ code: FindingCode, severity: Check.Severity = .error, _ finding: () -> Finding) {
        tally[Kind(code: code, severity: severity), default: 0] += 1
        if given >= limit { return }
        given += 1
        pending.append(finding())
    }

    mutating func note(_ finding: Finding) { note(finding.code, severity: finding.severity) { finding } }

    mutating func take() -> [Finding] {
        defer { pending = [] }
        return pending
    }
}
