internal import Foundation
internal import Model

/// Everything that is wrong with a description by itself, all places at once; what needs the database is looked at by `Catalogue`.
struct DescriptionCheck {
    private(set) var places: [Problem.Place] = []

    init(_ description: DatasetDescription) {
        checkTexts(description)
        checkAttributes(description)
        checkNumbers(description)
        checkTimes(description)
        checkContact(description)
        checkShape(description)
    }

    private mutating func add(_ place: String, _ zh: String, _ en: String) { places.append(Problem.Place(place, zh: zh, en: en)) }

    private static func isBlank(_ text: String?) -> Bool { text?.allSatisfy(\.isWhitespace) ?? true }

    /// Refuses what is empty, too long, or holds characters that no text has.
    private mutating func checkText(_ text: String?, _ place: String, limit: Int, required: Bool = false) {
        guard let text else { return }
        if required, Self.isBlank(text) { return add(place, "不得为空", "must not be empty") }
        if text.count > limit { add(place, "最多 \(limit) 个字符，现有 \(text.count) 个", "has at most \(limit) characters, not \(text.count)") }
        if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control && $0 != "\n" && $0 != "\t" }) {
            add(place, "不得含有控制字符", "must not hold control characters")
        }
    }

    private mutating func checkTexts(_ d: DatasetDescription) {
        checkText(d.title.zh, "/title/zh", limit: 200, required: true)
        checkText(d.title.en, "/title/en", limit: 300, required: true)
        checkText(d.abstract.zh, "/abstract/zh", limit: 5000, required: true)
        checkText(d.abstract.en, "/abstract/en", limit: 10_000, required: true)
        if d.keywords.count > 50 { add("/keywords", "最多 50 个关键词", "has at most 50 keywords") }
        for (index, keyword) in d.keywords.prefix(50).enumerated() { checkText(keyword, "/keywords/\(index)", limit: 64, required: true) }
        checkText(d.theme, "/theme", limit: 200, required: true)
        checkText(d.licence, "/licence", limit: 200, required: true)
        checkText(d.dataLevel, "/data_level", limit: 100, required: true)
        checkText(d.standard, "/standard", limit: 200, required: true)
        if d.formats.isEmpty { add("/formats", "至少一种格式，例如 csv", "needs a format, such as csv") }
        if d.formats.count > 20 { add("/formats", "最多 20 种格式", "has at most 20 formats") }
        for (index, format) in d.formats.prefix(20).enumerated() {
            checkText(format, "/formats/\(index)", limit: 32, required: true)
            if format.utf8.contains(UInt8(ascii: ",")) { add("/formats/\(index)", "不得含逗号；每种格式单列一项", "may hold no comma; name each format by itself") }
            if d.formats[..<index].contains(format) { add("/formats/\(index)", "重复", "stands here twice") }
        }
        for (text, place) in [
            (d.shareCondition, "/share_condition"), (d.shareMethod, "/share_method"), (d.openCondition, "/open_condition"), (d.legalBasis, "/legal_basis"),
            (d.reason, "/reason"),
        ] { checkText(text, place, limit: 2000) }
    }

    /// 共享类型, 开放属性 and 公开属性 with what each must be accompanied by (domain.md B1 i–j, State Council Order 711 art. 13–16).
    private mutating func checkAttributes(_ d: DatasetDescription) {
        switch d.shareType {
        case .unconditional: break
        case .conditional:
            if Self.isBlank(d.shareCondition) {
                add("/share_condition", "有条件共享须写明共享条件（用途、范围）", "conditional sharing needs its conditions: purpose and scope")
            }
        case .notShared:
            if !Self.citesLaw(d.shareCondition ?? "") {
                add(
                    "/share_condition", "不予共享须写明法律、行政法规或国务院政策依据，例如《……法》第……条",
                    "data that is not shared needs the law that says so, cited as 《name》 and article"
                )
            }
        }
        if d.openness == .conditional, Self.isBlank(d.openCondition) {
            add("/open_condition", "有条件开放须写明开放条件", "conditional opening needs its conditions")
        }
        if d.disclosure == .withheld {
            if Self.isBlank(d.legalBasis) {
                add("/legal_basis", "不予公开须写明法律依据，例如《政府信息公开条例》第十四条", "withheld data needs its legal basis")
            }
            if Self.isBlank(d.reason) { add("/reason", "不予公开须写明理由", "withheld data needs a reason") }
            if d.openness != .closed { add("/openness", "不予公开的数据，开放属性应为 closed", "withheld data has the openness closed") }
        }
    }

    /// Whether a name stands between 《 and 》.
    private static func citesLaw(_ text: String) -> Bool {
        guard let open = text.firstIndex(of: "《"), let close = text[open...].firstIndex(of: "》") else { return false }
        return text.distance(from: open, to: close) > 1
    }

    private mutating func checkNumbers(_ d: DatasetDescription) {
        if !Identifiers.isCreditCode(d.department) {
            add("/department", "不是有效的统一社会信用代码（GB 32100，18 位，末位为校验码）", "not a valid unified social credit code (GB 32100, 18 characters, the last one checks)")
        }
        if let code = d.resourceCode, code.wholeMatch(of: /[1-3][0-9]{5,30}\/[0-9]{1,20}/) == nil {
            add("/resource_code", "信息资源代码应为“分类码/顺序码”，例如 221211003/1003", "a resource code is class/sequence, such as 221211003/1003")
        }
        if let region = d.region, region.wholeMatch(of: /[1-9][0-9]{5}/) == nil {
            add("/region", "行政区划代码应为 6 位数字（GB/T 2260）", "a division code has 6 digits (GB/T 2260)")
        }
        if d.related.count > 100 { add("/related", "最多 100 个关联资源", "has at most 100 related datasets") }
        for (index, related) in d.related.prefix(100).enumerated()
        where !Identifiers.isDatasetIdentifier(related) && related.wholeMatch(of: /[1-3][0-9]{5,30}\/[0-9]{1,20}/) == nil {
            add("/related/\(index)", "应为数据资源标识或信息资源代码", "must be a dataset's identifier or resource code")
        }
    }

    private mutating func checkTimes(_ d: DatasetDescription) {
        var ends: [String?] = []
        for (text, place) in [(d.temporalFrom, "/temporal_from"), (d.temporalTo, "/temporal_to")] {
            if let text, !Self.isDate(text) { add(place, "应为 YYYY、YYYY-MM 或 YYYY-MM-DD", "must be YYYY, YYYY-MM or YYYY-MM-DD") }
            ends.append(text.flatMap { Self.isDate($0) ? $0 : nil })
        }
        // A year is not later than a day in it: compare as far as both go.
        if let from = ends[0], let to = ends[1], from.prefix(min(from.count, to.count)) > to.prefix(min(from.count, to.count)) {
            add("/temporal_to", "早于 temporal_from", "is earlier than temporal_from")
        }
    }

    private static func isDate(_ text: String) -> Bool {
        switch text.utf8.count {
        case 4: CalendarDate(text + "-01-01") != nil
        case 7: CalendarDate(text + "-01") != nil
        default: CalendarDate(text) != nil
        }
    }

    private mutating func checkContact(_ d: DatasetDescription) {
        guard let contact = d.contact else { return }
        checkText(contact.name, "/contact/name", limit: 100, required: true)
        if let phone = contact.phone {
            if phone.wholeMatch(of: /[0-9+() -]{3,30}/) == nil {
                add("/contact/phone", "应为电话号码，例如 0835-2222222", "must be a telephone number, such as 0835-2222222")
            } else if phone.filter(\.isNumber).wholeMatch(of: /(86)?1[3-9][0-9]{9}/) != nil {
                add("/contact/phone", "应为办公电话，不得为个人手机号", "must be an office's number, not a person's mobile telephone")
            }
        }
        if let email = contact.email, email.wholeMatch(of: /[^@\s]{1,64}@[^@\s]{1,190}/) == nil {
            add("/contact/email", "应为电子邮箱", "must be an e-mail address")
        }
    }

    private mutating func checkShape(_ d: DatasetDescription) {
        switch (d.profile, d.schema) {
        case (nil, nil): add("/schema", "须有 profile（领域规范）或 schema（自有信息项）之一", "needs either a profile or a schema of its own")
        case (.some, .some): add("/schema", "有 profile 时不得另有 schema", "has no place beside a profile")
        default: break
        }
    }
}
