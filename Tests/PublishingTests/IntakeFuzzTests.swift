import Foundation
import Model
import Store
import Testing

@testable import Publishing

/// Random files under random mappings for a bounded time: nothing crashes, and the counts add up.
struct IntakeFuzzTests {
    private struct Dice {
        var state: UInt64
        mutating func roll(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        mutating func pick<T>(_ list: [T]) -> T { list[roll(list.count)] }
    }

    private let columns = ["n", "amount", "t", "at", "题", "year", "month", "day", "a,b", "x\ny", "N", ""]
    private let values = [
        "1", "-0", "1,234.5", "1.234,56 €", "NA", "", " 7 ", "2013-03-01", "2013/3/1 24:00", "2013/3/1 8:00", "04-01 04:00", "30", "999999999999999999999", "1e308", "1E-400",
        "０",
        "\"quo\"\"ted\"", "\"line\nbreak\"", "a\tb\\", "130631.0", "\u{FEFF}", "中文", "\u{0}", "\"open", "tru\"e", "-", "+", ".", ",,", "€",
    ]
    private let schema = TableSchema.of("n|序号|integer\namount|金额|decimal(12,2)\nt|题|text\nat|时间|datetime\nw|期|period\nyes|否|boolean|private", key: ["n", "t"])

    private func mapping(_ dice: inout Dice) -> Mapping {
        var steps: [Mapping.Step] = []
        for _ in 0..<dice.roll(6) {
            var step = Mapping.Step(kind: dice.pick(Mapping.Step.Kind.allCases))
            step.from = dice.pick(columns)
            step.to = dice.pick(schema.fields.map(\.name))
            step.value = dice.pick(values)
            step.fields = dice.roll(3) == 0 ? nil : [dice.pick(columns), dice.pick(schema.fields.map(\.name))]
            if dice.roll(2) == 0 { step.parts = ["year": dice.pick(columns), "month": dice.pick(columns), "hour": dice.pick(columns)] }
            if step.parts != nil { step.from = step.kind == .composeDatetime ? nil : step.from }
            step.defaults = dice.pick([nil, ["year": 2021], ["day": 1, "month": 12], ["year": 9999, "month": 12, "day": 31, "hour": -4]])
            step.format = dice.pick([nil, "yyyy/M/d H:mm", "MM-dd HH:mm", "d", "T", "", "Q"])
            step.offset = dice.pick([nil, "+08:00", "Z", "-12:00", "x"])
            step.columns = [dice.pick(columns), dice.pick(columns)]
            step.nameTo = dice.pick(schema.fields.map(\.name))
            step.valueTo = dice.pick(schema.fields.map(\.name))
            step.tokens = [dice.pick(values), "NA", "a token that is long"]
            step.prefix = dice.pick([nil, "1", "€", ""])
            step.suffix = dice.pick([nil, "0", " €", ""])
            step.thousands = dice.pick([nil, ",", ".", " ", ""])
            step.decimal = dice.pick([nil, ",", ".", "、", ""])
            step.unit = dice.pick([nil, "€", "1"])
            step.power = dice.pick([nil, -30, 4, Int.max, Int.min])
            step.round = dice.pick([nil, 0, 2, 38, -1])
            step.padTo = dice.pick([nil, 6, 64, 1_000_000, -3])
            step.values = ["1": "2", "NA": ""]
            step.values?[dice.pick(values)] = dice.pick(values)
            steps.append(step)
        }
        return Mapping(
            charset: dice.pick([nil, nil, nil, "GBK", "UTF-16"]), delimiter: dice.pick([nil, ",", ";", "?"]), steps: steps,
            unlisted: dice.pick([.ignore, .refuse]))
    }

    private func file(_ dice: inout Dice) -> [UInt8] {
        var bytes: [UInt8] = []
        let header = (0..<1 + dice.roll(8)).map { _ in dice.pick(columns) }
        bytes += Array(header.map { $0.contains(",") || $0.contains("\n") ? "\"\($0)\"" : $0 }.joined(separator: ",").utf8) + [0x0A]
        for _ in 0..<dice.roll(12) {
            let count = dice.roll(8) == 0 ? dice.roll(10) : header.count
            bytes += Array((0..<count).map { _ in dice.pick(values) }.joined(separator: ",").utf8) + dice.pick([[0x0A], [0x0D, 0x0A], [0x0D]])
        }
        for _ in 0..<(dice.roll(3) == 0 ? dice.roll(5) : 0) { bytes[dice.roll(bytes.count)] = UInt8(dice.roll(256)) }
        return bytes
    }

    @Test func nothingCrashesAndCountsAddUp() throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(4)
        var dice = Dice(state: 20_260_301)
        var (round, rows) = (0, 0)
        while round < 200_000, clock.now < end {
            round += 1
            let bytes = dice.roll(10) == 0 ? (0..<dice.roll(300)).map { _ in UInt8(dice.roll(256)) } : file(&dice)
            let mapping = dice.roll(4) == 0 ? nil : mapping(&dice)
            let isCompressed = dice.roll(20) == 0
            let whole = try read(bytes, schema, mapping, isCompressed: isCompressed, keepsRecords: true, findingLimit: 20)
            let cut = try read(
                bytes, schema, mapping, isCompressed: isCompressed, keepsRecords: true, findingLimit: 20, cuts: [1 + dice.roll(40), 1 + dice.roll(9)])
            let isSame = whole == cut
            #expect(isSame, "round \(round): \(whole.told) \(cut.told)")
            #expect(whole.rows.count == whole.rowCount)
            #expect(whole.rows.allSatisfy { $0.count == schema.fields.count + 2 })
            #expect(whole.rejected.count { $0.line > 0 } == whole.rejectedCount)
            #expect(whole.counts.reduce(0) { $0 + $1.count } >= whole.findings.count && whole.findings.count <= 20)
            #expect(whole.rejectedCount <= whole.counts.reduce(0) { $0 + $1.count })
            let unpivots = mapping?.steps.contains { $0.kind == .unpivot } ?? false
            #expect(unpivots || whole.recordCount == whole.rowCount + whole.rejectedCount)
            #expect((whole.digest == nil) == (whole.isFatal || !whole.isInKeyOrder))
            rows += whole.rowCount
        }
        #expect(round > 100 && rows > 0)
    }
}
