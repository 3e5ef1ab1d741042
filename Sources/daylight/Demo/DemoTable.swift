import Model

/// Rows on their way to a CSV file.
struct DemoTable {
    private var bytes: [UInt8] = []
    private(set) var rowCount = 0

    init(header: [String]) { line(header) }

    var csv: [UInt8] { bytes }

    mutating func add(_ values: [String]) {
        line(values)
        rowCount += 1
    }

    private mutating func line(_ values: [String]) {
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            if value.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A }) {
                bytes.append(0x22)
                for byte in value.utf8 {
                    if byte == 0x22 { bytes.append(0x22) }
                    bytes.append(byte)
                }
                bytes.append(0x22)
            } else {
                bytes.append(contentsOf: value.utf8)
            }
        }
        bytes.append(0x0A)
    }
}

/// An amount counted in hundredths, so that sums are exact.
struct DemoAmount {
    var hundredths: Int

    /// For example `-12.05`.
    var text: String {
        let whole = abs(hundredths) / 100
        let rest = abs(hundredths) % 100
        return (hundredths < 0 ? "-" : "") + "\(whole)." + (rest < 10 ? "0\(rest)" : "\(rest)")
    }
}

extension CalendarDate {
    func adding(days: Int) -> CalendarDate { CalendarDate(daysSince1970: daysSince1970 + days) }

    init(demo year: Int, _ dayOfYear: Int) {
        self.init(daysSince1970: (CalendarDate(year: year, month: 1, day: 1)?.daysSince1970 ?? 0) + dayOfYear)
    }
}

/// Divisions of the demonstration (GB/T 2260): one city and its districts and counties.
enum DemoPlace {
    static let city = (code: "511800", name: "雅安市")
    static let province = (code: "510000", name: "四川省")
    static let counties: [(code: String, name: String)] = [
        ("511802", "雨城区"), ("511803", "名山区"), ("511822", "荥经县"), ("511823", "汉源县"), ("511824", "石棉县"), ("511825", "天全县"), ("511826", "芦山县"),
        ("511827", "宝兴县"),
    ]
    static let townships = ["青江", "多营", "碧峰", "望鱼", "蒙顶山", "百丈", "龙苍沟", "花滩", "九襄", "清溪", "美罗", "回隆", "始阳", "仁义", "龙门", "飞仙关", "灵关", "硗碛"]
    static let villages = ["红星", "合江", "沙坪", "新和", "前进", "大河", "青龙", "凤鸣", "石桥", "中坝", "高岗", "水津", "双溪", "和平", "永兴", "团结"]

    /// A credit code of an invented organisation, with a right check character.
    static func creditCode(_ number: Int, in region: String, kind: String = "91") -> String {
        let digits = String(number % 100_000_000)
        let serial = "MA" + String(repeating: "0", count: 7 - min(7, digits.count)) + digits.suffix(7)
        return Identifiers.creditCode(body: kind + region + serial) ?? ""
    }
}
