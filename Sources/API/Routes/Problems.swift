import HTTPTypes
import Hummingbird
import Model
import RateLimit

/// What a problem code means, as the `type` of a problem document leads to it (RFC 9457 section 3.1.1).
struct ProblemTypeDTO: Encodable, Sendable {
    var code: ProblemCode
    var status: Int
    var title: LocalizedText

    init(_ code: ProblemCode) {
        self.code = code
        status = code.status
        title = code.title
    }
}

extension API {
    func addProblemRoutes(_ routes: Routes) {
        routes.get("/problems/{code}", .read) { request, context in
            try QueryParameters(request).only()
            guard let code = ProblemCode(rawValue: try context.path("code")) else {
                throw Problem(.routeNotFound, zh: "没有这个错误代码", en: "there is no such problem code")
            }
            return try .json(ProblemTypeDTO(code), headers: [.cacheControl: "public, max-age=86400"])
        }
    }
}
