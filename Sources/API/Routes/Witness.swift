import HTTPTypes
public import Hummingbird
import Model
import NIOCore
import RateLimit
public import Witness

extension API {
    /// The router of a witness: nothing else is served by its process.
    public func makeWitnessRouter(_ witness: Witness) -> Router<AppContext> {
        let router = Router(context: AppContext.self, options: [.autoGenerateHeadEndpoints])
        let routes = Routes(router: router, gate: gate)
        addHealthRoutes(routes)

        // The limit of JSON bodies is the limit of these, too: a checkpoint with a few signatures.
        routes.post("/add-checkpoint", .push, body: .json) { request, _ in
            let body = try await request.body.collect(upTo: .max)
            let answer = await witness.answer(Array(body.readableBytesView))
            return Response(
                status: .init(code: answer.status), headers: [.contentType: answer.contentType, .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(string: answer.body)))
        }

        routes.get("/key", .read) { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "public, max-age=300"],
                body: .init(byteBuffer: ByteBuffer(string: "\(witness.verifier)\n")))
        }
        return router
    }
}
