internal import CSV
internal import Foundation
internal import Model
internal import Profiles
internal import Store

/// A CSV file of reference data; its header says of which kind.
enum ReferenceFile {
    case codes([String: [Code]])
    case departments([Department])

    static let codeHeader = ["list", "code", "title_zh", "title_en", "parent", "valid_from", "valid_to"]
    static let departmentHeader = ["uscc", "name_zh", "name_en", "level", "region"]
    /// Columns of departments that may follow; what is empty leaves what is known.
    static let moreOfDepartment = ["contact_name", "contact_phone", "contact_email", "node"]
    private static let mostPlaces = 100

    /// - Parameter csv: the whole file, UTF-8.
    /// - Throws: `InvalidDocument`; places are `line:column`.
    init(csv: [UInt8]) throws(InvalidDocument) {
        var records: [(line: Int, values: [String])] = []
        var places: [Problem.Place] = []
        var reader = RecordReader(fieldCount: .asFirstRecord)
        func take(_ record: borrowing Record) -> Flow {
            if let fault = record.fault {
                places.append(Problem.Place("\(record.line)", zh: "CSV 格式错误：\(fault.kind.rawValue)", en: "malformed CSV: \(fault.kind.rawValue)"))
            } else {
                records.append((record.line, (0..<record.count).map { record.string($0).trimmingCharacters(in: .whitespaces) }))
            }
            return places.count < Self.mostPlaces ? .next : .stop
        }
        if String(validating: csv, as: UTF8.self) == nil {
            throw InvalidDocument(places: [Problem.Place("", zh: "不是 UTF-8 编码", en: "not UTF-8")])
        }
        csv.withUnsafeBytes { _ = reader.feed($0, take) }
        reader.finish(take)
        guard let header = records.first?.values else { throw InvalidDocument(places: [Problem.Place("1", zh: "文件为空", en: "the file is empty")]) }
        let rows = records.dropFirst()
        switch header {
        case Self.codeHeader: self = .codes(Self.codes(rows, &places))
        case let header where header.starts(with: Self.departmentHeader) && Self.areMore(header.dropFirst(Self.departmentHeader.count)):
            self = .departments(Self.departments(rows, more: Array(header.dropFirst(Self.departmentHeader.count)), &places))
        default:
            let known = [Self.codeHeader, Self.departmentHeader].map { $0.joined(separator: ",") }, more = Self.moreOfDepartment.joined(separator: ",")
            throw InvalidDocument(places: [
                Problem.Place(
                    "1", zh: "表头应为 \(known.joined(separator: " 或 "))，后者之后可加 \(more)",
                    en: "the header must be \(known.joined(separator: " or ")); any of \(more) may follow the latter")
            ])
        }
        if !places.isEmpty { throw InvalidDocument(places: places) }
    }

    private static func codes(_ rows: ArraySlice<(line: Int, values: [String])>, _ places: inout [Problem.Place]) -> [String: [Code]] {
        var lists: [String: [Code]] = [:]
        var seen: [[String]: Int] = [:]
        for (line, values) in rows {
            let (list, code, title) = (values[0], values[1], values[2])
            if list.wholeMatch(of: /[a-z0-9][a-z0-9-]{0,99}/) == nil {
                places.append(Problem.Place("\(line):list", zh: "应为小写字母、数字和连字符", en: "must be lower-case letters, digits and hyphens"))
            }
            for (column, value) in [("code", code), ("title_zh", title)] where value.isEmpty {
                places.append(Problem.Place("\(line):\(column)", zh: "不得为空", en: "must not be empty"))
            }
            var dates: [CalendarDate?] = []
            for (column, value) in [("valid_from", values[5]), ("valid_to", values[6])] {
                let date = CalendarDate(value)
                if date == nil, !value.isEmpty { places.append(Problem.Place("\(line):\(column)", zh: "应为 YYYY-MM-DD", en: "must be YYYY-MM-DD")) }
                dates.append(date)
            }
            if let from = dates[0], let to = dates[1], to < from {
                places.append(Problem.Place("\(line):valid_to", zh: "早于 valid_from", en: "is earlier than valid_from"))
            }
            if let first = seen.updateValue(line, forKey: [list, code, values[5]]) {
                places.append(Problem.Place("\(line):code", zh: "与第 \(first) 行重复", en: "stands on line \(first) already"))
            }
            lists[list, default: []].append(
                Code(
                    code: code, title: LocalizedText(zh: title, en: values[3].isEmpty ? nil : values[3]), parent: values[4].isEmpty ? nil : values[4],
                    validFrom: dates[0], validTo: dates[1]
                )
            )
        }
        return lists
    }

    private static func areMore(_ columns: ArraySlice<String>) -> Bool { Set(columns).count == columns.count && Set(columns).isSubset(of: moreOfDepartment) }

    private static func departments(_ rows: ArraySlice<(line: Int, values: [String])>, more: [String], _ places: inout [Problem.Place]) -> [Department] {
        var departments: [Department] = []
        var seen: [String: Int] = [:]
        for (line, values) in rows {
            let level = Department.Level(rawValue: values[3])
            if !Identifiers.isCreditCode(values[0]) {
                places.append(Problem.Place("\(line):uscc", zh: "不是有效的统一社会信用代码", en: "not a valid unified social credit code"))
            }
            if values[1].isEmpty { places.append(Problem.Place("\(line):name_zh", zh: "不得为空", en: "must not be empty")) }
            if level == nil {
                let levels = Department.Level.allCases.map(\.rawValue).joined(separator: ", ")
                places.append(Problem.Place("\(line):level", zh: "应为 \(levels) 之一", en: "must be one of \(levels)"))
            }
            if values[4].wholeMatch(of: /[1-9][0-9]{5}/) == nil {
                places.append(Problem.Place("\(line):region", zh: "行政区划代码应为 6 位数字", en: "a division code has 6 digits"))
            }
            if let first = seen.updateValue(line, forKey: values[0]) {
                places.append(Problem.Place("\(line):uscc", zh: "与第 \(first) 行重复", en: "stands on line \(first) already"))
            }
            func value(_ column: String) -> String? {
                more.firstIndex(of: column).map { values[departmentHeader.count + $0] }.flatMap { $0.isEmpty ? nil : $0 }
            }
            let contact = Contact(name: value("contact_name"), phone: value("contact_phone"), email: value("contact_email")), node = value("node").map { ($0, HomeNode.address($0)) }
            if let node, node.1 == nil {
                places.append(
                    Problem.Place("\(line):node", zh: "应为节点地址，如 https://county.example", en: "must be the address of a node, such as https://county.example"))
            }
            departments.append(
                Department(
                    uscc: values[0], name: LocalizedText(zh: values[1], en: values[2].isEmpty ? nil : values[2]), level: level ?? .county, region: values[4],
                    contact: contact == Contact() ? nil : contact, node: node?.1)
            )
        }
        return departments
    }
}
