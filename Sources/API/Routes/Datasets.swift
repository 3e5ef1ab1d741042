import Catalogue
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addDatasetRoutes(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/datasets", .search) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only(
                "q", "department", "theme", "profile", "region", "region_level", "format", "update_cycle", "share_type", "openness", "year", "limit", "cursor",
                "facets", "facet_limit", "highlight", "explain")
            var listing = DatasetListing()
            let facetLimit = try parameters.integer("facet_limit", in: 1...1000) ?? 100
            if try parameters.boolean("facets") ?? false { listing.facetLimit = facetLimit }
            listing.highlights = try parameters.boolean("highlight") ?? false
            listing.explains = try parameters.boolean("explain") ?? false
            let page = try await catalogue.find(
                try Self.filter(parameters), as: context.reader, cursor: try parameters.value("cursor"),
                limit: try parameters.integer("limit", in: 1...100) ?? 20,
                listing: listing)
            let links = PageLinks(request, next: page.next)
            var headers = context.readHeaders
            headers[.link] = links.field
            return .json(text: try DatasetListText.text(page, links), tagged: request, headers: headers)
        }

        routes.get("/v1/suggest", .search) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only("q", "limit")
            let suggestions = try await catalogue.suggest(
                try parameters.value("q") ?? "", as: context.reader, limit: try parameters.integer("limit", in: 1...20) ?? 10)
            return .json(text: DatasetListText.text(suggestions, PageLinks(request, next: nil)), tagged: request, headers: context.readHeaders)
        }

        routes.get("/v1/datasets/{id}", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let record = try await catalogue.dataset(try context.path("id"), as: context.reader)
            let body = DatasetDTO(record, catalogue.visibleDescription(of: record, to: context.reader))
            let tag = DatasetTags(record).document(isWhole: body.description == record.dataset.description)
            var headers = context.readHeaders
            headers[.eTag] = tag.field
            if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
            return try .json(body, headers: headers)
        }

        routes.put("/v1/datasets/{id}", .push, body: .json) { request, context in
            try QueryParameters(request).only()
            let id = try context.path("id")
            let key = try context.require(.push, dataset: id)
            try request.requireMediaType("application/json")
            let current = try await catalogue.ownDataset(id, of: key)
            try request.checkWrite(current: current.map { DatasetTags($0).document(named: request) })
            let description = try Catalogue.description(json: try await request.bytes())
            let record: DatasetRecord
            if let current {
                record = try await catalogue.edit(current, description)
            } else {
                record = try await catalogue.create(id, description, by: key)
            }
            var headers: HTTPFields = [.eTag: DatasetTags(record).document(isWhole: true).field, .cacheControl: "private, no-cache"]
            if current == nil { headers[.location] = "/v1/datasets/\(id)" }
            return try .json(DatasetDTO(record, record.dataset.description), status: current == nil ? .created : .ok, headers: headers)
        }

        routes.get("/v1/datasets/{id}/schema", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let record = try await catalogue.dataset(try context.path("id"), as: context.reader)
            let body = TableSchemaDTO(record.schema, language: context.language)
            var headers = context.readHeaders
            headers[.vary] = "Accept-Language, Authorization, X-API-Key"
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try .json(body, tagged: request, headers: headers, encoder: encoder)
        }
    }

    private static func filter(_ parameters: QueryParameters) throws -> DatasetFilter {
        var filter = DatasetFilter(
            words: try parameters.value("q").flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }, department: try parameters.value("department"),
            theme: try parameters.value("theme"), profile: try parameters.value("profile"), region: try parameters.value("region"),
            shareType: try parameters.word("share_type", as: ShareType.self))
        filter.regionLevel = try parameters.word("region_level", as: Department.Level.self)
        filter.format = try parameters.value("format")
        filter.updateCycle = try parameters.word("update_cycle", as: UpdateCycle.self)
        filter.openness = try parameters.word("openness", as: Openness.self)
        filter.year = try parameters.integer("year", in: 1901...2155)
        return filter
    }

    func addMappingRoutes(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/datasets/{id}/mapping", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let id = try context.path("id")
            let key = try context.require(.push, dataset: id)
            guard let record = try await catalogue.ownDataset(id, of: key) else { throw Catalogue.notFound }
            let tag = DatasetTags(record).mapping
            let headers: HTTPFields = [.eTag: tag.field, .cacheControl: "private, no-cache"]
            if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
            return try .json(record.mapping ?? Mapping(steps: []), headers: headers)
        }

        routes.put("/v1/datasets/{id}/mapping", .push, body: .json) { request, context in
            try QueryParameters(request).only()
            let id = try context.path("id")
            let key = try context.require(.push, dataset: id)
            try request.requireMediaType("application/json")
            guard let current = try await catalogue.ownDataset(id, of: key) else { throw Catalogue.notFound }
            // Before the first there is none, and still a tag to match, because an empty mapping can be read.
            let isNew = current.mapping == nil && !request.headers[values: .ifNoneMatch].isEmpty
            try request.checkWrite(current: isNew ? nil : DatasetTags(current).mapping)
            let record = try await catalogue.putMapping(try Catalogue.mapping(json: try await request.bytes()), of: current)
            let headers: HTTPFields = [.eTag: DatasetTags(record).mapping.field, .cacheControl: "private, no-cache"]
            return try .json(record.mapping ?? Mapping(steps: []), headers: headers)
        }
    }
}

/// The validators of an entry: its own, and its mapping's.
struct DatasetTags {
    private let revision: Int
    private let version: Int
    private let mappingRevision: Int

    init(_ record: DatasetRecord) {
        revision = record.dataset.revision
        version = record.dataset.currentVersion ?? 0
        mappingRevision = record.mappingRevision
    }

    /// - Parameter isWhole: false where fields that are not public were left out; that is another representation.
    func document(isWhole: Bool) -> EntityTag { EntityTag("r\(revision).v\(version)\(isWhole ? "" : ".public")") }

    /// The tag that an edit may name: of either representation, since both are of one state.
    func document(named request: Request) -> EntityTag {
        let part = document(isWhole: false)
        return request.headers[values: .ifMatch].contains { $0.contains(part.field) } ? part : document(isWhole: true)
    }

    var mapping: EntityTag { EntityTag("m\(mappingRevision)") }
}
