import Foundation
import Model

/// What a node's documents say, as far as it is needed here.
enum HomeDocument {
    struct Changes: Decodable {
        struct Entry: Decodable {
            struct Reason: Decodable { var id: String }
            var number: Int
            var kind: Change.Kind
            var dataset: String
            var version: Int?
            var revision: Int?
            var withdrawal: Reason?
        }
        struct Meta: Decodable { var last: Int }
        var data: [Entry]
        var meta: Meta
        var links: Links
    }

    struct Links: Decodable {
        var next: String?

        /// An address below the same node.
        var path: String? { next.flatMap { $0.hasPrefix("/v1/") ? $0 : nil } }
    }

    struct Dataset: Decodable {
        var id: String
        var revision: Int
        var currentVersion: Int?
        var createdAt: Timestamp
        var updatedAt: Timestamp
        var description: DatasetDescription
        /// Where it is at home, where that is not the node that was asked.
        var home: String?
    }

    struct Page<Item: Decodable>: Decodable {
        var data: [Item]
        var links: Links
    }

    /// A version in a list: without its schema.
    struct Card: Decodable {
        var number: Int
        var added: Int
        var changed: Int
        var removed: Int
        var withdrawal: String?
    }

    struct Revision: Decodable {
        var revision: Int
        var writtenAt: Timestamp
        var publishedAt: Timestamp?
        var description: DatasetDescription?
    }
}

extension HomeLink {
    /// All pages of a list, until one says that it is enough.
    ///
    /// - Parameter limit: of items in all.
    func list<Item: Decodable>(_ type: Item.Type, _ path: String, limit: Int, isEnough: ([Item]) async throws -> Bool = { _ in false }) async throws -> [Item] {
        var items: [Item] = [], next: String? = path
        while let path = next {
            let page = try await json(HomeDocument.Page<Item>.self, path)
            items += page.data
            guard items.count <= limit else { throw MirrorFault.unfit(version: nil, zh: "列表超过 \(limit) 项", en: "a list has more than \(limit) items") }
            if try await isEnough(page.data) { break }
            next = page.links.path
        }
        return items
    }
}
