import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

/// A version as everybody sees it: its schema without fields that are not public.
struct VersionDocument: Encodable, Sendable {
    private let version: Version
    private let showsSchema: Bool

    /// - Parameter showsSchema: lists leave the schema out.
    init(_ version: Version, showsSchema: Bool = true) {
        self.version = version
        self.showsSchema = showsSchema
    }

    private enum CodingKeys: String, CodingKey {
        case dataset, number, digest, rowCount, added, changed, removed, byteCount, schema, profile, department, push, releasedAt, withdrawal, links
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version.dataset, forKey: .dataset)
        try container.encode(version.number, forKey: .number)
        try container.encode(version.digest, forKey: .digest)
        try container.encode(version.rowCount, forKey: .rowCount)
        try container.encode(version.added, forKey: .added)
        try container.encode(version.changed, forKey: .changed)
        try container.encode(version.removed, forKey: .removed)
        try container.encode(version.byteCount, forKey: .byteCount)
        if showsSchema { try container.encode(version.schema.publicPart, forKey: .schema) }
        try container.encodeIfPresent(version.profile, forKey: .profile)
        try container.encode(version.department, forKey: .department)
        try container.encodeIfPresent(version.push, forKey: .push)
        try container.encode(version.releasedAt, forKey: .releasedAt)
        try container.encodeIfPresent(version.withdrawal, forKey: .withdrawal)
        let path = "/v1/datasets/\(version.dataset)/versions/\(version.number)"
        try container.encode(["self": path, "data": path + "/data.csv"], forKey: .links)
    }
}

extension API {
    func addVersionRoutes(_ routes: Routes, _ publishing: Publishing, _ seal: CursorSeal) {
        routes.get("/v1/datasets/{id}/versions", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            let target = try await publishing.visible(try context.path("id"), to: context.reader)
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try seal.open(Int.self, $0, for: "versions of \(target.dataset)") }
            var page = try await publishing.versions(of: target, before: last, limit: limit + 1)
            var next: String?
            if page.count > limit {
                page.removeLast(page.count - limit)
                next = try page.last.map { try seal.seal($0.number, for: "versions of \(target.dataset)") }
            }
            return try .page(page.map { VersionDocument($0, showsSchema: false) }, request, context, next: next)
        }

        routes.get("/v1/datasets/{id}/versions/{n}", .read) { request, context in
            try QueryParameters(request).only()
            let target = try await publishing.visible(try context.path("id"), to: context.reader)
            let text = try context.path("n")
            guard let number = Int(text), number > 0 else {
                throw Problem(.versionNotFound, zh: "版本号应为正整数", en: "a version's number is a positive whole number")
            }
            let version = try await publishing.version(number, of: target)
            let tag = EntityTag(version.withdrawal.map { "\(version.digest)-\($0)" } ?? version.digest)
            // A version never changes; it can only be withdrawn.
            var headers: HTTPFields = [.cacheControl: target.isHidden ? "private, no-cache" : version.withdrawal == nil ? "public, max-age=31536000, immutable" : "no-cache"]
            headers[.eTag] = tag.field
            if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
            return try .json(VersionDocument(version), headers: headers)
        }
    }
}
