import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Notary
import RateLimit

extension API {
    /// Whether what is stored still is what the ledger says.
    func addIntegrityRoute(_ routes: Routes, _ notary: Notary) {
        routes.get("/v1/integrity", .read) { request, _ in
            try QueryParameters(request).only()
            return try .json(try await notary.integrity(limit: Self.listedFindings), tagged: request, headers: [.cacheControl: "public, no-cache"])
        }
    }

    private static let listedFindings = 100
}
