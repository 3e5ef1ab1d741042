import AsyncHTTPClient
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// A reader goes through a large table page by page while others publish.
@Suite struct PagingTests {
    /// What a row holds; which row changes with which version follows from its number, so that every version is known beforehand.
    private struct Row: Hashable {
        let district: Int
        let amount: Int?

        init(_ id: Int, changedBy version: Int) {
            district = (id &* 31 &+ version) % 97
            amount = (id &+ version) % 11 == 0 ? nil : (id &* 7919 &+ version &* 104_729) % 40_000
        }

        init(district: Int, amount: Int?) {
            self.district = district
            self.amount = amount
        }
    }

    private static let count = 100_000
    private static let versions = 21
    /// These replace everything, and leave rows out; the others change and add some.
    private static let replacing = [8, 15]

    /// The rows that a version brings, and whether they are all of it.
    private static func change(_ version: Int, of rows: [Int: Row]) -> (rows: [Int: Row], isWhole: Bool) {
        if version == 1 { return (Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, Row($0, changedBy: 1)) }), true) }
        if replacing.contains(version) { return (rows.filter { $0.key % 40 != version }, true) }
        let changed = rows.keys.filter { $0 % 193 == version * 7 % 193 } + (0..<40).map { 1_000_000 + version * 1000 + $0 }
        return (Dictionary(uniqueKeysWithValues: changed.map { ($0, Row($0, changedBy: version)) }), false)
    }

    private static func name(_ id: Int) -> String { "K" + String(10_000_000 + id) }

    private static func file(_ rows: [Int: Row]) -> Data {
        Data(("id,district,amount\n" + rows.map { "\(name($0)),\($1.district),\($1.amount.map { "\($0).50" } ?? "")\n" }.joined()).utf8)
    }

    @Test func aTableReadPageByPageIsTheVersionThatItBeganWith() async throws {
        try await Installation.with(environment: ["DAYLIGHT_RATE_LIMITS": "*.*=1000000/60"]) { site in
            let fields = "id|编号|code|required\ndistrict|区|integer|required\namount|金额|decimal(12,2)|"
            try await site.describe(
                "paging", Descriptions.own("翻页", department: site.department, fields: fields, key: ["id"], more: #","indexes":[["district","amount"],["amount"]]"#))
            var states: [[Int: Row]] = [[:]]
            for version in 1...Self.versions {
                let (rows, isWhole) = Self.change(version, of: states[version - 1])
                states.append(isWhole ? rows : states[version - 1].merging(rows) { $1 })
            }
            let known = states
            try await site.publish("paging", Self.file(known[1]))
            let isWriting = NIOLockedValueBox(true)
            let overtaken = try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask {
                    defer { isWriting.withLockedValue { $0 = false } }
                    for version in 2...Self.versions {
                        let (rows, isWhole) = Self.change(version, of: known[version - 1])
                        try await site.publish("paging", Self.file(rows), mode: isWhole ? "replace" : "upsert")
                    }
                    return 0
                }
                for (sort, limit) in [("", 1000), ("-amount", 2500), ("district,-amount", 4000), ("-district,amount,-id", 5000)] {
                    group.addTask {
                        var overtaken = 0
                        repeat {
                            let first = try await Self.pages(site, sort: sort, limit: limit, known)
                            let now = try await site.reader.get("/v1/datasets/paging").header("ETag")
                            if now?.contains(".v\(first)\"") == false { overtaken += 1 }
                        } while isWriting.withLockedValue { $0 }
                        return overtaken
                    }
                }
                return try await group.reduce(0, +)
            }
            // Most readers end in another world than the one that they began in.
            #expect(overtaken >= 4)
        }
    }

    /// Reads all pages and holds them against the version that the first one names.
    ///
    /// - Returns: that version.
    private static func pages(_ site: Installation, sort: String, limit: Int, _ known: [[Int: Row]]) async throws -> Int {
        var target: String? = "/v1/datasets/paging/rows?limit=\(limit)" + (sort.isEmpty ? "" : "&sort=\(sort)")
        var version: Int?
        var found: [String: Row?] = [:]
        while let page = target {
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: site.reader.baseURL + page), timeout: .seconds(60))
            let body = try await response.body.collect(upTo: 1 << 26)
            try #require(response.status == .ok, "\(page): \(String(buffer: body).prefix(500))")
            let document = try #require(try JSONSerialization.jsonObject(with: Data(body.readableBytesView)) as? [String: Any])
            let number = try #require((document["meta"] as? [String: Any])?["version"] as? Int)
            #expect(version == nil || version == number, "a page of another version: \(page)")
            version = number
            for row in try #require(document["data"] as? [[String: Any]]) {
                let id = try #require(row["id"] as? String)
                #expect(found[id] == nil, "\(id) twice, sorted by '\(sort)' in version \(number)")
                found[id] = .some(Row(district: try #require(row["district"] as? Int), amount: (row["amount"] as? NSNumber).map { Int($0.doubleValue) }))
            }
            target = (document["links"] as? [String: Any])?["next"] as? String
        }
        let number = try #require(version)
        let expected = Dictionary(uniqueKeysWithValues: known[number].map { (name($0), Optional($1)) })
        let missing = expected.filter { found[$0.key] != $0.value }
        #expect(missing.isEmpty && found.count == expected.count, "sorted by '\(sort)', version \(number): \(missing.count) missing or wrong, \(found.count) of \(expected.count)")
        return number
    }
}
