import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

/// Each check over the whole set: what it finds, where, and what stays.
@Suite struct SetCheckTests {
    static func schema(_ checks: [Check], timeField: String? = nil) -> TableSchema {
        func field(_ name: String, _ type: FieldType, codeList: String? = nil, visibility: Visibility = .public) -> Field {
            Field(name: name, title: LocalizedText(zh: name), type: type, codeList: codeList, visibility: visibility)
        }
        return TableSchema(
            fields: [
                field("id", .code), field("region", .code), field("day", .date), field("year", .integer), field("quarter", .period),
                field("amount", .decimal(precision: 12, scale: 2)), field("side", .code), field("secret", .code, visibility: .private),
            ],
            primaryKey: ["id"], timeField: timeField, checks: checks)
    }

    static let header = "id,region,day,year,quarter,amount,side,secret\n"

    static func check(_ kind: Check.Kind, _ change: (inout Check) -> Void = { _ in }) -> Check {
        var check = Check(kind: kind)
        change(&check)
        return check
    }

    // MARK: F400, F401

    @Test func exactRepeatsAreReportedAndKeptOnce() async throws {
        try await Workshop.with(schema: Self.schema([])) { shop in
            let report = try await shop.push(Self.header + "b,,,,,1,,\na,,,,,1.00,,\nb,,,,,1.0,,\nb,,,,,1,,\n")
            #expect(report.push.state == .ready)
            #expect(report.codes == ["F400w:2"])
            #expect(report.findings.map(\.line) == [4, 5])
            #expect(report.findings.allSatisfy { $0.message.en == "the same as line 2; kept once" })
            #expect(report.push.rowCount == 2 && report.push.recordCount == 4 && report.push.rejectedCount == 0)
        }
    }

    @Test func conflictingRepeatsAreErrorsUnlessTheMappingDecides() async throws {
        let csv = Self.header + "b,,,,,1,,\nb,,,,,2,,\nb,,,,,3,,\na,,,,,9,,\n"
        try await Workshop.with(schema: Self.schema([])) { shop in
            let report = try await shop.push(csv)
            #expect(report.push.state == .rejected)
            #expect(report.codes == ["F401:2"])
            #expect(report.findings.map(\.line) == [3, 4])
            #expect(report.findings.first?.message.en == "key b stands on line 2 already")
            #expect(report.findings.first?.field == "id")
        }
        for (keep, amount, lines) in [(Mapping.Repeats.Keep.first, "1.00", [3, 4]), (.last, "3.00", [2, 3])] {
            try await Workshop.with(schema: Self.schema([]), mapping: Mapping(steps: [], repeats: Mapping.Repeats(keep: keep))) { shop in
                let report = try await shop.push(csv)
                #expect(report.codes == ["F401w:2"])
                #expect(report.findings.map(\.line) == lines)
                try await shop.release(report)
                #expect(try await shop.count("SELECT count(*) FROM data.d\(raw: String(shop.number)) WHERE amount = \(Numeric(amount)!)") == 1)
                #expect(try await shop.count("SELECT count(*) FROM data.d\(raw: String(shop.number))") == 2)
            }
        }
    }

    @Test func inQuarantineTheFirstOfARepeatStaysAndTheOthersAreKeptAsTheyCame() async throws {
        try await Workshop.with(schema: Self.schema([]), policy: .quarantine) { shop in
            let report = try await shop.push(Self.header + "b,,,,,1,,\nb,,,,,2,,\na,,,,,x,,\nc,,,,,\" 9\",,\n")
            #expect(report.push.state == .ready)
            #expect(report.codes == ["F202:2", "F401:1"] || report.codes == ["F202:1", "F401:1"])
            let rejected = try await shop.publishing.rejectedRecords(of: report.push.id, after: -1, limit: 10)
            #expect(rejected.first == RejectedRecord(line: 0, text: String(Self.header.dropLast())))
            #expect(rejected.contains(RejectedRecord(line: 3, text: "b,,,,,2,,")))
            #expect(rejected.contains(RejectedRecord(line: 4, text: "a,,,,,x,,")))
            #expect(report.push.rejectedCount == rejected.count - 1)
            #expect(report.push.rowCount + report.push.rejectedCount == 4)
        }
    }

    // MARK: F215

    private static func addCodes(_ shop: Workshop) async throws {
        try await shop.db.database.execute("INSERT INTO daylight.code_list (id) VALUES ('region')")
        try await shop.db.database.execute(
            """
            INSERT INTO daylight.code (list, code, title_zh, valid_from, valid_to) VALUES
                ('region', '51', '四川', '2000-01-01', NULL), ('region', '99', '旧', '2000-01-01', '2014-12-31')
            """)
    }

    @Test func codesMustStandInTheirListAtTheRowsTime() async throws {
        let rows: [(time: String, csv: String, bad: [Int])] = [
            ("day", "a,51,2020-01-01,,,,,\nb,99,2014-12-31,,,,,\nc,99,2015-01-01,,,,,\nd,50,2014-01-01,,,,,\ne,,2014-01-01,,,,,\nf,99,,,,,,\n", [4, 5]),
            ("year", "a,51,,2020,,,,\nb,99,,2014,,,,\nc,99,,2015,,,,\nd,99,,,,,,\n", [4]),
            ("quarter", "a,51,,,2020-Q4,,,\nb,99,,,2014-Q4,,,\nc,99,,,2015-Q1,,,\nd,99,,,2014,,,\ne,99,,,2015-01,,,\nf,99,,,2014-12,,,\n", [4, 6]),
        ]
        for (time, csv, bad) in rows {
            var schema = Self.schema([], timeField: time)
            schema.fields[1].codeList = "region"
            try await Workshop.with(schema: schema) { shop in
                try await Self.addCodes(shop)
                let report = try await shop.push(Self.header + csv)
                #expect(report.codes == ["F215:\(bad.count)"], "\(time)")
                #expect(report.findings.map(\.line) == bad.map { $0 }, "\(time)")
                #expect(report.findings.first?.message.en == "not in the code list region")
            }
        }
    }

    @Test func aCodeListCheckHoldsWhereItsConditionDoes() async throws {
        let check = Self.check(.codeList) {
            $0.field = "region"
            $0.list = "region"
            $0.severity = .warning
            $0.when = Check.Condition(field: "side", values: ["x"])
        }
        try await Workshop.with(schema: Self.schema([check])) { shop in
            try await Self.addCodes(shop)
            let report = try await shop.push(Self.header + "a,50,,,,,x,\nb,50,,,,,y,\nc,99,,,,,x,\n")
            #expect(report.codes == ["F215w:1"])
            #expect(report.findings.first?.line == 2 && report.findings.first?.value == "50")
            #expect(report.push.state == .ready)
        }
    }

    // MARK: F403

    @Test func foreignKeysMustStandInTheOtherDatasetOrInThisOne() async throws {
        let check = Self.check(.foreignKey) {
            $0.fields = ["region"]
            $0.dataset = "lighthouse"
            $0.references = ["id"]
        }
        try await Workshop.with(schema: Self.schema([check])) { shop in
            let report = try await shop.push(Self.header + "a,,,,,,,\nb,a,,,,,,\nc,z,,,,,,\n")
            #expect(report.codes == ["F403:1"])
            #expect(report.findings.first?.line == 4 && report.findings.first?.value == "z" && report.findings.first?.field == "region")
            try await shop.publish(Self.header + "a,,,,,,,\nb,a,,,,,,\n")
            #expect(try await shop.push(Self.header + "d,b,,,,,,\n", .upsert).push.state == .ready)
            #expect(try await shop.push(Self.header + "d,b,,,,,,\n", .replace).codes == ["F403:1"])

            // Another dataset that refers to this one by a field of another type.
            var other = Self.schema([Self.check(.foreignKey) { $0.field = "year"; $0.dataset = "lighthouse"; $0.references = ["id"] }])
            other.primaryKey = ["id"]
            try await shop.db.addDataset("other", department: shop.department.uscc, schema: other)
            var request = shop.request()
            request.dataset = "other"
            #expect(try await shop.push(Self.header + "a,,,7,,,,\n", request).codes == ["F403:1"])
            try await shop.publish(Self.header + "7,,,,,,,\n", .append)
            #expect(try await shop.push(Self.header + "a,,,7,,,,\n", request).codes.isEmpty)
        }
    }

    @Test func aForeignKeyIntoWhatIsNotReleasedIsMissing() async throws {
        let check = Self.check(.foreignKey) { $0.field = "region"; $0.dataset = "nowhere" }
        try await Workshop.with(schema: Self.schema([check])) { shop in
            let report = try await shop.push(Self.header + "a,x,,,,,,\nb,,,,,,,\n")
            #expect(report.codes == ["F403:1"])
        }
    }

    // MARK: F407

    @Test func uniqueFieldsAreUniqueInThePushAndAmongWhatStands() async throws {
        let check = Self.check(.unique) { $0.fields = ["region", "year"] }
        try await Workshop.with(schema: Self.schema([check])) { shop in
            let report = try await shop.push(Self.header + "a,r,,1,,,,\nb,r,,1,,,,\nc,r,,2,,,,\nd,,,1,,,,\ne,,,1,,,,\n")
            #expect(report.codes == ["F407:1"])
            #expect(report.findings.first?.line == 3)
            #expect(report.findings.first?.message.en == "region,year is not unique; line 2 has it already")
            try await shop.publish(Self.header + "a,r,,1,,,,\nc,r,,2,,,,\n")
            #expect(try await shop.push(Self.header + "z,r,,1,,,,\n", .upsert).codes == ["F407:1"])
            // The row that has the values gets others in the same push.
            #expect(try await shop.push(Self.header + "a,r,,5,,,,\nz,r,,1,,,,\n", .upsert).codes.isEmpty)
        }
    }

    // MARK: F406

    @Test func timesRunForwardWithinTheirGroup() async throws {
        let check = Self.check(.monotoneTime) { $0.field = "day"; $0.groupBy = ["region"]; $0.severity = .warning }
        try await Workshop.with(schema: Self.schema([check])) { shop in
            let report = try await shop.push(Self.header + "a,x,2020-01-02,,,,,\nb,y,2020-01-01,,,,,\nc,x,2020-01-02,,,,,\nd,x,2020-01-01,,,,,\n")
            #expect(report.codes == ["F406w:1"])
            #expect(report.findings.first?.line == 5 && report.findings.first?.message.en == "earlier than line 4")
            #expect(report.findings.first?.value == "2020-01-01")
        }
    }

    // MARK: names

    /// Good names of fields, which once were those of columns that the checks put beside the fields.
    @Test func fieldsMayBeNamedAsTheChecksThink() async throws {
        let names = [
            "tid", "copy", "kept_line", "key_text", "place", "first_line", "earlier", "earlier_line", "reason", "line", "s", "c", "r", "copies", "variants", "repeated", "violation",
        ]
        var schema = Self.schema([Self.check(.unique) { $0.fields = ["place"] }, Self.check(.monotoneTime) { $0.field = "day" }, Self.hierarchy])
        schema.fields += names.map { Field(name: $0, title: LocalizedText(zh: $0), type: .text, visibility: .public) }
        schema.primaryKey = ["id", "tid"]
        let header = "\(Self.header.dropLast()),\(names.joined(separator: ","))\n"
        func row(_ id: String, _ day: String, place: String) -> String {
            "\(id),,\(day),,,,,,\(names.map { $0 == "place" ? place : "x" }.joined(separator: ","))\n"
        }
        let good = row("a", "2020-01-01", place: "1") + row("b", "2020-01-02", place: "2")
        try await Workshop.with(schema: schema) { shop in
            let report = try await shop.push(
                header + good + row("a", "2020-01-01", place: "1") + row("b", "2020-01-03", place: "3") + row("c", "2020-01-04", place: "1") + row("d", "2020-01-03", place: "4"))
            #expect(Set(report.codes) == ["F400w:1", "F401:1", "F406:1", "F407:1"])
            func finding(_ code: FindingCode) -> Finding? { report.findings.first { $0.code == code } }
            #expect(finding(.notUnique)?.line == 6 && finding(.notUnique)?.message.en == "place is not unique; line 2 has it already")
            #expect(finding(.notMonotone)?.line == 7 && finding(.notMonotone)?.message.en?.hasPrefix("earlier than line ") == true)
            try await shop.publish(header + good)
            #expect(try await shop.push(header + row("c", "2020-01-03", place: "3"), .upsert).push.state == .ready)
        }
    }

    // MARK: F404, F405

    private static let hierarchy = check(.hierarchySums) {
        $0.code = "side"
        $0.amount = "amount"
        $0.groupBy = ["year", "region"]
        $0.lengths = [1, 2, 3]
        $0.tolerance = "0.01"
    }

    @Test func lowerLevelsAddUpToTheLevelAbove() async throws {
        try await Workshop.with(schema: Self.schema([Self.hierarchy])) { shop in
            let good = Self.header + "a,,,2020,,10,1,\nb,,,2020,,4,11,\nc,,,2020,,6.01,12,\nd,,,2020,,6.01,121,\ne,,,2021,,99,1,\nf,r,,2020,,1,11,\n"
            #expect(try await shop.push(good).codes.isEmpty)
            let report = try await shop.push(Self.header + "a,,,2020,,10,1,\nb,,,2020,,4,11,\nc,,,2020,,6.02,12,\nd,,,2020,,1,121,\n")
            #expect(report.codes == ["F404:2"])
            #expect(report.findings.map(\.line) == [2, 4])
            #expect(report.findings.first?.message.en == "the lower level adds up to 10.02, this line says 10.00")
            // A change of one child against the parent that stands.
            try await shop.publish(good)
            let upsert = try await shop.push(Self.header + "b,,,2020,,5,11,\n", .upsert)
            #expect(upsert.codes == ["F404:1"] && upsert.push.state == .rejected && upsert.findings.first?.line == nil)
        }
    }

    @Test func theTwoSidesBalanceWithinTheirGroup() async throws {
        let check = Self.check(.balance) {
            $0.amount = "amount"
            $0.side = "side"
            $0.left = ["in", "aid"]
            $0.right = ["out"]
            $0.groupBy = ["year"]
        }
        for policy in PushPolicy.allCases {
            try await Workshop.with(schema: Self.schema([check]), policy: policy) { shop in
                let report = try await shop.push(Self.header + "a,,,1,,10,in,\nb,,,1,,5,aid,\nc,,,1,,15,out,\nd,,,2,,1,in,\n")
                #expect(report.codes == ["F405:1"])
                #expect(report.findings.first?.message.en == "2: left side 1.00, right side 0 do not balance")
                // No row's leaving would mend it, so quarantine rejects it as well.
                #expect(report.push.state == .rejected)
            }
        }
    }

    // MARK: other

    @Test func valuesThatNobodyMaySeeStandInNoFinding() async throws {
        let check = Self.check(.unique) { $0.fields = ["secret"] }
        try await Workshop.with(schema: Self.schema([check])) { shop in
            let report = try await shop.push(Self.header + "a,,,,,,,topsecret\nb,,,,,,,topsecret\n")
            #expect(report.codes == ["F407:1"])
            #expect(report.findings.first?.value == nil)
            #expect(report.findings.first?.message.en?.contains("topsecret") == false)
        }
    }

    @Test func keysTooWideForAnIndexAreFound() async throws {
        try await Workshop.with(schema: Self.schema([])) { shop in
            let report = try await shop.push(Self.header + String(repeating: "x", count: 3000) + ",,,,,,,\n")
            #expect(report.codes == ["F210:1"])
        }
    }

    @Test func allFindingsAreCountedAndTheFirstOfThemKept() async throws {
        try await Workshop.with(schema: Self.schema([]), { $0.findingLimit = 25 }) { shop in
            let bad = (0..<40).map { "k\($0),,,x,,,,\n" }.joined()
            let report = try await shop.push(Self.header + bad + "same,,,,,1,,\nsame,,,,,2,,\n")
            #expect(report.codes == ["F201:40", "F401:1"])
            #expect(report.push.errorCount == 41)
            #expect(report.findings.count == 20)
            let kept = try await shop.publishing.findings(of: report.push.id, after: 0, limit: 100)
            #expect(kept.map(\.number) == Array(1...25))
            #expect(kept.map(\.finding.line) == (2...26).map { $0 })
            let counts = try await shop.publishing.findingCounts(of: report.push.id)
            #expect(counts == [FindingCount(code: .notInteger, severity: .error, count: 40), FindingCount(code: .repeatedKey, severity: .error, count: 1)])
            let filtered = try await shop.publishing.findings(of: report.push.id, after: 20, severity: .error, code: .notInteger, limit: 2)
            #expect(filtered.map(\.number) == [21, 22])
        }
    }
}
