import Catalogue
import Exchange
import HTTPTypes
import Hummingbird
import Ledger
import Model
import NIOCore
import Notary
import RateLimit

/// What the audit gets to know of a request on its way.
struct AuditedFacts {
    /// The address, without what follows `?`.
    var target: String
    var grant: String?
    var purpose: String?
    var delivery: String?
    var rowCount: Int?
    var code: ProblemCode?

    private static let longestTarget = 500

    init(_ request: Request, grant: String?) {
        target = String(request.uri.path.prefix(Self.longestTarget))
        self.grant = grant
        // What is wrong in it is the handler's to say.
        purpose = request.headers[.daylightPurpose].flatMap { PercentCoding.decode($0.utf8, plusIsSpace: false) }.map { String($0.filter { $0 != "\0" }.prefix(500)) }
    }
}

extension Exchange {
    /// What the audit remembers of the request, now that it was answered; nil where it remembers nothing.
    func auditEntry(status: Int, bytes: Int) -> AuditEntry? {
        guard let route, route.isAudited, let facts = audited else { return nil }
        let key = identity.key
        // Readers doubt values, too: theirs are nobody's calls.
        if key == nil, !route.template.hasPrefix("/v1/exchange/") { return nil }
        var entry = AuditEntry(
            request: id, stage: .ended, operation: "\(method) \(route.template)", target: key == nil ? nil : facts.target, key: key?.id, department: key?.department,
            grant: key == nil ? nil : facts.grant, purpose: key == nil ? nil : facts.purpose)
        entry.delivery = facts.delivery
        entry.rowCount = facts.rowCount
        entry.byteCount = bytes
        entry.status = status
        entry.code = facts.code?.rawValue
        return entry
    }
}

extension API {
    /// What departments did on the exchange, for their heads and the authority.
    func addAuditRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.get("/v1/exchange/audit", .query) { request, context in
            let query = try QueryParameters(request)
            try query.only("since", "until", "grant", "department", "refused", "limit", "cursor")
            let reader = try context.auditReader()
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let filter = AuditFilter(
                since: try query.timestamp("since"), until: try query.timestamp("until"), grant: try query.value("grant"), department: try query.value("department"),
                isRefused: try query.boolean("refused"))
            let last = try query.value("cursor").map { try parts.seal.open(Int.self, $0, for: "audit") }
            let page = try await sharing.calls(filter, for: reader, before: last, limit: limit + 1)
            let next = page.count > limit ? try parts.seal.seal(page[limit - 1].number, for: "audit") : nil
            return try .page(Array(page.prefix(limit)), meta: NoMeta(), PageLinks(request, next: next))
        }

        routes.get("/v1/exchange/audit/records/{id}/{key}", .query) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit")
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let reader = try context.auditReader()
            let accesses = try await sharing.accesses(toRow: context.coreContext.parameters["key"] ?? "", of: try context.path("id"), for: reader, limit: limit)
            return try .page(accesses, meta: NoMeta(), PageLinks(request, next: nil))
        }

        routes.get("/v1/exchange/audit/seals", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            _ = try context.auditReader()
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(Int.self, $0, for: "audit seals") }
            let page = try await sharing.auditSeals(before: last, limit: limit + 1)
            let next = page.count > limit ? try parts.seal.seal(page[limit - 1].number, for: "audit seals") : nil
            return try .page(Array(page.prefix(limit)), meta: NoMeta(), PageLinks(request, next: next))
        }

        routes.get("/v1/exchange/audit/seals/{seal}", .read) { request, context in
            try QueryParameters(request).only()
            _ = try context.auditReader()
            return try .json(try await sharing.auditSeal(try context.sealNumber()), headers: Self.unshared)
        }

        for (form, path, type, suffix) in [(AuditForm.ndjson, "entries", "application/x-ndjson", "ndjson"), (.csv, "entries.csv", "text/csv", "csv")] {
            routes.get("/v1/exchange/audit/seals/{seal}/\(path)", .download) { request, context in
                _ = try request.negotiate([type])
                try QueryParameters(request).only()
                let reader = try context.auditReader()
                let seal = try await sharing.auditSeal(try context.sealNumber())
                var headers = Self.unshared
                headers[.contentType] = form == .csv ? "text/csv; charset=utf-8; header=present" : type
                headers[.contentDisposition] = "attachment; filename=\"audit-\(seal.number).\(suffix)\""
                return Response(
                    status: .ok, headers: headers,
                    body: ResponseBody { writer in
                        try await sharing.export(seal, as: form, for: reader) { try await writer.write(ByteBuffer(bytes: $0)) }
                        try await writer.finish(nil)
                    })
            }
        }

        guard let notary = parts.notary else { return }
        routes.get("/v1/exchange/audit/seals/{seal}/proof", .read) { request, context in
            try QueryParameters(request).only()
            _ = try context.auditReader()
            let seal = try await sharing.auditSeal(try context.sealNumber())
            return .text(try await notary.proof(ofAuditSeal: seal.number).description, request, caching: "private, no-cache")
        }
    }
}

extension AppContext {
    /// Whose part of the audit the caller reads.
    /// - Throws: `unauthenticated`, `forbidden`.
    fileprivate func auditReader() throws -> AuditReader {
        if let key = identity.key, let reader = AuditReader(key) { return reader }
        return try AuditReader(try require(.audit)) ?? { throw Problem(.forbidden, zh: "密钥不能查阅审计", en: "the key does not read the audit") }()
    }

    /// The seal's number in the path; one that is none names no seal.
    fileprivate func sealNumber() throws -> Int { Int(try path("seal")).flatMap { Int32(exactly: $0) }.map(Int.init) ?? 0 }
}
