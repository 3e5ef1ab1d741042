import Foundation
import NIOConcurrencyHelpers

/// Which (operation, status) pairs tests have seen.
///
/// Where `DAYLIGHT_CONTRACT_COVERAGE` names a file, each new pair is appended to it; `scripts/checks/coverage.py` compares the file with the contract when all
/// tests are done.
enum ContractCoverage {
    private static let seen = NIOLockedValueBox<Set<String>>([])
    private static let file = ProcessInfo.processInfo.environment["DAYLIGHT_CONTRACT_COVERAGE"]

    static func saw(_ operation: String, _ status: Int) {
        guard let file else { return }
        let pair = "\(operation) \(status)"
        seen.withLockedValue { seen in
            guard seen.insert(pair).inserted, let stream = fopen(file, "a") else { return }
            fputs(pair + "\n", stream)
            fclose(stream)
        }
    }
}
