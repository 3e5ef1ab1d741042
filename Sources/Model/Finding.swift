/// One thing wrong with one place of a push.
public struct Finding: Sendable, Hashable, Codable {
    public var code: FindingCode
    public var severity: Check.Severity
    /// The physical line of the file on which the record starts, from 1 (the header is line 1); nil where the finding is about the whole set.
    public var line: Int?
    /// The field's name, or the column's as it stands in the file.
    public var field: String?
    /// The value as it came, cut to 200 characters; never the value of a field that is not public.
    public var value: String?
    public var message: LocalizedText

    /// - Parameter arguments: fill the `{0}`, `{1}` … of the code's message.
    public init(_ code: FindingCode, severity: Check.Severity = .error, line: Int?, field: String? = nil, value: String? = nil, _ arguments: String...) {
        self.code = code
        self.severity = severity
        self.line = line
        self.field = field
        self.value = value.map { String($0.prefix(200)) }
        message = code.message(arguments)
    }
}

/// The stable numbered codes of findings, grouped by what is looked at; numbers are never used again.
public enum FindingCode: String, Sendable, Codable, CaseIterable {
    // 1xx: the file
    case invalidCharset = "F100"
    case unterminatedQuote = "F101"
    case textAfterQuote = "F102"
    case bareQuote = "F103"
    case raggedRow = "F104"
    case recordTooLong = "F105"
    case tooManyFields = "F106"
    case nulByte = "F107"
    case emptyFile = "F108"
    case unknownColumn = "F109"
    case missingColumn = "F110"
    case duplicateColumn = "F111"
    case corruptCompression = "F112"
    // 2xx: one value
    case required = "F200"
    case notInteger = "F201"
    case notDecimal = "F202"
    case tooManyDigits = "F203"
    case notBoolean = "F204"
    case notDate = "F205"
    case notDatetime = "F206"
    case notPeriod = "F207"
    case notPoint = "F208"
    case notJSON = "F209"
    case tooLong = "F210"
    case belowMinimum = "F211"
    case aboveMaximum = "F212"
    case patternMismatch = "F213"
    case notInValues = "F214"
    case notInCodeList = "F215"
    case checksum = "F216"
    case personalIdentifier = "F217"
    case controlCharacter = "F218"
    case missingOffset = "F219"
    // 3xx: one row
    case dateOrder = "F300"
    case conditionalRequired = "F301"
    case sumMismatch = "F302"
    case toleranceExceeded = "F303"
    case fieldBelowField = "F304"
    case fieldAboveField = "F305"
    case derivedMismatch = "F306"
    case tooFewDays = "F307"
    // 4xx: the whole set
    case repeatedRow = "F400"
    case repeatedKey = "F401"
    case keyExists = "F402"
    case foreignKey = "F403"
    case hierarchySum = "F404"
    case balance = "F405"
    case notMonotone = "F406"
    case notUnique = "F407"
    case publicityEnded = "F408"
    case publicityBegins = "F409"
    case withdrawnBefore = "F410"

    /// The message with its arguments put in.
    public func message(_ arguments: [String]) -> LocalizedText {
        let (zh, en) = template
        return LocalizedText(zh: fill(zh, arguments), en: fill(en, arguments))
    }

    private func fill(_ template: String, _ arguments: [String]) -> String {
        var text = template
        for (index, argument) in arguments.enumerated() { text = text.replacing("{\(index)}", with: argument) }
        return text
    }

    /// The messages in Chinese and English; `{0}` and `{1}` are filled in.
    public var template: (zh: String, en: String) {
        switch self {
        case .invalidCharset: ("第 {0} 字节处的 {1} 不是有效的 {2} 编码；请在 Content-Type 或映射中注明正确的字符集", "byte {0}: {1} is not valid {2}; name the right charset in Content-Type or in the mapping")
        case .unterminatedQuote: ("引号没有闭合", "the quote that opens here never closes")
        case .textAfterQuote: ("闭合引号之后还有文字；引号内的引号要写成两个", "text follows the closing quote; write a quote inside quotes twice")
        case .bareQuote: ("未加引号的值中出现引号", "a quote stands inside an unquoted value; quote the whole value")
        case .raggedRow: ("这一行有 {0} 列，表头有 {1} 列", "this record has {0} columns, the header has {1}")
        case .recordTooLong: ("记录超过 {0} 字节", "the record is longer than {0} bytes")
        case .tooManyFields: ("列数超过 {0}", "more than {0} columns")
        case .nulByte: ("含有 NUL 字节", "contains a NUL byte")
        case .emptyFile: ("文件没有表头行", "the file has no header record")
        case .unknownColumn: ("表头列“{0}”不是信息项；请在映射中改名或忽略", "column '{0}' is no field; rename or ignore it in the mapping")
        case .missingColumn: ("表头缺少必填信息项“{0}”", "the header lacks the required field '{0}'")
        case .duplicateColumn: ("表头列“{0}”重复", "column '{0}' stands twice in the header")
        case .corruptCompression: ("压缩数据损坏或不完整", "the compressed data is corrupt or cut short")
        case .required: ("必填项为空", "a value is required")
        case .notInteger: ("不是整数", "not an integer")
        case .notDecimal: ("不是十进制数", "not a decimal number")
        case .tooManyDigits: ("超出 {0}：整数最多 {1} 位，小数最多 {2} 位", "does not fit {0}: at most {1} digits before and {2} after the point")
        case .notBoolean: ("不是 true 或 false", "not true or false")
        case .notDate: ("不是日期 YYYY-MM-DD", "not a date YYYY-MM-DD")
        case .notDatetime: ("不是带时区的时间，例如 2026-03-01T08:00:00+08:00", "not a time with offset such as 2026-03-01T08:00:00+08:00")
        case .notPeriod: ("不是期间 YYYY、YYYY-MM 或 YYYY-Qn", "not a period YYYY, YYYY-MM or YYYY-Qn")
        case .notPoint: ("不是“经度,纬度”", "not 'longitude,latitude'")
        case .notJSON: ("不是有效的 JSON", "not valid JSON")
        case .tooLong: ("超过 {0} 个字符", "longer than {0} characters")
        case .belowMinimum: ("小于最小值 {0}", "below the minimum {0}")
        case .aboveMaximum: ("大于最大值 {0}", "above the maximum {0}")
        case .patternMismatch: ("不符合格式 {0}", "does not match {0}")
        case .notInValues: ("不在允许的值中：{0}", "not one of {0}")
        case .notInCodeList: ("代码表 {0} 中没有这个代码", "not in the code list {0}")
        case .checksum: ("校验码错误（{0}）", "wrong check character ({0})")
        case .personalIdentifier: ("疑似身份证号，不得公开", "looks like a citizen's identity number, which must not be published")
        case .controlCharacter: ("含有控制字符", "contains a control character")
        case .missingOffset:
            (
                "时间没有时区；请在值中写明（如 2026-03-01T08:00:00+08:00），或在映射中用 compose_datetime 步骤的 offset 注明",
                "a time without an offset; write it in the value (2026-03-01T08:00:00+08:00), or name it in the mapping by a compose_datetime step with offset"
            )
        case .tooFewDays: ("自 {0} 起只有 {1} 天，至少应为 {2} 天", "{1} days from {0} on, at least {2} are due")
        case .dateOrder: ("{0} 晚于 {1}", "{0} is later than {1}")
        case .conditionalRequired: ("{0} 为 {1} 时必填", "required when {0} is {1}")
        case .sumMismatch: ("分项之和 {0} 不等于合计 {1}", "the parts add up to {0}, the total says {1}")
        case .toleranceExceeded: ("与 {0} 相差 {1}，超出允许值 {2}", "differs from {0} by {1}, more than {2}")
        case .fieldBelowField: ("小于 {0}", "below {0}")
        case .fieldAboveField: ("大于 {0}", "above {0}")
        case .derivedMismatch: ("按公式应为 {0}", "the formula gives {0}")
        case .repeatedRow: ("与第 {0} 行完全相同，只保留一行", "the same as line {0}; kept once")
        case .repeatedKey: ("主键 {0} 与第 {1} 行重复", "key {0} stands on line {1} already")
        case .keyExists: ("主键 {0} 已经发布；追加方式不能修改，请改用 upsert", "key {0} is released already; append cannot change it, use upsert")
        case .foreignKey: ("{0} 中没有这个值", "not in {0}")
        case .hierarchySum: ("下级合计 {0} 与本级 {1} 不等", "the lower level adds up to {0}, this line says {1}")
        case .balance: ("{0}：左方 {1}，右方 {2}，不平衡", "{0}: left side {1}, right side {2} do not balance")
        case .notMonotone: ("时间早于第 {0} 行", "earlier than line {0}")
        case .notUnique: ("{0} 重复，第 {1} 行已有", "{0} is not unique; line {1} has it already")
        case .publicityEnded: ("公示已结束（{0}）：这一行不发布，已公开的随发布撤下", "its publicity has ended ({0}): the row is not released, and leaves where it is public")
        case .publicityBegins: ("{0} 起方可公开；整个报送届时才能发布", "not public before {0}: the push is released then")
        case .withdrawnBefore: ("主键 {0} 已撤回（{1}）", "key {0} was withdrawn ({1})")
        }
    }
}
