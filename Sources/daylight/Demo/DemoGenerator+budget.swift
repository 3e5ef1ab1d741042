import Model

extension DemoGenerator {
    /// Functional classes with two levels below each (财政部, 政府收支分类科目).
    private static let functions: [(code: String, name: String)] = [
        ("201", "一般公共服务支出"), ("204", "公共安全支出"), ("205", "教育支出"), ("206", "科学技术支出"), ("207", "文化旅游体育与传媒支出"), ("208", "社会保障和就业支出"),
        ("210", "卫生健康支出"), ("211", "节能环保支出"), ("212", "城乡社区支出"), ("213", "农林水支出"), ("214", "交通运输支出"), ("220", "自然资源海洋气象等支出"),
        ("221", "住房保障支出"), ("224", "灾害防治及应急管理支出"),
    ]
    private static let parts = ["行政运行", "一般行政管理事务", "机关服务", "事业运行", "专项业务"]

    /// Budget and final accounts of three years for each county: every item, and the sums above it.
    static func budget(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: [
            "年度", "行政区划", "级次", "口径", "预算类别", "环节", "调整次数", "执行期", "收支", "科目编码", "科目名称", "金额", "上年数", "完成预算百分比", "涉密剔除", "说明",
            "批准日期", "批准机关",
        ])
        for (region, place) in DemoPlace.counties {
            var previous: [String: Int] = [:]
            for year in 2023...2025 {
                for stage in ["budget", "final"] {
                    var sums: [String: Int] = [:]
                    var names: [String: String] = [:]
                    for (code, name) in functions {
                        names[code] = name
                        for group in 1...4 {
                            let middle = code + "0\(group)"
                            names[middle] = name.replacing("支出", with: "") + "·" + parts[group - 1]
                            for item in 1...5 {
                                let leaf = middle + "0\(item)"
                                names[leaf] = (names[middle] ?? "") + "·" + parts[item - 1]
                                let amount = random.int(2_000...900_000)
                                for prefix in [code, middle, leaf] { sums[prefix, default: 0] += amount }
                            }
                        }
                    }
                    for code in sums.keys.sorted() {
                        let amount = sums[code] ?? 0
                        let before = previous[stage + code]
                        // The change in percent is left out, since it follows; from 30 on it needs an explanation.
                        let large = before.map { abs(amount - $0) * 100 >= $0 * 29 } ?? false
                        table.add([
                            "\(year)", region, "county", "全辖", "一般公共预算", stage, "0", "\(year)", "expenditure", code, names[code] ?? "",
                            DemoAmount(hundredths: amount).text, before.map { DemoAmount(hundredths: $0).text } ?? "",
                            stage == "final" ? DemoAmount(hundredths: random.int(9000...10_500)).text : "",
                            "false", large ? "本年\(names[code] ?? "")安排较上年变动较大，主要是项目进度与上级补助变化。" : "",
                            CalendarDate(demo: stage == "budget" ? year : year + 1, random.int(40...75)).description, place + "人民代表大会",
                        ])
                        previous[stage + code] = amount
                    }
                }
            }
        }
        return table
    }

    static func transfers(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: ["年度", "环节", "拨付地区", "接受地区", "类型", "项目名称", "金额", "标准", "对象", "使用", "依据文件", "下达日期", "批准日期"])
        let special = ["农村危房改造补助", "义务教育薄弱环节改善", "基本公共卫生服务补助", "林业草原生态保护恢复", "水利发展资金", "就业补助资金", "困难群众救助补助", "农田建设补助"]
        for year in 2016...2025 {
            for (region, place) in DemoPlace.counties {
                for stage in ["budget", "final"] {
                    for kind in ["一般性", "税收返还"] {
                        let approved = CalendarDate(demo: year, random.int(20...60))
                        table.add([
                            "\(year)", stage, DemoPlace.city.code, region, kind, "", DemoAmount(hundredths: random.int(50_000...9_000_000)).text, "按因素法测算", place, "统筹用于保障基本民生和运转", "雅财预〔\(year)〕\(random.int(1...80))号",
                            approved.adding(days: random.int(1...20)).description, approved.description,
                        ])
                    }
                    for project in special {
                        let approved = CalendarDate(demo: year, random.int(20...200))
                        table.add([
                            "\(year)", stage, DemoPlace.city.code, region, "专项", project, DemoAmount(hundredths: random.int(10_000...1_500_000)).text, "据实据效安排",
                            place + "符合条件的单位和个人", "用于\(project)", "雅财建〔\(year)〕\(random.int(1...300))号", approved.adding(days: random.int(1...30)).description,
                            approved.description,
                        ])
                    }
                }
            }
        }
        return table
    }

    static func debt(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: ["行政区划", "截止日期", "类型", "限额", "余额", "发行额", "其中再融资", "还本额", "付息额", "批准日期"])
        for (region, _) in DemoPlace.counties {
            for kind in ["一般", "专项"] {
                var balance = random.int(3_000_000...9_000_000)
                for year in 2016...2025 {
                    for (month, day) in [(3, 31), (6, 30), (9, 30), (12, 31)] {
                        let issued = random.int(10_000...400_000)
                        let repaid = random.int(5_000...200_000)
                        balance += issued - repaid
                        table.add([
                            region, "\(year)-\(month < 10 ? "0" : "")\(month)-\(day)", kind, DemoAmount(hundredths: balance + random.int(0...900_000)).text,
                            DemoAmount(hundredths: balance).text, DemoAmount(hundredths: issued).text, DemoAmount(hundredths: issued * random.int(0...100) / 100).text,
                            DemoAmount(hundredths: repaid).text, DemoAmount(hundredths: balance / 120).text, CalendarDate(demo: year, 60).description,
                        ])
                    }
                }
            }
        }
        return table
    }
}
