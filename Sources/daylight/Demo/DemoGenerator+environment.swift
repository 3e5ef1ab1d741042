import Model

extension DemoGenerator {
    private static func station(_ index: Int) -> (code: String, name: String, region: String) {
        let place = DemoPlace.counties[index % DemoPlace.counties.count]
        let name = place.name + ["政务中心", "实验小学", "河滨公园", "开发区"][index / DemoPlace.counties.count % 4]
        return ("5118\(String(1001 + index).dropFirst())A", name, place.code)
    }

    static func stations(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: ["站点编码", "站点名称", "行政区划", "经纬度", "控制级别", "运维单位代码", "启用日期", "状态"])
        for index in 0..<32 {
            let station = station(index)
            table.add([
                station.code, station.name, station.region, "10\(random.int(2...3)).\(random.int(100_000...999_999)),\(random.int(29...30)).\(random.int(100_000...999_999))",
                ["国控", "省控", "市控", "县控"][index % 4], DemoPlace.creditCode(index + 7, in: DemoPlace.city.code), CalendarDate(demo: 2013 + index % 8, random.int(0...300)).description,
                index == 31 ? "维护" : "运行",
            ])
        }
        return table
    }

    /// Eighty days of hours for thirty-two stations, some of them missing.
    static func hours(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: ["station", "year", "month", "day", "hour", "PM2.5", "PM10", "SO2", "NO2", "CO", "O3", "气温", "风速"])
        for index in 0..<32 {
            let code = station(index).code
            var fine = random.int(20...60)
            for day in 0..<80 {
                let date = CalendarDate(demo: 2025, 280 + day)
                for hour in 0..<24 {
                    fine = max(3, min(300, fine + random.int(-8...8)))
                    let missing = random.chance(1)
                    func value(_ text: String) -> String { missing ? "NA" : text }
                    let sun = max(0, 7 - abs(14 - hour))
                    table.add([
                        code, "\(date.year)", "\(date.month)", "\(date.day)", "\(hour)", value("\(fine)"), value("\(fine + random.int(5...60))"), value("\(random.int(2...20))"), value("\(random.int(5...60))"),
                        value("0.\(random.int(2...9))"), value("\(20 + sun * 12 + random.int(0...15))"), "\(4 + sun).\(random.int(0...9))", "\(random.int(0...5)).\(random.int(0...9))",
                    ])
                }
            }
        }
        return table
    }

    /// Without the water class, which follows from what was measured.
    static func samples(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: [
            "省份", "流域", "断面名称", "断面编码", "监测时间", "湖库", "水温", "pH", "溶解氧", "电导率", "浊度", "高锰酸盐指数", "氨氮", "总磷", "总氮", "站点情况",
        ])
        let sections = ["龟都府", "水口", "铁索桥", "三谷庄", "槐子坝", "大岗山", "多功坝", "葫芦坝", "灵关河", "百丈湖"]
        for (index, section) in sections.enumerated() {
            for day in 0..<90 {
                for hour in stride(from: 0, to: 24, by: 4) {
                    let ammonia = random.int(20...600)
                    let oxygen = random.int(560...1100)
                    func thousandths(_ value: Int) -> String { "\(value / 1000)." + String(1000 + value % 1000).dropFirst() }
                    table.add([
                        DemoPlace.province.name, "长江流域", section, "5118W\(100 + index)", "\(CalendarDate(demo: 2025, 270 + day))T\(hour < 10 ? "0" : "")\(hour):00:00+08:00",
                        section == "百丈湖" ? "是" : "否",
                        "\(random.int(8...19)).\(random.int(0...9))", "\(random.int(7...8)).\(random.int(10...90))", DemoAmount(hundredths: oxygen).text,
                        "\(random.int(150...420)).\(random.int(0...9))", "\(random.int(2...60)).\(random.int(0...9))", "\(random.int(1...3)).\(random.int(0...9))", thousandths(ammonia),
                        thousandths(random.int(8...180)), thousandths(random.int(300...2400)), "正常",
                    ])
                }
            }
        }
        return table
    }

    static func cases(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: [
            "案件编号", "行政区划", "当事人类型", "当事单位名称", "统一社会信用代码", "当事人姓名", "违法类型", "违法事实", "处罚依据", "处罚种类", "罚款金额", "决定书文号", "决定日期", "决定机关", "失信程度", "整改期限",
            "整改情况", "整改完成日期", "公示开始", "最短公示至", "最长公示至", "信用修复",
        ])
        let kinds = [
            ("未批先建", "建设项目环境影响评价文件未经批准，擅自开工建设"), ("超标排放水污染物", "外排废水化学需氧量超过许可排放浓度"), ("不正常运行治污设施", "喷淋塔停运，废气未经处理直接排放"), ("危险废物贮存不规范", "危险废物贮存场所未设置识别标志"),
        ]
        let trades = ["建材有限公司", "农业科技有限公司", "石材厂", "纸业有限公司", "矿业有限公司", "养殖场"]
        for number in 1...900 {
            let place = random.pick(DemoPlace.counties)
            let kind = random.pick(kinds)
            let decided = CalendarDate(demo: 2024 + number % 2, random.int(0...330))
            let published = decided.adding(days: random.int(1...7))
            let mended = random.chance(60)
            let severe = random.chance(20)
            let person = random.chance(10)
            table.add([
                "雅环案〔\(decided.year)〕\(number)", place.code, person ? "个人" : "单位", person ? "" : "\(place.name)\(random.pick(DemoPlace.villages))\(random.pick(trades))",
                person ? "" : DemoPlace.creditCode(number + 5000, in: place.code), person ? random.pick(surnamesOfCases) : "", kind.0, kind.1,
                decided >= CalendarDate(demo: 2026, 226) ? "生态环境法典" : "环境保护法第六十一条", "罚款", DemoAmount(hundredths: random.int(10...900) * 100_000).text,
                "川环法雅罚字〔\(decided.year)〕\(number)号", decided.description, "雅安市\(place.name)生态环境局", severe ? "严重" : "一般", decided.adding(days: 60).description,
                mended ? "已整改" : "整改中", mended ? decided.adding(days: random.int(10...59)).description : "", published.description,
                published.adding(days: severe ? 365 : 90).description, published.adding(days: severe ? 1095 : 365).description, "none",
            ])
        }
        return table
    }

    private static let surnamesOfCases = ["王某强", "李某", "张某华", "陈某军", "杨某"]
}
