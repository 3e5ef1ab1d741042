import Model
import Publishing
import Store
import TestSupport
import Testing

@Suite struct ConcurrencyTests {
    @Test func twoPushesAtOnceBothEndAndTheLaterReleaseIsWhatStands() async throws {
        try await Workshop.with { shop in
            async let one = shop.push("code,name\nA,one\nB,one\n")
            async let two = shop.push("code,name\nA,two\nC,two\n")
            let reports = try await [one, two]
            #expect(reports.allSatisfy { $0.push.state == .ready && $0.push.baseVersion == nil })
            for report in reports { try await shop.pass(report) }
            async let first = shop.publishing.release(reports[0].push.id, by: shop.pusher)
            async let second = shop.publishing.release(reports[1].push.id, by: shop.pusher)
            var versions: [Version] = []
            for outcome in try await [first, second] {
                guard case .released(_, let version) = outcome else { throw Unexpected("no release") }
                versions.append(version)
            }
            versions.sort { $0.number < $1.number }
            #expect(versions.map(\.number) == [1, 2])
            let last = versions[1].push == reports[0].push.id ? ["A,one", "B,one"] : ["A,two", "C,two"]
            #expect(try await shop.rows(columns: "code, name") == last)
            #expect(versions[1].added == 1 && versions[1].changed == 1 && versions[1].removed == 1)
        }
    }

    /// Twenty pushes of every mode, each pushed and released by a task of its own, against the same rows held in a dictionary.
    @Test func concurrentPushesOfEveryModeEndAsIfOneCameAfterTheOther() async throws {
        struct Order {
            let number: Int
            let mode: PushMode
            let rows: [String: String]
        }
        var random = SystemRandomNumberGenerator()
        let orders = (0..<20).map { number in
            let mode = PushMode.allCases[number % 3]
            // Appended keys are never repeated, so that they can always be released.
            let keys = mode == .append ? (0..<5).map { "n\(number)x\($0)" } : (0..<30).shuffled(using: &random).prefix(12).map { "k\($0)" }
            return Order(number: number, mode: mode, rows: Dictionary(uniqueKeysWithValues: keys.map { ($0, "v\(Int.random(in: 0..<4, using: &random))") }))
        }
        try await Workshop.with({ $0.concurrentPushes = 4 }) { shop in
            var released: [(version: Version, order: Order)] = []
            var unchanged = 0
            try await withThrowingTaskGroup(of: (Order, ReleaseOutcome?).self) { group in
                for order in orders {
                    group.addTask {
                        let csv = "code,name\n" + order.rows.map { "\($0.key),\($0.value)\n" }.joined()
                        let report = try await shop.push(csv, order.mode)
                        guard report.push.state == .ready else { return (order, nil) }
                        try await shop.pass(report)
                        return (order, try await shop.publishing.release(report.push.id, by: shop.pusher))
                    }
                }
                for try await (order, outcome) in group {
                    switch outcome {
                    case .released(_, let version): released.append((version, order))
                    case .unchanged, nil: unchanged += 1
                    case .scheduled: Issue.record("scheduled")
                    }
                }
            }
            released.sort { $0.version.number < $1.version.number }
            #expect(released.map(\.version.number) == Array(1...released.count))
            #expect(released.count + unchanged == orders.count)
            var model: [String: String] = [:]
            for (version, order) in released {
                let before = model
                switch order.mode {
                case .replace: model = order.rows
                case .upsert, .append: model.merge(order.rows) { $1 }
                }
                #expect(version.rowCount == model.count)
                #expect(version.added == model.keys.count { before[$0] == nil })
                #expect(version.changed == model.count { before[$0.key] != nil && before[$0.key] != $0.value })
                #expect(version.removed == before.keys.count { model[$0] == nil })
                let canonical = "code,name,height\n" + model.sorted { $0.key < $1.key }.map { "\($0.key),\($0.value),\n" }.joined()
                #expect(version.digest == Workshop.sha256(canonical), "version \(version.number) by \(order.mode)")
                #expect(try await shop.rows(version: version.number, columns: "code, name") == model.sorted { $0.key < $1.key }.map { "\($0.key),\($0.value)" })
            }
            #expect(try await shop.stagingTables() == 0)
        }
    }
}
