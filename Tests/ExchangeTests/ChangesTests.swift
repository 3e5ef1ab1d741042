import Foundation
import Logging
import Model
import NIOCore
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@testable import Exchange

/// Changes by a grant: exactly what is new since the last receipt.
@Suite(.timeLimit(.minutes(20))) struct ChangesTests {
    @Test func changesAreWhatTheReceiverCanSeeOfThem() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "height"], filter: "region = 'east'")
            #expect(try await desk.pull(grant) == "_change,code,height\nadded,A,10.00\nadded,C,\n")
            // A's region changes: it leaves; B comes; C changes in what is not granted; E is new and D stays outside.
            try await desk.release.release(2, rows: [
                ["A", "west", "张三丰", "10.00", "100", "s1"], ["B", "east", "李四", "20.00", "200", "s2"], ["C", "east", "王五", nil, "301", "s3"],
                ["D", "west", "赵六", "41.00", nil, "s4"], ["E", "east", "孙七", "50.00", "5", "s5"],
            ])
            #expect(try await desk.pull(grant, losing: true) == "_change,code,height\nremoved,A,\nadded,B,20.00\nadded,E,50.00\n")
            try await desk.release.release(3, rows: [["B", "east", "李四", "21.00", "200", "s2"]], removing: [["E"]])
            // The delivery before was lost: everything since the last receipt, once. E came and went in between.
            let third = "_change,code,height\nremoved,A,\nadded,B,21.00\n"
            #expect(try await desk.pull(grant) == third)
            #expect(try await desk.pull(grant) == "_change,code,height\n")
            #expect(try await Desk.text(try await desk.sharing.changes(by: grant.id, for: desk.receiver, purpose: "x", since: 1)) == third)
        }
    }

    @Test func withdrawnRowsAreToldAsRemoved() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "height"], filter: "region = 'east'")
            _ = try await desk.pull(grant)
            let publishing = Publishing(store: desk.store, logger: Logger(label: "daylight.tests"))
            _ = try await publishing.withdraw(.rows, of: "lighthouse", keys: ["C", "D"], reason: LocalizedText(zh: "个人信息"), by: desk.provider.key)
            #expect(try await desk.pull(grant) == "_change,code,height\nremoved,C,\n")
            #expect(try await desk.pull(grant) == "_change,code,height\n")
            // The key comes back.
            try await desk.release.release(3, rows: [["C", "east", "王五", "1.00", "300", "s3"]])
            #expect(try await desk.pull(grant) == "_change,code,height\nadded,C,1.00\n")
            // Whoever was away all the time learns of it as a change.
            #expect(try await Desk.text(try await desk.sharing.changes(by: grant.id, for: desk.receiver, purpose: "x", since: 1)) == "_change,code,height\nchanged,C,1.00\n")
        }
    }

    @Test func erasedRowsAreToldAsRemovedToWhoHadThem() async throws {
        try await Desk.with { desk in
            let east = try await desk.granted(["code", "height"], filter: "region = 'east'"), all = try await desk.granted(["code", "height"])
            for grant in [east, all] { _ = try await desk.pull(grant) }
            let publishing = Publishing(store: desk.store, logger: Logger(label: "daylight.tests"))
            let withdrawal = try await publishing.withdraw(.rows, of: "lighthouse", keys: ["C", "D"], reason: LocalizedText(zh: "个人信息"), by: desk.provider.key)
            #expect(try await desk.store.erase(withdrawal: withdrawal.id, reason: LocalizedText(zh: "依法删除"))?.states == 2)
            #expect(try await desk.pull(east) == "_change,code,height\nremoved,C,\n")
            #expect(try await desk.pull(all) == "_change,code,height\nremoved,C,\nremoved,D,\n")
            for grant in [east, all] { #expect(try await desk.pull(grant) == "_change,code,height\n") }
            // Whoever comes from before learns of it too, with what came back since.
            try await desk.release.release(3, rows: [["C", "east", "王五", "1.00", "300", "s3"]])
            let changes = try await desk.sharing.changes(by: all.id, for: desk.receiver, purpose: "x", since: 1)
            #expect(try await Desk.text(changes) == "_change,code,height\nchanged,C,1.00\nremoved,D,\n")
        }
    }

    @Test func aFieldAddedLaterIsNotInTheGrant() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "height"])
            _ = try await desk.pull(grant)
            try await desk.release.execute { "ALTER TABLE \($0) ADD COLUMN extra text" }
            try await desk.release.release(2, rows: [["A", "east", "张三丰", "12.00", "100", "s1"]])
            #expect(try await desk.pull(grant) == "_change,code,height\nchanged,A,12.00\n")
        }
    }

    /// A receiver that pulls now and then, loses answers and stays away for many versions always ends with what stands, as SQL over the rows finds it.
    @Test(arguments: [1, 2, 3]) func aReceiverKeepsInStepHoweverItPulls(seed: UInt64) async throws {
        var random = SplitMix(state: seed)
        let codes = (0..<12).map { "K\(10 + $0)" }
        func row(_ code: String, _ random: inout SplitMix) -> [String?] {
            [code, random.next(3) == 0 ? "west" : "east", "守\(random.next(3))", random.next(4) == 0 ? nil : "\(random.next(5)).00", "\(random.next(4))", "s"]
        }
        let first = codes.prefix(6).map { row($0, &random) }
        try await Desk.with(rows: first) { desk in
            let grant = try await desk.granted(["code", "keeper", "height"], filter: "region = 'east' AND budget < 3")
            var copy: [String: String] = [:]
            var standing = Set(codes.prefix(6))
            for version in 2...25 {
                var rows: [[String?]] = [], removed: [[String]] = []
                for code in codes where random.next(4) == 0 {
                    if standing.contains(code), random.next(3) == 0 {
                        removed.append([code])
                        standing.remove(code)
                    } else {
                        rows.append(row(code, &random))
                        standing.insert(code)
                    }
                }
                try await desk.release.release(version, rows: rows, removing: removed)
                guard random.next(3) == 0 || version == 25 else { continue }
                let isLost = random.next(3) == 0 && version < 25
                let text = try await desk.pull(grant, losing: isLost)
                if !isLost { try Self.apply(text, to: &copy) }
            }
            let truth = try await desk.db.database.execute(
                """
                SELECT code, keeper || ',' || coalesce(height::text, '') AS rest FROM data.\(identifier: "d\(desk.release.number)")
                WHERE _until IS NULL AND region = 'east' AND budget < 3
                """)
            #expect(copy == Dictionary(uniqueKeysWithValues: try truth.map { (try $0.read(String.self, "code"), try $0.read(String.self, "rest")) }))
            let lines = try await desk.state(grant).split(separator: "\n").dropFirst().map(String.init)
            #expect(lines == copy.sorted { $0.key < $1.key }.map { "\($0.key),\($0.value)" })
        }
    }

    /// Applies changes to a copy, and sees that none of them is there already.
    private static func apply(_ text: String, to copy: inout [String: String]) throws {
        for line in text.split(separator: "\n").dropFirst() {
            let parts = line.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            switch parts[0] {
            case "added": #expect(copy.updateValue(parts[2], forKey: parts[1]) == nil, "\(line)")
            case "changed":
                let old = copy.updateValue(parts[2], forKey: parts[1])
                #expect(old != nil && old != parts[2], "\(line)")
            case "removed": #expect(copy.removeValue(forKey: parts[1]) != nil, "\(line)")
            default: Issue.record("\(line)")
            }
        }
    }
}

/// Numbers that are the same every time.
private struct SplitMix {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
