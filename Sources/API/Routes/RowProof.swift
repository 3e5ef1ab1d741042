import Catalogue
import Hummingbird
import Ledger
import Model
import Notary
import RateLimit

extension API {
    /// The proof of one row.
    func addRowProofRoute(_ routes: Routes, _ notary: Notary, _ reader: RowReader) {
        // A block of rows is read for it.
        routes.get("/v1/datasets/{id}/rows/{key}/proof", .query, cost: { _, _ in Costs.units(RowTree.width, per: Costs.rowsPerUnit) }) { request, context in
            let given = try QueryParameters(request)
            try given.only("version", "as_of")
            _ = try given.integer("version", in: 1...Int(Int32.max))
            let dataset = try context.path("id")
            let key = context.coreContext.parameters["key"] ?? ""
            return try await Self.retrying { fresh in
                let number = try reader.versionNumber(in: try await reader.resolvingAsOf(given.all, of: dataset))
                let version = try await reader.version(of: dataset, number: number, fresh: fresh)
                try Notary.checkRows(of: version)
                guard let plan = reader.plan(version, key: key, isPinned: true) else { throw reader.rowNotFound(version) }
                switch try await notary.proof(ofRow: plan.key, in: version) {
                case .proven(let proof): return .text(proof.description, request, caching: "public, no-cache")
                // What is in memory may be older than a withdrawal.
                case .absent where fresh:
                    _ = try await reader.answer(plan)
                    return nil
                case .contradicted where fresh:
                    throw Problem(
                        .internalError, zh: "存储的行与发布时不符，无法出具证明；运维人员已得到通知", en: "the stored rows are not those that were released, so that nothing can be proven; the operator is told")
                case .absent, .contradicted: return nil
                }
            }
        }
    }
}
