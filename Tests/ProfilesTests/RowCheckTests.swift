import Model
import Profiles
import Testing

@Suite struct RowCheckTests {
    private let fields = [
        field("decimal(18,2)", "total"), field("decimal(10,4)", "part_a"), field("integer", "part_b"), field("date", "from_on"), field("date", "to_on"),
        field("code", "kind"), field("text", "note"), field("decimal(12,2)", "secret") { $0.visibility = .private }, field("period", "span"), field("datetime", "at"),
        field("decimal(5,1)", "pct"),
    ]

    private func check(_ kind: Check.Kind, _ configure: (inout Check) -> Void) -> Check {
        var check = Check(kind: kind)
        configure(&check)
        return check
    }

    /// Runs one check over a row given by name; values are canonical.
    private func finding(_ check: Check, _ row: [String: String]) throws -> Finding? {
        let schema = TableSchema(fields: fields, primaryKey: ["kind"], checks: [check])
        #expect(schema.validate().isEmpty, "\(schema.validate())")
        let compiled = try #require(schema.rowChecks.first)
        let bytes = fields.map { Array((row[$0.name] ?? "").utf8) }
        return withSlices(bytes) { slices in compiled.check(line: 7) { slices[$0] } }
    }

    @Test func sumsAreExactAcrossScales() throws {
        let sum = check(.sumEquals) { ($0.parts, $0.total, $0.tolerance) = (["part_a", "part_b"], "total", "0.005") }
        #expect(try finding(sum, ["total": "3.10", "part_a": "0.1000", "part_b": "3"]) == nil)
        #expect(try finding(sum, ["total": "3.10", "part_a": "0.1050", "part_b": "3"]) == nil, "the tolerance is inclusive")
        let wrong = try #require(try finding(sum, ["total": "3.10", "part_a": "0.1051", "part_b": "3"]))
        #expect(wrong.code == .sumMismatch && wrong.field == "total" && wrong.line == 7 && wrong.value == "3.10")
        #expect(wrong.message.en == "the parts add up to 3.1051, the total says 3.1000")
        #expect(try finding(sum, ["part_b": "3"]) == nil, "no total, no rule")
        #expect(try finding(sum, ["total": "3.10"]) == nil, "no parts, no rule")
        #expect(try finding(sum, ["total": "3.00", "part_b": "3"]) == nil, "a missing part counts nothing")
        #expect(try finding(sum, ["total": "9007199254740993.00", "part_a": "0.0000", "part_b": "9007199254740992"])?.code == .sumMismatch, "beyond what Double tells apart")
    }

    @Test func valuesThatAreNotPublicStayOutOfFindings() throws {
        let sum = check(.sumEquals) { ($0.parts, $0.total) = (["secret"], "total") }
        let wrong = try #require(try finding(sum, ["total": "3.00", "secret": "12345.67"]))
        #expect(wrong.message.en?.contains("12345") == false)
        let range = check(.range) { ($0.field, $0.maximum) = ("secret", "10") }
        #expect(try finding(range, ["secret": "12345.67"])?.value == nil)
    }

    @Test func rangesCompareWithLiteralsAndWithOtherFields() throws {
        let literal = check(.range) { ($0.field, $0.minimum, $0.maximum) = ("part_b", "1", "5") }
        #expect(try finding(literal, ["part_b": "1"]) == nil)
        #expect(try finding(literal, ["part_b": "0"])?.code == .belowMinimum)
        #expect(try finding(literal, ["part_b": "6"])?.message.zh == "大于最大值 5")
        let fields = check(.range) { ($0.field, $0.maximumField) = ("part_a", "total") }
        #expect(try finding(fields, ["part_a": "3.1000", "total": "3.10"]) == nil)
        #expect(try finding(fields, ["part_a": "3.1001", "total": "3.10"])?.code == .fieldAboveField)
        #expect(try finding(fields, ["part_a": "3.1001"]) == nil)
        let low = check(.range) { ($0.field, $0.minimumField) = ("total", "part_b") }
        #expect(try finding(low, ["total": "-0.01", "part_b": "0"])?.message.en == "below part_b")
        let dates = check(.range) { ($0.field, $0.minimumField) = ("to_on", "from_on") }
        #expect(try finding(dates, ["to_on": "2026-02-28", "from_on": "2026-03-01"])?.code == .fieldBelowField)
        let period = check(.range) { ($0.field, $0.maximum) = ("span", "2026-Q1") }
        #expect(try finding(period, ["span": "2026-02"])?.code == .aboveMaximum)
    }

    @Test func datesKeepTheirOrder() throws {
        let order = check(.dateOrder) { ($0.earlier, $0.later) = ("from_on", "to_on") }
        #expect(try finding(order, ["from_on": "2026-03-01", "to_on": "2026-03-01"]) == nil)
        #expect(try finding(order, ["from_on": "2026-03-01"]) == nil)
        let wrong = try #require(try finding(order, ["from_on": "2026-03-02", "to_on": "2026-03-01"]))
        #expect(wrong.code == .dateOrder && wrong.field == "from_on" && wrong.message.en == "from_on is later than to_on")
    }

    @Test func aSpanLastsItsDays() throws {
        let span = check(.dateOrder) { ($0.earlier, $0.later, $0.minimumDays) = ("from_on", "to_on", 10) }
        #expect(try finding(span, ["from_on": "2026-02-24", "to_on": "2026-03-05"]) == nil, "both ends count")
        let short = try #require(try finding(span, ["from_on": "2026-02-24", "to_on": "2026-03-04"]))
        #expect(short.code == .tooFewDays && short.field == "to_on" && short.message.en == "9 days from from_on on, at least 10 are due")
        #expect(try finding(span, ["from_on": "2026-03-02", "to_on": "2026-03-01"])?.code == .dateOrder)
        #expect(try finding(span, ["to_on": "2026-03-01"]) == nil)
        for (earlier, later, days) in [("from_on", "to_on", 0), ("at", "at", 3)] {
            let wrong = check(.dateOrder) { ($0.earlier, $0.later, $0.minimumDays) = (earlier, later, days) }
            #expect(TableSchema(fields: fields, primaryKey: ["kind"], checks: [wrong]).validate().map(\.place) == ["/checks/0/minimum_days"])
        }
    }

    @Test func tolerancesAreAbsolute() throws {
        let near = check(.tolerance) { ($0.field, $0.other, $0.tolerance, $0.severity) = ("total", "part_b", "0.5", .warning) }
        #expect(try finding(near, ["total": "2.50", "part_b": "3"]) == nil)
        #expect(try finding(near, ["total": "3.50", "part_b": "3"]) == nil)
        let wrong = try #require(try finding(near, ["total": "2.49", "part_b": "3"]))
        #expect(wrong.severity == .warning && wrong.message.en == "differs from part_b by 0.51, more than 0.5")
    }

    @Test func conditionsSayWhenARuleApplies() throws {
        let byValue = check(.conditionalRequired) { ($0.field, $0.when) = ("note", Check.Condition(field: "kind", values: ["b", "c"])) }
        #expect(try finding(byValue, ["kind": "a"]) == nil)
        #expect(try finding(byValue, ["kind": "b", "note": "x"]) == nil)
        #expect(try finding(byValue, ["kind": "b"])?.message.en == "required when kind is b、c")
        let byBounds = check(.conditionalRequired) { ($0.field, $0.when) = ("note", Check.Condition(field: "pct", minimum: "30")) }
        #expect(try finding(byBounds, ["pct": "29.9"]) == nil)
        #expect(try finding(byBounds, ["pct": "30.0"])?.code == .conditionalRequired)
        #expect(try finding(byBounds, [:]) == nil)
        let below = check(.conditionalRequired) { ($0.field, $0.when) = ("note", Check.Condition(field: "pct", maximum: "-30")) }
        #expect(try finding(below, ["pct": "-30.1"])?.message.en == "required when pct is ≤ -30")
        let present = check(.required) { ($0.field, $0.when) = ("note", Check.Condition(field: "total", present: true)) }
        #expect(try finding(present, [:]) == nil)
        #expect(try finding(present, ["total": "1.00"])?.code == .required)
        let absent = check(.required) { ($0.field, $0.when) = ("note", Check.Condition(field: "total", present: false)) }
        #expect(try finding(absent, [:])?.code == .required)
    }

    @Test func patternsAndChecksumsLookAtTheCanonicalValue() throws {
        let pattern = check(.pattern) { ($0.field, $0.pattern) = ("kind", "[a-c]") }
        #expect(try finding(pattern, ["kind": "d"])?.message.en == "does not match [a-c]")
        #expect(try finding(pattern, [:]) == nil)
        let code = check(.identifierChecksum) { ($0.field, $0.scheme) = ("kind", .uscc) }
        #expect(try finding(code, ["kind": "91350100M000100Y43"]) == nil)
        #expect(try finding(code, ["kind": "91350100M000100Y44"])?.message.en == "wrong check character (GB 32100-2015)")
        let organisation = check(.identifierChecksum) { ($0.field, $0.scheme) = ("kind", .organisation) }
        #expect(try finding(organisation, ["kind": "16829134X"]) == nil)
        let citizen = check(.identifierChecksum) { ($0.field, $0.scheme) = ("kind", .citizen) }
        #expect(try finding(citizen, ["kind": "11010519491231002X"]) == nil)
    }

    @Test func whatIsAboutTheSetIsLeftToTheSet() {
        let unique = check(.unique) { $0.fields = ["kind"] }
        let schema = TableSchema(fields: fields, primaryKey: ["kind"], checks: [unique, check(.required) { $0.field = "note" }])
        #expect(schema.setChecks == [unique])
        #expect(schema.rowChecks.count == 1)
        #expect(RowCheck(check(.required) { $0.field = "nowhere" }, in: schema) == nil)
    }

    @Test func masksHideAsTheRuleSays() {
        #expect(["欧", "欧阳", "张三丰", "欧阳锋锋", ""].map(Mask.name.apply) == ["*", "欧*", "张**", "欧阳**", ""])
        #expect(["13812345678", "1234567", "12345678"].map(Mask.phone.apply) == ["138****5678", "*******", "123*5678"])
        #expect(["11010519491231002X", "1234", "12345"].map(Mask.lastFour.apply) == ["**************002X", "****", "*2345"])
        #expect(["11010519491231002X", "110105", "11010"].map(Mask.divisionOnly.apply) == ["110105************", "110105", "11010"])
    }
}

/// Holds the bytes still while slices of them are read.
func withSlices<R>(_ values: [[UInt8]], _ body: ([UnsafeRawBufferPointer]) -> R) -> R {
    let flat: [UInt8] = values.flatMap { $0 } + [0]
    return flat.withUnsafeBytes { buffer in
        var start = 0
        return body(values.map { value in
            defer { start += value.count }
            return UnsafeRawBufferPointer(rebasing: buffer[start..<start + value.count])
        })
    }
}
