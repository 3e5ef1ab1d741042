public import Model

/// What somebody doubts.
public struct CorrectionDraft: Sendable, Decodable {
    public var dataset: String
    /// The version in which the value was seen.
    public var version: Int
    /// The row's key as `/rows/{key}` spells it.
    public var key: String
    public var field: String
    /// What is doubted, and why.
    public var doubt: String
    /// The value that is thought right.
    public var proposed: String?
    public var evidence: Correction.Evidence?

    private static let longestEvidence = 4000
    private static let longestLink = 500
    private static let mostLinks = 5

    /// Finds what is wrong in the words, whatever they are about.
    func check(_ places: inout [Problem.Place]) {
        ShareText.check(doubt, "/doubt", &places, required: true)
        ShareText.check(proposed, "/proposed", &places, required: false)
        if let text = evidence?.text, text.count > Self.longestEvidence {
            places.append(.init("/evidence/text", zh: "不得超过 \(Self.longestEvidence) 个字符", en: "at most \(Self.longestEvidence) characters"))
        }
        let links = evidence?.links ?? []
        if links.count > Self.mostLinks { places.append(.init("/evidence/links", zh: "最多 \(Self.mostLinks) 个", en: "at most \(Self.mostLinks)")) }
        for (index, link) in links.prefix(Self.mostLinks).enumerated() {
            let rest = ["https://", "http://"].first { link.hasPrefix($0) }.map { link.dropFirst($0.count) } ?? ""
            let isAddress = !rest.isEmpty && link.count <= Self.longestLink && link.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            if !isAddress {
                places.append(.init(
                    "/evidence/links/\(index)", zh: "应为 https:// 或 http:// 开头、不超过 \(Self.longestLink) 个字符的地址",
                    en: "must be an address that begins with https:// or http://, of at most \(Self.longestLink) characters"))
            }
        }
    }
}

/// What somebody decides about a correction. Members that a decision has no use for are refused.
public struct CorrectionDecision: Sendable, Decodable {
    public var decision: CorrectionLifecycle.Event
    public var note: String?
    /// The version that mends the value.
    public var version: Int?
    /// To which department it is referred; the authority where it is nil.
    public var department: String?

    public init(_ decision: CorrectionLifecycle.Event, note: String? = nil, version: Int? = nil, department: String? = nil) {
        self.decision = decision
        self.note = note
        self.version = version
        self.department = department
    }

    /// Finds what is missing and what does not belong.
    func check() throws {
        var places: [Problem.Place] = []
        for (name, isGiven, belongs) in [("version", version != nil, decision == .correct), ("department", department != nil, decision == .refer)] where isGiven && !belongs {
            places.append(.init("/\(name)", zh: "决定 \(decision.rawValue) 不带此项", en: "does not belong to the decision \(decision.rawValue)"))
        }
        if decision.senders == nil { places.append(.init("/decision", zh: "不能由人作出", en: "nobody can decide that")) }
        if decision == .correct, version == nil { places.append(.init("/version", zh: "请写明更正此值的版本", en: "name the version that mended the value")) }
        ShareText.check(note, "/note", &places, required: decision == .uphold || decision == .refer)
        if !places.isEmpty { throw Problem(.invalidCorrection, zh: "决定不完整", en: "the decision is incomplete", places: places) }
    }
}
