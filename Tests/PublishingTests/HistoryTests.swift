import Model
import NIOCore
import Publishing
import Store
import TestSupport
import Testing

/// What is told of one row where a field was hidden at first.
@Suite struct HistoryTests {
    private static func schema(_ visibility: Visibility) -> TableSchema {
        var schema = Workshop.schema
        schema.fields.append(Field(name: "later", title: LocalizedText(zh: "后公开"), type: .text, visibility: visibility))
        return schema
    }

    /// Version 1 has a hidden field; version 2 shows it. A gets another value in it, B loses its, C keeps its, D never had any.
    private static func withWidening(_ body: (Workshop) async throws -> Void) async throws {
        try await Workshop.with(schema: schema(.department)) { shop in
            try await shop.publish("code,name,later\nA,a,SECRET\nB,b,SECRET\nC,c,same\nD,d,\n")
            try await shop.declare(schema(.public))
            try await shop.publish("code,name,later\nA,a,open\nB,b,\nC,c,same\nD,d,\n")
            try await body(shop)
        }
    }

    /// `version change old→new` of each event, the newest first, read in pages.
    private static func events(_ shop: Workshop, _ key: String, limit: Int = 100) async throws -> [String] {
        let version = try await ReleasedDatasets(store: shop.store).find(shop.dataset, version: nil)
        var found: [String] = [], before: Int?
        repeat {
            let history = try await shop.store.history(version, key: [key], before: before, limit: limit)
            var text = ByteBuffer()
            history.writeEvents(key: key, into: &text)
            found += try (JSONValue(json: String(buffer: text)).array ?? []).map { event in
                func values(_ side: String) -> String {
                    (event[side]?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "-")" }.joined(separator: ",")
                }
                return "\(event["version"]?.int ?? 0) \(event["change"]?.string ?? "") \(values("old"))→\(values("new"))"
            }
            before = history.before
        } while before != nil
        return found
    }

    @Test(arguments: [1, 2, 100]) func whatBecomesPublicIsNewToItsReaders(limit: Int) async throws {
        try await Self.withWidening { shop in
            #expect(try await Self.events(shop, "A", limit: limit) == ["2 changed →later=open", "1 added →height=-,name=a"])
            #expect(try await Self.events(shop, "B", limit: limit) == ["1 added →height=-,name=b"])
            #expect(try await Self.events(shop, "C", limit: limit) == ["2 changed →later=same", "1 added →height=-,name=c"])
            #expect(try await Self.events(shop, "D", limit: limit) == ["1 added →height=-,name=d"])
            try await shop.publish("code,name,later\nA,a,open\nC,c,other\nD,d,\n")
            try await shop.publish("code,name,later\nA,a,more\nC,c,other\nD,d,new\n")
            #expect(try await Self.events(shop, "A", limit: limit) == ["4 changed later=open→later=more", "2 changed →later=open", "1 added →height=-,name=a"])
            #expect(try await Self.events(shop, "B", limit: limit) == ["3 removed height=-,later=-,name=b→", "1 added →height=-,name=b"])
            #expect(try await Self.events(shop, "C", limit: limit) == ["3 changed later=same→later=other", "2 changed →later=same", "1 added →height=-,name=c"])
            #expect(try await Self.events(shop, "D", limit: limit) == ["4 changed later=-→later=new", "1 added →height=-,name=d"])
        }
    }

    /// Behind a withdrawn version the state before it is told, and that was hidden.
    @Test func whatWasHiddenBeforeAWithdrawnVersionStaysHidden() async throws {
        try await Self.withWidening { shop in
            try await shop.publish("code,name,later\nA,a,open\nC,c,same\nD,d,x\n")
            _ = try await shop.publishing.withdraw(.version, of: shop.dataset, version: 2, reason: WithdrawalTests.reason, by: shop.pusher)
            #expect(try await Self.events(shop, "A") == ["3 changed →later=open", "1 added →height=-,name=a"])
            #expect(try await Self.events(shop, "B") == ["3 removed height=-,name=b→", "1 added →height=-,name=b"])
            #expect(try await Self.events(shop, "C") == ["3 changed →later=same", "1 added →height=-,name=c"])
            #expect(try await Self.events(shop, "D") == ["3 changed →later=x", "1 added →height=-,name=d"])
        }
    }
}
