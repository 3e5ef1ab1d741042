import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

/// A revision of a description.
struct RevisionDTO: Encodable, Sendable {
    var dataset: String
    var revision: Int
    var digest: String
    var writtenAt: Timestamp
    var publishedAt: Timestamp?
    /// Lists leave it out.
    var description: DatasetDescription?
    var links: [String: String]

    init(_ visible: VisibleRevision, isWhole: Bool) {
        dataset = visible.revision.dataset
        revision = visible.revision.revision
        digest = visible.digest
        writtenAt = visible.revision.writtenAt
        publishedAt = visible.revision.publishedAt
        description = isWhole ? visible.description : nil
        let path = "/v1/datasets/\(dataset)/revisions/\(revision)"
        links = ["self": path, "diff": path + "/diff"]
    }
}

extension API {
    /// The versions that the description of a dataset had.
    func addRevisionRoutes(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/datasets/{id}/revisions", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only("limit", "cursor", "as_of")
            let page = try await catalogue.revisions(
                of: try context.path("id"), as: context.reader, at: try Timestamp.asOf(in: parameters.all), cursor: try parameters.value("cursor"),
                limit: try parameters.integer("limit", in: 1...100) ?? 20)
            return try .page(page.revisions.map { RevisionDTO($0, isWhole: false) }, request, context, next: page.next)
        }

        routes.get("/v1/datasets/{id}/revisions/{n}", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let revision = try await catalogue.revision(Self.revision(context), of: try context.path("id"), as: context.reader)
            return try .json(RevisionDTO(revision, isWhole: true), tagged: request, headers: context.readHeaders)
        }

        routes.get("/v1/datasets/{id}/revisions/{n}/diff", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only("from")
            let from = try parameters.integer("from", in: 1...Int(Int32.max))
            let difference = try await catalogue.difference(from: from, to: Self.revision(context), of: try context.path("id"), as: context.reader)
            var text = JSONText(capacity: 1024)
            text.raw("{\"data\":[")
            for (index, change) in difference.changes.enumerated() {
                text.raw(index > 0 ? ",{\"path\":" : "{\"path\":")
                text.string(change.path)
                if let old = change.old { text.raw(",\"old\":\(old)") }
                if let new = change.new { text.raw(",\"new\":\(new)") }
                text.raw("}")
            }
            text.raw("],\"links\":{\"self\":")
            text.string(request.uri.path + (request.uri.query.flatMap { $0.isEmpty ? nil : "?\($0)" } ?? ""))
            text.raw("},\"meta\":{\"from\":\(difference.from?.revision.revision ?? 0),\"to\":\(difference.to.revision.revision)}}")
            return .json(text: text.buffer, tagged: request, headers: context.readHeaders)
        }
    }

    private static func revision(_ context: AppContext) throws -> Int {
        guard let number = Int(try context.path("n")), (1...Int(Int32.max)).contains(number) else {
            throw Problem(.revisionNotFound, zh: "修订号应为正整数", en: "a revision's number is a positive whole number")
        }
        return number
    }
}
