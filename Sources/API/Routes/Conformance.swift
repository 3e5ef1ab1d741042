import HTTPTypes
import Hummingbird
import Model
import RateLimit

extension API {
    func addConformanceRoutes(_ routes: Routes) {
        routes.get("/v1/conformance", .read) { request, _ in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            var text = JSONText(capacity: 1024)
            text.raw("{\"conformsTo\":[")
            for (index, conformance) in ConformanceClass.allCases.enumerated() {
                if index > 0 { text.raw(",") }
                text.string(conformance.uri)
            }
            text.raw("]}")
            return .json(text: text.buffer, headers: [.cacheControl: "public, max-age=3600"])
        }
    }
}

/// The conformance classes of CQL2 (OGC 21-065r2, annex A) whose requirements are met in full.
///
/// Accents, space, arrays and custom functions are not among them.
enum ConformanceClass: String, CaseIterable {
    case text = "cql2-text"
    case json = "cql2-json"
    case basic = "basic-cql2"
    case advancedComparison = "advanced-comparison-operators"
    case caseInsensitive = "case-insensitive-comparison"
    case temporal = "temporal-functions"
    case propertyProperty = "property-property"
    case arithmetic = "arithmetic"

    var uri: String { "http://www.opengis.net/spec/cql2/1.0/conf/\(rawValue)" }
}
