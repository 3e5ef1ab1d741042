import Foundation
import Model
import Postgres
import Store
import TestSupport
import Testing

@Suite struct ReferenceTests {
    private func department(_ number: Int, _ name: String = "部门", contact: Contact? = nil) -> Department {
        Department(uscc: TestDatabase.creditCode(number), name: LocalizedText(zh: name), level: .county, region: "130631", contact: contact)
    }

    @Test func departmentsAreAddedChangedAndLeftAlone() async throws {
        try await withTestStore { _, store in
            let first = [department(1), department(2, contact: Contact(phone: "0312-1234567"))]
            #expect(try await store.putDepartments(first) == Loaded(added: 2, changed: 0))
            #expect(try await store.putDepartments([department(1), department(2, "新名"), department(3)]) == Loaded(added: 1, changed: 1))
            let second = try #require(try await store.department(TestDatabase.creditCode(2)))
            #expect(second.name.zh == "新名")
            #expect(second.contact?.phone == "0312-1234567")
            #expect(try await store.department("nobody") == nil)
        }
    }

    @Test func departmentsComeInPagesByCode() async throws {
        try await withTestStore { _, store in
            let all = (1...7).map { department($0) }
            _ = try await store.putDepartments(all)
            var seen: [String] = []
            while true {
                let page = try await store.departments(after: seen.last, limit: 3)
                if page.isEmpty { break }
                seen += page.map(\.uscc)
            }
            #expect(seen == all.map(\.uscc).sorted())
        }
    }

    @Test func aProfileIsImmutableOnceLoaded() async throws {
        try await withTestStore { _, store in
            func load(_ version: Int, _ title: String, _ digest: String) async throws -> ProfileLoading {
                try await store.addProfileDocument(id: "beacon", version: version, document: #"{"title":{"zh":"\#(title)"}}"#, digest: digest, entry: LedgerEntry(kind: "profile", bytes: [UInt8(version)]))
            }
            #expect(try await load(1, "一", "aa") == .added)
            #expect(try await load(1, "一", "aa") == .known)
            #expect(try await load(1, "改", "bb") == .differs)
            #expect(try await load(2, "二", "cc") == .added)
            let newest = try #require(try await store.profileDocument("beacon"))
            #expect(newest.version == 2)
            let first = try #require(try await store.profileDocument("beacon", version: 1))
            #expect(first.document.contains("一"))
            #expect(try await store.profileDocument("beacon", version: 3) == nil)
            #expect(try await store.newestProfileDocuments().map(\.version) == [2])
            #expect(try await store.profileTitles(["beacon", "none"]) == ["beacon": LocalizedText(zh: "二")])
        }
    }

    @Test func codesAreLoadedAllOrNothing() async throws {
        try await withTestStore { _, store in
            let codes = [
                Code(code: "130000", title: LocalizedText(zh: "河北省", en: "Hebei")),
                Code(code: "130631", title: LocalizedText(zh: "望都县"), parent: "130600", validFrom: CalendarDate(year: 1990, month: 1, day: 1)),
            ]
            let loaded = try await store.loadCodes(["divisions": codes])
            #expect(loaded == ["divisions": Loaded(added: 2, changed: 0)])
            #expect(try await store.loadCodes(["divisions": codes]) == ["divisions": Loaded(added: 0, changed: 0)])
            var changed = codes
            changed[1].validTo = CalendarDate(year: 2020, month: 12, day: 31)
            #expect(try await store.loadCodes(["divisions": changed]) == ["divisions": Loaded(added: 0, changed: 1)])
            var broken = codes
            broken[0].title = LocalizedText(zh: "河北")
            broken.append(Code(code: "1", title: LocalizedText(zh: "坏"), validFrom: CalendarDate(year: 2020, month: 1, day: 1), validTo: CalendarDate(year: 2019, month: 1, day: 1)))
            let refused = broken
            await #expect(throws: Problem.self) { try await store.loadCodes(["divisions": refused]) }
            #expect(try await store.codeTitles("divisions", ["130000", "999999"]) == ["130000": LocalizedText(zh: "河北省", en: "Hebei")])
            #expect(try await store.codeLists().map(\.count) == [2])
            #expect(try await store.knownCodeLists(among: ["divisions", "nothing"]) == ["divisions"])
        }
    }

    @Test func aKeyIsFoundByItsPrefixAndEnds() async throws {
        try await withTestStore { db, store in
            let office = try await db.addDepartment()
            let expiry = Timestamp(microseconds: 1_900_000_000_000_000)
            let added = try await store.addAccessKey(
                AccessKey(
                    id: "", prefix: "abc", hash: String(repeating: "0", count: 64), label: "测试", department: office.uscc, scopes: [.push, .read],
                    datasets: ["lighthouse"], networks: ["10.0.0.0/8", "2001:db8::/32"], tier: "department", createdAt: .now, expiresAt: expiry, revokedAt: nil
                )
            )
            let found = try #require(try await store.accessKey(prefix: "abc"))
            #expect(found == added)
            #expect(found.scopes == [.push, .read])
            #expect(found.networks == ["10.0.0.0/8", "2001:db8::/32"])
            #expect(found.expiresAt == expiry)
            #expect(try await store.accessKey(prefix: "abd") == nil)

            let revoked = try #require(try await store.revokeAccessKey(prefix: "abc"))
            let again = try #require(try await store.revokeAccessKey(prefix: "abc", at: .now))
            #expect(revoked.revokedAt != nil && again.revokedAt == revoked.revokedAt)
            #expect(try await store.revokeAccessKey(prefix: "none") == nil)
            #expect(try await store.accessKeys(department: office.uscc).count == 1)
            #expect(try await store.accessKeys(department: "other").isEmpty)
        }
    }

    @Test func aKeyOfAnUnknownDepartmentOrNetworkIsRefusedClearly() async throws {
        try await withTestStore { _, store in
            func key(_ department: String?, _ networks: [String]) -> AccessKey {
                AccessKey(
                    id: "", prefix: "p", hash: String(repeating: "0", count: 64), label: "l", department: department, scopes: [.read], datasets: [],
                    networks: networks, tier: "registered", createdAt: .now, expiresAt: nil, revokedAt: nil
                )
            }
            let unknown = await #expect(throws: Problem.self) { try await store.addAccessKey(key("111", [])) }
            #expect(unknown?.code == .departmentNotFound)
            let network = await #expect(throws: Problem.self) { try await store.addAccessKey(key(nil, ["here"])) }
            #expect(network?.code == .invalidParameter)
        }
    }

    @Test func theCursorSecretIsMadeOnce() async throws {
        try await withTestStore { _, store in
            let secret = try #require(try await store.secret("cursor"))
            #expect(secret.count == 32)
            #expect(try await store.secret("none") == nil)
        }
    }
}
