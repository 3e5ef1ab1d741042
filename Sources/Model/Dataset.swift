/// 共享类型 (domain.md B1 i1).
public enum ShareType: String, Sendable, Codable, CaseIterable {
    case unconditional, conditional
    case notShared = "not_shared"
}

/// 公开属性 (State Council Order 711; design.md Words).
public enum Disclosure: String, Sendable, Codable, CaseIterable {
    case proactive
    case onRequest = "on_request"
    case withheld
}

/// 开放属性 (domain.md B1 j).
public enum Openness: String, Sendable, Codable, CaseIterable {
    case unconditional, conditional, closed
}

/// 更新周期 (domain.md B1 k, B4).
public enum UpdateCycle: String, Sendable, Codable, CaseIterable {
    case realTime = "real_time"
    case daily, weekly
    case tenDays = "ten_days"
    case monthly, quarterly
    case halfYearly = "half_yearly"
    case yearly, irregular, never
}

/// What happens to a push with bad rows.
public enum PushPolicy: String, Sendable, Codable, CaseIterable {
    /// One error rejects the whole push.
    case strict
    /// Good rows go on; bad rows are kept and can be downloaded.
    case quarantine
}

/// A profile at one version.
public struct ProfileReference: Sendable, Hashable, Codable {
    public var id: String
    /// The newest loaded version where it is nil.
    public var version: Int?

    public init(id: String, version: Int? = nil) {
        self.id = id
        self.version = version
    }
}

/// What a department says about a dataset: the metadata core of 发改高技〔2017〕1272号 and what the law added since (domain.md B1).
public struct DatasetDescription: Sendable, Hashable, Codable {
    /// b 信息资源名称.
    public var title: LocalizedText
    /// f 信息资源摘要.
    public var abstract: LocalizedText
    public var keywords: [String]
    /// e 信息资源提供方代码: the department's unified social credit code.
    public var department: String
    /// c 信息资源代码: `^[1-3]\d{2}\d{3}\d*(/\d+)$`.
    public var resourceCode: String?
    /// a 信息资源分类, as a path of names or codes.
    public var theme: String?
    public var profile: ProfileReference?
    /// The dataset's own data items, where it has no profile.
    public var schema: TableSchema?
    /// g 信息资源格式.
    public var formats: [String]
    /// i 共享类型、条件、方式.
    public var shareType: ShareType
    public var shareCondition: String?
    public var shareMethod: String?
    /// j 开放属性.
    public var openness: Openness
    public var openCondition: String?
    /// 公开属性; `withheld` needs `legalBasis` and `reason`.
    public var disclosure: Disclosure
    public var legalBasis: String?
    public var reason: String?
    /// k 更新周期.
    public var updateCycle: UpdateCycle
    /// l 发布日期.
    public var issued: CalendarDate?
    /// m 关联资源代码: identifiers of related datasets.
    public var related: [String]
    public var licence: String
    /// GB/T 2260 code of the area covered.
    public var region: String?
    /// The time covered, inclusive, as `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    public var temporalFrom: String?
    public var temporalTo: String?
    public var contact: Contact?
    /// 数据分类分级.
    public var dataLevel: String?
    /// The technical standard that the data follow, with its year.
    public var standard: String?
    public var pushPolicy: PushPolicy

    /// For whom its rows are, by what the department says.
    public var audience: Audience { openness == .closed || disclosure == .withheld ? .departments : .public }

    public init(title: LocalizedText, abstract: LocalizedText, department: String, shareType: ShareType, openness: Openness, disclosure: Disclosure, updateCycle: UpdateCycle, licence: String) {
        self.title = title
        self.abstract = abstract
        keywords = []
        self.department = department
        formats = ["csv", "json"]
        self.shareType = shareType
        self.openness = openness
        self.disclosure = disclosure
        self.updateCycle = updateCycle
        related = []
        self.licence = licence
        pushPolicy = .strict
    }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        title = try c.decode(LocalizedText.self, forKey: .title)
        abstract = try c.decode(LocalizedText.self, forKey: .abstract)
        keywords = try c.decodeIfPresent([String].self, forKey: .keywords) ?? []
        department = try c.decode(String.self, forKey: .department)
        resourceCode = try c.decodeIfPresent(String.self, forKey: .resourceCode)
        theme = try c.decodeIfPresent(String.self, forKey: .theme)
        profile = try c.decodeIfPresent(ProfileReference.self, forKey: .profile)
        schema = try c.decodeIfPresent(TableSchema.self, forKey: .schema)
        formats = try c.decodeIfPresent([String].self, forKey: .formats) ?? ["csv", "json"]
        shareType = try c.decode(ShareType.self, forKey: .shareType)
        shareCondition = try c.decodeIfPresent(String.self, forKey: .shareCondition)
        shareMethod = try c.decodeIfPresent(String.self, forKey: .shareMethod)
        openness = try c.decode(Openness.self, forKey: .openness)
        openCondition = try c.decodeIfPresent(String.self, forKey: .openCondition)
        disclosure = try c.decode(Disclosure.self, forKey: .disclosure)
        legalBasis = try c.decodeIfPresent(String.self, forKey: .legalBasis)
        reason = try c.decodeIfPresent(String.self, forKey: .reason)
        updateCycle = try c.decode(UpdateCycle.self, forKey: .updateCycle)
        issued = try c.decodeIfPresent(CalendarDate.self, forKey: .issued)
        related = try c.decodeIfPresent([String].self, forKey: .related) ?? []
        licence = try c.decode(String.self, forKey: .licence)
        region = try c.decodeIfPresent(String.self, forKey: .region)
        temporalFrom = try c.decodeIfPresent(String.self, forKey: .temporalFrom)
        temporalTo = try c.decodeIfPresent(String.self, forKey: .temporalTo)
        contact = try c.decodeIfPresent(Contact.self, forKey: .contact)
        dataLevel = try c.decodeIfPresent(String.self, forKey: .dataLevel)
        standard = try c.decodeIfPresent(String.self, forKey: .standard)
        pushPolicy = try c.decodeIfPresent(PushPolicy.self, forKey: .pushPolicy) ?? .strict
    }
}

/// For whom a dataset's rows are.
public enum Audience: String, Sendable, Codable, CaseIterable {
    case `public`
    /// Closed to the public: only departments that were given a grant read it.
    case departments
}

/// An entry of the catalogue.
public struct Dataset: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable {
        /// Described, nothing released yet: seen only by its department.
        case draft
        case published
        case withdrawn
    }

    /// `^[a-z0-9][a-z0-9-]{1,99}$`; never reused.
    public var id: String
    public var description: DatasetDescription
    public var state: State
    /// Counts every edit of the description or mapping; the entity tag of the entry comes from it.
    public var revision: Int
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    /// The newest released version's number, nil before the first.
    public var currentVersion: Int?
    public var audience: Audience = .public

    /// Whether only its department and those who review or oversee may see it.
    public var isHidden: Bool { state == .draft || audience != .public }

    public init(id: String, description: DatasetDescription, state: State, revision: Int, createdAt: Timestamp, updatedAt: Timestamp, currentVersion: Int?) {
        self.id = id
        self.description = description
        self.state = state
        self.revision = revision
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.currentVersion = currentVersion
    }
}
