import Exchange
import HTTPTypes
import Hummingbird
import Model
import Notary
import RateLimit

private struct SigningChoice: Decodable {
    var required: Bool
}

/// With which key this server signs statements about deliveries.
private struct StatementKeyDocument: Encodable {
    let algorithm = "ed25519"
    var publicKey: String
    /// The key, signed by the ledger's: whoever trusts that one can trust this one.
    var certificate: String?
}

extension API {
    /// For whoever is shown a statement: no key is needed.
    func addStatementKeyRoute(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        guard let key = sharing.statementKey else { return }
        routes.get("/v1/exchange/statement-key", .read) { request, context in
            try QueryParameters(request).only()
            return try .json(
                StatementKeyDocument(publicKey: key, certificate: try parts.notary?.certificate(ofStatementKey: key)), headers: [.cacheControl: "public, max-age=300"])
        }
    }

    func addSigningRoutes(_ routes: Routes, _ sharing: Sharing) {
        routes.post("/v1/exchange/departments/{uscc}/signing", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let choice = try await request.json(SigningChoice.self, context)
            return try .json(try await sharing.requireSignatures(choice.required, of: try context.path("uscc"), by: member), headers: Self.unshared)
        }

        guard sharing.statementKey != nil else { return }
        routes.get("/v1/exchange/deliveries/{delivery}/statement", .read) { request, context in
            try QueryParameters(request).only()
            return try .json(try await sharing.statement(of: try context.path("delivery"), for: try context.member()), headers: Self.unshared)
        }
    }
}

extension Sharing {
    /// Checks the signature of a call where it has one, and asks for one where its department wants that.
    ///
    /// - Returns: the request, its body in memory where it was read.
    func inspect(_ request: Request, _ context: AppContext, _ route: Route) async throws -> Request {
        let input = request.headers[.signatureInput], signature = request.headers[.signature]
        let isWrite = context.exchange.method != "GET" && context.exchange.method != "HEAD"
        if input == nil, signature == nil {
            if isWrite, let key = context.identity.key, let member = Member(key) { try await admitUnsigned(member) }
            return request
        }
        let member = try context.member()
        var request = request
        // What a route takes as a stream is digested by its handler, if at all.
        let body = isWrite && route.body != .stream ? Array(try await request.collectBody(upTo: .max).readableBytesView) : []
        let target = RequestTarget(request.head.path ?? "/")
        var fields: [String: String] = [:]
        for field in request.headers {
            let name = field.name.canonicalName
            fields[name] = fields[name].map { $0 + ", " + field.value } ?? field.value
        }
        context.exchange.signed = try await check(
            input: input, signature: signature,
            of: SignableRequest(
                method: context.exchange.method, authority: request.head.authority ?? "", path: String(target.path), query: target.query.map(String.init), fields: fields),
            body: body, by: member)
        return request
    }
}

extension HTTPField.Name {
    static let signatureInput = Self("Signature-Input")!
    static let signature = Self("Signature")!
}
