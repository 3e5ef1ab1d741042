import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import RateLimit

extension API {
    func addDocumentRoutes(_ routes: Routes) {
        let text = ByteBuffer(string: dependencies.document)
        let tag = EntityTag(SHA256.hash(data: Array(dependencies.document.utf8)).prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        routes.get("/openapi.yaml", .read) { request, _ in
            let headers: HTTPFields = [.contentType: "application/yaml", .eTag: tag.field, .cacheControl: "public, max-age=300"]
            if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: text))
        }
    }
}
