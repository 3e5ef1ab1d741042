import API
import Exchange
import Model
import RateLimit
import TestSupport
import Testing

/// What code, contract and documents say about the same thing agrees.
@Suite struct ConstantsTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private func documented(_ schema: String) -> [String] {
        contract.document.at(pointer: "/components/schemas/\(schema)/enum")?.array?.compactMap(\.string) ?? []
    }

    @Test func closedSetsOfTheModelAreThoseOfTheContract() {
        #expect(documented("ProblemCode") == ProblemCode.allCases.map(\.rawValue))
        #expect(documented("FindingCode") == FindingCode.allCases.map(\.rawValue))
        #expect(documented("ShareType") == ShareType.allCases.map(\.rawValue))
        #expect(documented("Openness") == Openness.allCases.map(\.rawValue))
        #expect(documented("Disclosure") == Disclosure.allCases.map(\.rawValue))
        #expect(documented("UpdateCycle") == UpdateCycle.allCases.map(\.rawValue))
        #expect(documented("PushPolicy") == PushPolicy.allCases.map(\.rawValue))
        #expect(documented("PushMode") == PushMode.allCases.map(\.rawValue))
        #expect(documented("PushState") == Push.State.allCases.map(\.rawValue))
        #expect(documented("ReasonCode") == Withdrawal.ReasonCode.allCases.map(\.rawValue))
        #expect(documented("Decision") == Review.Decision.allCases.map(\.rawValue))
        #expect(documented("Scope") == Scope.allCases.map(\.rawValue))
        #expect(documented("ShareState") == ShareRequest.State.allCases.map(\.rawValue))
        #expect(documented("ShareMethod") == ShareMethod.allCases.map(\.rawValue))
        #expect(documented("ShareParty") == ShareRequest.Party.allCases.map(\.rawValue))
        #expect(documented("CorrectionState") == Correction.State.allCases.map(\.rawValue))
        #expect(documented("Tier") == Tier.allCases.map(\.rawValue))
    }

    @Test func closedSetsInsideSchemasAreThoseOfTheModel() {
        func values(_ pointer: String) -> [String]? { contract.document.at(pointer: "/components/schemas/\(pointer)/enum")?.array?.compactMap(\.string) }
        #expect(values("Field/properties/visibility") == Visibility.allCases.map(\.rawValue))
        #expect(values("Field/properties/mask") == Mask.allCases.map(\.rawValue))
        #expect(values("Field/properties/sensitivity") == Sensitivity.allCases.map(\.rawValue))
        #expect(values("Check/properties/kind") == Check.Kind.allCases.map(\.rawValue))
        #expect(values("MappingStep/properties/kind") == Mapping.Step.Kind.allCases.map(\.rawValue))
        #expect(values("Withdrawal/properties/subject") == Withdrawal.Subject.allCases.map(\.rawValue))
        #expect(values("WithdrawalRequest/properties/subject") == Withdrawal.Subject.allCases.map(\.rawValue))
        #expect(values("ShareClock/properties/name") == ShareClock.allCases.map(\.rawValue))
        #expect(values("ShareDecision/properties/decision") == ShareLifecycle.Event.allCases.filter { $0.sender != nil }.map(\.rawValue))
        #expect(values("Correction/properties/origin") == Correction.Origin.allCases.map(\.rawValue))
        #expect(values("Correction/properties/audience") == Audience.allCases.map(\.rawValue))
        #expect(values("Correction/properties/actor") == Correction.Party.allCases.map(\.rawValue))
        #expect(values("CorrectionDecision/properties/decision") == CorrectionLifecycle.Event.allCases.filter { $0.senders != nil }.map(\.rawValue))
        #expect(values("Department/properties/level") == Department.Level.allCases.map(\.rawValue))
        #expect(values("Limits/properties/tiers/items/properties/limits/items/properties/action") == ActionClass.allCases.map(\.rawValue))
    }

    @Test func membersOfProblemsAreThoseOfTheContract() {
        let standard: Set = ["type", "title", "status", "detail", "instance", "code", "places"]
        let documented = contract.document.at(pointer: "/components/schemas/Problem/properties")?.object ?? [:]
        #expect(Set(documented.keys) == standard.union(Problem.Member.allCases.map(\.rawValue)))
    }

    @Test func everyProblemCodeIsInTheErrorsDocument() throws {
        let rows = try Project.tableRows(in: "docs/errors.md", firstCell: #"DL[0-9]{4}"#)
        #expect(rows.map { $0[0] } == ProblemCode.allCases.map(\.rawValue))
        for (row, code) in zip(rows, ProblemCode.allCases) {
            #expect(row[1] == String(code.status), "\(code.rawValue)")
            #expect(row[2] == code.title.en, "\(code.rawValue)")
            #expect(row[3] == code.title.zh, "\(code.rawValue)")
        }
    }

    @Test func everyFindingCodeIsInTheErrorsDocument() throws {
        let rows = try Project.tableRows(in: "docs/errors.md", firstCell: #"F[0-9]{3}"#)
        #expect(rows.map { $0[0] } == FindingCode.allCases.map(\.rawValue))
        for (row, code) in zip(rows, FindingCode.allCases) {
            #expect(row[1] == code.template.en, "\(code.rawValue)")
            #expect(row[2] == code.template.zh, "\(code.rawValue)")
        }
    }

    @Test func theLimitsDocumentHasTheDefaults() throws {
        let rows = try Project.tableRows(in: "docs/limits.md", firstCell: Tier.allCases.map(\.rawValue).joined(separator: "|"))
        #expect(rows.map { $0[0] } == Tier.allCases.map(\.rawValue))
        for (row, tier) in zip(rows, Tier.allCases) {
            let limits = ActionClass.allCases.map { Policy.defaults[tier, $0] }.map { "\($0.quota)/\($0.window)" }
            #expect(Array(row.dropFirst()) == limits, "\(tier.rawValue)")
        }
    }

    @Test func theLimitsDocumentHasTheCosts() throws {
        let costs = [
            ("rows_per_unit", Costs.rowsPerUnit), ("aggregate", Costs.aggregate), ("estimate_per_unit", Costs.estimatePerUnit),
            ("changes_per_unit", Costs.changesPerUnit),
            ("event_stream", Costs.eventStream), ("live_bytes_per_unit", Costs.liveBytesPerUnit),
        ]
        let rows = try Project.tableRows(in: "docs/limits.md", firstCell: costs.map(\.0).joined(separator: "|"))
        #expect(rows.map { $0[0] } == costs.map(\.0))
        #expect(rows.map { $0[1].replacing(",", with: "") } == costs.map { String($0.1) })
        // What the server says is what the document says.
        let told = Set(contract.document.at(pointer: "/components/schemas/Limits/properties/costs/properties")?.object?.keys.map { $0 } ?? [])
        #expect(told == Set(costs.map(\.0)))
    }

    @Test func everyOperationIsInTheReadme() throws {
        let rows = try Project.tableRows(in: "README.md", firstCell: "GET|PUT|POST|PATCH|DELETE")
        #expect(Set(rows.map { "\($0[0]) \($0[1])" }) == Set(contract.operations.map { "\($0.method) \($0.path)" }))
    }
}
