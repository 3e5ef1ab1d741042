import Model
import Testing

/// When a roll-up may answer: held against what functions of values do on values that are awkward for them.
@Suite struct RollupPlanTests {
    private static let schema: TableSchema = {
        func field(_ name: String, _ type: FieldType, _ visibility: Visibility = .public, mask: Mask? = nil) -> Field {
            Field(name: name, title: LocalizedText(zh: name), type: type, visibility: visibility, mask: mask)
        }
        return TableSchema(
            fields: [
                field("code", .code), field("region", .code), field("name", .text), field("amount", .decimal(precision: 20, scale: 2)), field("staff", .integer),
                field("at", .datetime), field("on", .date), field("season", .period), field("owner", .text, mask: .name), field("secret", .integer, .department),
            ],
            primaryKey: ["code"])
    }()

    private static func shape(_ groupBy: String, _ select: String = "") throws -> RollupShape {
        try RollupShape(Rollup(name: "kept", groupBy: [groupBy], select: select.isEmpty ? [] : [select]), schema: schema)
    }

    private static func plan(_ shape: RollupShape, _ parameters: (name: String, value: String)...) throws -> RollupPlan? {
        let query = try AggregateQuery(parameters: parameters, filterable: QueryableFields(schema), aggregable: QueryableFields(unmasked: schema))
        return RollupPlan(query, over: shape)
    }

    // MARK: Groups

    /// What a group makes of a value, by another way than the database's.
    private static func key(_ group: AggregateQuery.Group, _ value: String) -> String {
        switch group.form {
        case .value: return value
        case .prefix(let count): return String(value.prefix(count))
        case .level(let level): return String((String(value.prefix(level.digits)) + "000000").prefix(6))
        case .bucket(.hour): return String(value.prefix(13))
        case .bucket(.day): return String(value.prefix(10))
        case .bucket(.month): return String(value.prefix(7))
        case .bucket(.quarter): return value.prefix(4) + "Q\(((Int(value.dropFirst(5).prefix(2)) ?? 0) + 2) / 3)"
        case .bucket(.year): return String(value.prefix(4))
        }
    }

    private static let values: [String: [String]] = [
        "code": ["", "5", "50", "51", "5118", "511800", "511801", "5118010", "51180100", "500000", "5000", "2010301", "2010302", "20103", "201"],
        "at": ["2026-03-01T00:00", "2026-03-01T00:59", "2026-03-01T01:00", "2026-03-31T23:59", "2026-04-01T00:00", "2025-12-31T23:59", "2026-01-01T00:00", "2025-03-01T00:00"],
        "on": ["2026-03-01", "2026-03-31", "2026-04-01", "2025-12-31", "2026-01-01", "2025-03-01"], "season": ["2026", "2026-01", "2026-Q1", "2025-Q1", "2025"],
    ]

    private static let forms: [String: [String]] = [
        "code": ["code", "prefix(code,1)", "prefix(code,2)", "prefix(code,4)", "prefix(code,6)", "prefix(code,7)", "province(code)", "prefecture(code)", "county(code)"],
        "at": ["at", "hour(at)", "day(at)", "month(at)", "quarter(at)", "year(at)"], "on": ["on", "day(on)", "month(on)", "quarter(on)", "year(on)"],
        "season": ["season", "year(season)"],
    ]

    /// A plan exists exactly where values that are one to the roll-up are one to the question, too.
    @Test func aCoarserGroupIsMadeOfAFinerOneAndOfNoOther() throws {
        var made = 0, refused = 0
        for (field, forms) in Self.forms {
            for kept in forms {
                let shape = try Self.shape(kept)
                for wanted in forms {
                    let found = try Self.plan(shape, ("group_by", wanted)) != nil
                    let query = try AggregateQuery(parameters: [("group_by", wanted)], filterable: QueryableFields(Self.schema), aggregable: QueryableFields(Self.schema))
                    var seen: [String: String] = [:]
                    let follows = (Self.values[field] ?? []).allSatisfy { value in
                        let fine = Self.key(shape.groups[0], value), coarse = Self.key(query.groupBy[0], value)
                        defer { seen[fine] = coarse }
                        return seen[fine].map { $0 == coarse } ?? true
                    }
                    // A level fills short codes up, so that it tells their beginning or does not, as they come.
                    let isFilled = if case (.level, .prefix) = (shape.groups[0].form, query.groupBy[0].form) { true } else { false }
                    #expect(found == (follows && !isFilled), "\(wanted) of \(kept)")
                    if found { made += 1 } else { refused += 1 }
                }
            }
        }
        #expect(made > 60 && refused > 40)
    }

    @Test func groupsOfOtherFieldsAreNotThere() throws {
        let shape = try Self.shape("region,day(at)")
        #expect(try Self.plan(shape, ("group_by", "name")) == nil)
        #expect(try Self.plan(shape, ("group_by", "region,name")) == nil)
        #expect(try Self.plan(shape, ("group_by", "month(on)")) == nil)
        #expect(try Self.plan(shape, ("group_by", "month(at),prefix(region,2)"))?.groups == [1, 0])
        #expect(try Self.plan(shape)?.groups == [])
        #expect(try Self.plan(shape, ("group_by", "month(at),day(at),year(at)"))?.groups == [1, 1, 1])
    }

    @Test func theRollupsOwnGroupsNeedNotBeAddedUp() throws {
        let shape = try Self.shape("region,day(at),on")
        for (groups, isWhole) in [
            ("region,day(at),on", true), ("on,day(at),region", true), ("region,day(at),day(on)", true), ("region,day(at),on,month(at)", false), ("region,day(at)", false),
            ("region,month(at),on", false), ("prefix(region,2),day(at),on", false),
        ] { #expect(try Self.plan(shape, ("group_by", groups))?.isWhole == isWhole, "\(groups)") }
        #expect(try Self.plan(shape)?.isWhole == false)
    }

    // MARK: Measures

    @Test func measuresComeFromWhatIsKept() throws {
        let shape = try Self.shape("region,day(at)", "avg(amount),count(name),min(staff),max(at)")
        #expect(shape.parts.map(\.name) == ["count", "sum_amount", "count_amount", "count_name", "min_staff", "max_at"])
        let expected: [(String, RollupPlan.Source?)] = [
            ("count(*)", .rows), ("sum(amount)", .part(1)), ("count(amount)", .part(2)), ("avg(amount)", .average(sum: 1, count: 2)), ("count(name)", .part(3)),
            ("min(staff)", .part(4)), ("max(at)", .part(5)), ("count_distinct(region)", .group(0)), ("min(region)", .group(0)), ("max(region)", .group(0)),
            ("count(region)", .group(0)), ("max(staff)", nil), ("sum(staff)", nil), ("avg(staff)", nil), ("count(staff)", nil), ("min(at)", nil), ("count(at)", nil),
            ("count_distinct(at)", nil), ("count_distinct(name)", nil), ("count_distinct(amount)", nil), ("min(amount)", nil), ("p50(amount)", nil), ("p50(at)", nil),
        ]
        for (select, source) in expected {
            #expect(try Self.plan(shape, ("select", select))?.measures == source.map { [$0] }, "\(select)")
            #expect(try Self.plan(shape, ("select", "count(*),\(select == "count(*)" ? "sum(amount)" : select)")) == nil ? source == nil : source != nil, "\(select)")
        }
        // A sum alone does not tell an average.
        #expect(try Self.plan(Self.shape("region", "sum(amount)"), ("select", "avg(amount)")) == nil)
    }

    @Test func conditionsOnTheAnswerAndItsOrderDoNotMatter() throws {
        let shape = try Self.shape("region", "sum(amount)")
        let parameters = [("group_by", "region"), ("select", "sum(amount)"), ("having", "sum_amount__gt=3"), ("sort", "-sum_amount"), ("limit", "3"), ("version", "2")]
        let query = try AggregateQuery(
            parameters: parameters.map { (name: $0.0, value: $0.1) }, filterable: QueryableFields(Self.schema), aggregable: QueryableFields(Self.schema))
        #expect(RollupPlan(query, over: shape) != nil)
    }

    // MARK: Conditions on rows

    @Test func conditionsOnValuesThatAreGroupsStayAsTheyAre() throws {
        let shape = try Self.shape("region,day(on),season,day(at)")
        for (name, value) in [
            ("region", "51"), ("region__in", "51,52"), ("region__like", "%1_"), ("region__gt", "5"), ("region__null", "true"), ("on", "2026-03-01"), ("on__ne", "2026-03-01"),
            ("season__lte", "2026-Q1"),
        ] {
            let plan = try #require(try Self.plan(shape, (name, value)), "\(name)")
            #expect(plan.predicate != nil && plan.bounds.isEmpty, "\(name)")
        }
        for (name, value) in [("name", "x"), ("staff__gt", "1"), ("amount__null", "true"), ("owner", "x"), ("at", "2026-03-01")] {
            #expect(try Self.plan(shape, (name, value)) == nil, "\(name)")
        }
        #expect(try Self.plan(shape, ("region", "51"), ("name", "x")) == nil)
        let both = try #require(try Self.plan(shape, ("region", "51"), ("at__gte", "2026-03-01"), ("season", "2026")))
        #expect(both.predicate == .and([.compare(field: "region", .equal, value: "51"), .compare(field: "season", .equal, value: "2026")]))
        #expect(both.bounds == [.time(group: 3, .greaterOrEqual, beginning: "2026-03-01 00:00:00")])
    }

    /// For every bound and every span: a plan exists exactly where no span lies on both sides of it.
    @Test func spansOfTimeAreOnOneSideOfABoundOrThereIsNoPlan() throws {
        let instants = ["2026-01-01T00:00:00", "2026-02-01T00:00:00", "2026-04-01T00:00:00", "2026-04-02T00:00:00", "2026-04-02T05:00:00", "2026-04-02T05:30:00", "1969-01-01T00:00:00"]
        let fits: [String: Set<Int>] = ["hour": [0, 1, 2, 3, 4, 6], "day": [0, 1, 2, 3, 6], "month": [0, 1, 2, 6], "quarter": [0, 2, 6], "year": [0, 6]]
        for (bucket, fit) in fits {
            let shape = try Self.shape("\(bucket)(at)")
            for (index, instant) in instants.enumerated() {
                for (name, comparison) in [("gte", Predicate.Comparison.greaterOrEqual), ("lt", .less)] {
                    let plan = try Self.plan(shape, ("at__\(name)", instant + "+08:00"))
                    let beginning = instant.replacing("T", with: " ")
                    #expect(plan?.bounds == (fit.contains(index) ? [.time(group: 0, comparison, beginning: beginning)] : nil), "\(bucket) \(instant)")
                }
                for name in ["gt", "lte", "eq", "ne"] { #expect(try Self.plan(shape, ("at__\(name)", instant + "+08:00")) == nil, "\(bucket) \(name)") }
            }
            #expect(try Self.plan(shape, ("at__gte", "2025-12-31T16:00:00Z"))?.bounds == [.time(group: 0, .greaterOrEqual, beginning: "2026-01-01 00:00:00")])
            #expect(try Self.plan(shape, ("at__gte", "2026-01-01T00:00:00.000001+08:00")) == nil)
            #expect(try Self.plan(shape, ("at__null", "true"))?.bounds == [.missing(group: 0)])
        }
    }

    @Test func daysAreBoundsOnBothSides() throws {
        let shape = try Self.shape("month(on)")
        #expect(try Self.plan(shape, ("on__lte", "2026-03-31"))?.bounds == [.time(group: 0, .less, beginning: "2026-04-01 00:00:00")])
        #expect(try Self.plan(shape, ("on__gt", "2025-12-31"))?.bounds == [.time(group: 0, .greaterOrEqual, beginning: "2026-01-01 00:00:00")])
        for (name, value) in [("on__lte", "2026-03-30"), ("on__gt", "2026-03-01"), ("on__gte", "2026-03-02"), ("on", "2026-03-01")] {
            #expect(try Self.plan(shape, (name, value)) == nil, "\(name)=\(value)")
        }
    }

    @Test func beginningsOfCodesAreBoundsWhereTheyAreKept() throws {
        let shape = try Self.shape("prefix(code,3)")
        #expect(try Self.plan(shape, ("code__like", "201%"))?.bounds == [.beginning(group: 0, pattern: "201%")])
        #expect(try Self.plan(shape, ("code__like", "%"))?.bounds == [.beginning(group: 0, pattern: "%")])
        for pattern in ["2010%", "20_%", "2%1%", "201", "20\\%", "%201"] { #expect(try Self.plan(shape, ("code__like", pattern)) == nil, "\(pattern)") }
        #expect(try Self.plan(Self.shape("county(code)"), ("code__like", "51%")) == nil)
        #expect(try Self.plan(shape, ("code", "201")) == nil)
    }

    // MARK: Declarations

    @Test(arguments: [
        ("secret", "count(*)"), ("owner", "count(*)"), ("nobody", "count(*)"), ("region", "sum(secret)"), ("region", "max(owner)"), ("region", "p50(amount)"),
        ("region", "count_distinct(name)"), ("region,region", "count(*)"), ("", "count(*)"), ("region", "sum(name)"), ("region", ""),
    ]) func whatCannotBeKeptIsRefused(groupBy: String, select: String) {
        #expect(throws: Problem.self) { try RollupShape(Rollup(name: "x", groupBy: [groupBy], select: [select]), schema: Self.schema) }
    }

    @Test func whatKeepsTheSameHasOneSignature() throws {
        let one = try Self.shape("region,day(at)", "avg(amount),count(*)")
        let other = try RollupShape(Rollup(name: "y", groupBy: ["region", "day( at )"], select: ["sum(amount)", "count(amount)"]), schema: Self.schema)
        #expect(one.signature == other.signature)
        #expect(try one.signature != Self.shape("region,hour(at)", "avg(amount)").signature)
        #expect(try one.signature != Self.shape("region,day(at)", "sum(amount)").signature)
    }
}
