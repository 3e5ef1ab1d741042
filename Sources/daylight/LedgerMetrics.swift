import API
import Foundation
import Model
import Notary

/// The ledger's figures as the metrics page shows them.
enum LedgerMetrics {
    static func families(_ notary: Notary) -> [API.MetricFamily] {
        /// What is not measured yet is left out.
        func one(_ name: String, _ kind: API.MetricFamily.Kind = .gauge, help: String, _ value: @escaping @Sendable (LedgerFigures) -> Double?) -> API.MetricFamily {
            .init("daylight_ledger_\(name)", kind, help: help) { notary.figures.flatMap(value).map { [([], $0)] } ?? [] }
        }
        @Sendable func age(_ instant: Timestamp?) -> Double? { instant.map { max(0, Double(Timestamp.now.microseconds - $0.microseconds) / 1_000_000) } }
        let own = [
            one("size", help: "Leaves under the ledger's newest head.") { Double($0.size) },
            one("head_age_seconds", help: "Since the newest head was signed.") { age($0.signedAt) },
            one("pending_entries", help: "Entries that wait for their place in the ledger.") { Double($0.pending) },
            one("integrated_leaves_total", .counter, help: "Leaves that this process gave their place.") { Double($0.leavesIntegrated) },
            one("integrations_total", .counter, help: "Transactions in which it did so.") { Double($0.integrations) },
            one("integration_seconds_total", .counter, help: "Time that they took.") { $0.integrationSeconds },
        ]
        guard notary.witnessing != nil else { return own }
        return own + [
            one("cosigned_size", help: "Leaves under the newest head that enough witnesses signed.") { $0.cosignedSize.map(Double.init) ?? 0 },
            one("cosigned_age_seconds", help: "Since the newest cosignature of that head.") { age($0.cosignedAt) },
            .init("daylight_ledger_cosignatures_total", .counter, help: "Cosignatures that this process gathered, by witness.") {
                notary.figures.map { figures in figures.witnesses.map { ([("witness", $0.name)], Double(figures.cosignatures[$0.name] ?? 0)) } } ?? []
            },
            .init("daylight_ledger_witness_state", help: "1 for the state that a witness is in.") {
                (notary.figures?.witnesses ?? []).flatMap { witness in
                    WitnessStanding.State.allCases.map { ([("witness", witness.name), ("state", $0.rawValue)], witness.state == $0 ? 1 : 0) }
                }
            },
        ]
    }
}
