import Model

extension DemoGenerator {
    static func trades(_ random: inout DemoRandom) -> DemoTable {
        var table = DemoTable(header: [
            "统一交易标识码", "信息类别", "序号", "交易分类", "业务环节", "标题", "正文", "行政区划", "招标人", "招标人代码", "代理机构", "中标人", "中标人代码", "采购方式", "金额", "金额单位", "币种", "投标单位数量", "发布时间",
            "结果确定日期", "异议截止时间", "联系人电话",
        ])
        let works = [("A01", "中学教学楼改扩建工程"), ("A02", "市政道路提升改造工程"), ("A03", "农村公路路面改造工程"), ("A07", "灌区续建配套工程"), ("D01", "医疗设备采购项目"), ("D01", "办公设备采购项目")]
        let platform = DemoPlace.creditCode(77, in: DemoPlace.city.code, kind: "12")
        for number in 1...3000 {
            let place = random.pick(DemoPlace.counties)
            let work = random.pick(works)
            let noticed = CalendarDate(demo: 2024 + number % 2, random.int(0...300))
            let code = "\(work.0)\(platform)\(noticed.description.replacing("-", with: ""))\(String(1_000_000 + number).dropFirst())\(number % 10)"
            let title = "\(place.name)\(random.pick(DemoPlace.townships))\(work.1)"
            let owner = place.name + random.pick(["教育局", "交通运输局", "水利局", "人民医院", "住房和城乡建设局"])
            let ownerCode = DemoPlace.creditCode(random.int(1...9999), in: place.code, kind: "11")
            let agency = "四川\(random.pick(DemoPlace.villages))工程咨询有限公司"
            let budget = random.int(300_000...90_000_000)
            let winner = "四川\(random.pick(DemoPlace.townships))建设有限公司"
            let winnerCode = DemoPlace.creditCode(random.int(10_000...99_999), in: "510100")
            let bidders = random.int(3...40)
            let method = work.0.hasPrefix("A") ? "公开招标" : random.pick(["公开招标", "竞争性磋商", "询价"])
            let phone = "0835-\(random.int(2_200_000...2_899_999))"
            func row(_ kind: String, _ seq: Int, stage: String, _ text: String, amount: Int?, day: Int, won: Bool) {
                let date = noticed.adding(days: day)
                table.add([
                    code, kind, "\(seq)", work.0, stage, title + text, "\(title)，招标人为\(owner)，详见附件。", place.code, owner, ownerCode, agency, won ? winner : "", won ? winnerCode : "",
                    method, amount.map { DemoAmount(hundredths: $0).text } ?? "", amount == nil ? "" : "元", "CNY", won ? "\(bidders)" : "", "\(date)T09:30:00+08:00",
                    won ? date.description : "", won ? "\(date.adding(days: 3))T17:00:00+08:00" : "", phone,
                ])
            }
            let area = work.0.hasPrefix("A") ? "01" : "02"
            row("notice", 1, stage: area + "01", "公告", amount: budget * 100, day: 0, won: false)
            if number % 7 == 0 { continue }
            row("award", 1, stage: area == "01" ? "0104" : "0202", "结果公示", amount: budget * random.int(82...99), day: 25, won: true)
            if number % 3 == 0 { row("performance", 1, stage: area == "01" ? "0104" : "0203", "合同公告", amount: budget * 90, day: 40, won: true) }
        }
        return table
    }
}
