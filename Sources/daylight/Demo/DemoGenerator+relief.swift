import Model

extension DemoGenerator {
    private static let works: [(type: String, task: String, goal: String)] = [
        ("产业发展", "新建标准化茶园200亩，配套滴灌和生产便道", "新增茶园面积"), ("产业发展", "建设猕猴桃冷链分拣中心一处", "年分拣能力"), ("乡村建设行动", "硬化通组公路，路面宽4.5米", "硬化里程"),
        ("乡村建设行动", "新建农村安全饮水工程，铺设管网", "受益人口"), ("就业", "设置公益性岗位并开展技能培训", "培训人次"), ("易地搬迁后扶", "安置点配套产业厂房建设", "带动户数"),
        ("巩固三保障", "脱贫户住房安全动态监测与维修加固", "维修户数"), ("乡村治理", "推广积分制，建设村级服务中心", "覆盖村数"),
    ]
    private static let surnames = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗"]

    static func projects(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: [
            "项目编号", "年度", "阶段", "项目名称", "项目类型", "行政区划", "实施地点", "实施地点名称", "建设任务", "补助标准", "资金类别", "资金规模", "中央资金", "省级资金", "市级资金", "县级资金",
            "其他资金", "开工日期", "完工日期", "绩效目标", "联农带农机制", "实施单位", "实施单位代码", "责任人", "举报电话", "拨付金额", "实施结果", "检查验收结果", "验收日期", "验收单位", "受益户数", "受益人数",
            "公告公示类型", "公示开始", "公示结束", "批复日期",
        ])
        let stages = ["library", "plan", "implementing", "completed", "accepted"]
        for year in 2021...2025 {
            for (region, place) in DemoPlace.counties {
                for number in 1...150 {
                    let work = random.pick(works)
                    let township = random.pick(DemoPlace.townships)
                    let village = random.pick(DemoPlace.villages)
                    let stage = stages[year < 2024 ? random.int(3...4) : random.int(0...4)]
                    let shares = [random.int(5_000...400_000), random.int(1_000...100_000), random.int(0...40_000), random.int(0...20_000), random.int(0...5_000)]
                    let total = shares.reduce(0, +)
                    let approved = CalendarDate(demo: year, random.int(10...60))
                    let start = approved.adding(days: random.int(20...60))
                    let end = start.adding(days: random.int(60...240))
                    let finished = stage == "completed" || stage == "accepted"
                    let households = random.int(8...260)
                    let quantity = random.int(10...900)
                    table.add([
                        "\(region)\(year)\(String(1000 + number).dropFirst())", "\(year)", stage, "\(place)\(township)镇\(village)村\(work.type)项目", work.type, region,
                        "\(region)\(100 + random.int(0...18))\(200 + random.int(0...30))", "\(township)镇\(village)村", work.task, "按\(random.pick(["户", "亩", "公里", "处"]))补助",
                        "transition", DemoAmount(hundredths: total).text, DemoAmount(hundredths: shares[0]).text, DemoAmount(hundredths: shares[1]).text,
                        DemoAmount(hundredths: shares[2]).text, DemoAmount(hundredths: shares[3]).text, DemoAmount(hundredths: shares[4]).text, start.description, end.description,
                        #"[{"indicator":"\#(work.goal)","target":\#(quantity)}]"#, work.type == "产业发展" ? "土地流转、务工就业和村集体分红" : "",
                        "\(place)\(township)镇人民政府", DemoPlace.creditCode(random.int(1...999_999), in: region, kind: "11"), random.pick(surnames) + "镇长",
                        "0835-\(random.int(2_200_000...2_899_999))", DemoAmount(hundredths: finished ? total * random.int(90...100) / 100 : total * random.int(0...60) / 100).text,
                        finished ? #"[{"indicator":"\#(work.goal)","actual":\#(quantity + random.int(0...9))}]"# : "", stage == "accepted" ? "合格" : "",
                        stage == "accepted" ? end.adding(days: random.int(5...40)).description : "", stage == "accepted" ? place + "农业农村局" : "", "\(households)",
                        "\(households * random.int(2...4))", "公告", start.adding(days: -15).description, start.adding(days: -4).description, approved.description,
                    ])
                }
            }
        }
        return table
    }

    static func distribution(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: ["文号", "级次", "资金名称", "接受地区", "资金类别", "分配方式", "金额", "用途", "下达日期", "公示开始", "公示结束"])
        for year in 2021...2025 {
            for batch in 1...15 {
                let level = ["中央", "省", "市"][batch % 3]
                let issued = CalendarDate(demo: year, batch * 22)
                for (region, _) in DemoPlace.counties {
                    table.add([
                        "雅财农〔\(year)〕\(batch)号", level, "财政衔接推进乡村振兴补助资金", region, "transition", random.pick(["因素法", "项目法"]),
                        DemoAmount(hundredths: random.int(20_000...2_000_000)).text, "巩固拓展脱贫攻坚成果和乡村振兴任务", issued.description, issued.adding(days: 3).description,
                        issued.adding(days: 13).description,
                    ])
                }
            }
        }
        return table
    }
}
