public import Model
internal import Store

/// What a department asks for.
public struct ShareDraft: Sendable, Decodable {
    public var dataset: String
    /// On whose behalf; the key's department where it is nil.
    public var receiver: String?
    public var fields: [String]
    public var filter: String?
    public var purpose: String
    public var legalBasis: String
    public var scenario: String
    public var method: ShareMethod
    public var until: Timestamp
    public var note: String?
}

/// What somebody decides about a request. Members that a decision has no use for are refused.
public struct ShareDecision: Sendable, Decodable {
    public var decision: ShareLifecycle.Event
    public var note: String?
    public var fields: [String]?
    public var filter: String?
    public var until: Timestamp?
    public var purpose: String?
    public var legalBasis: String?
    public var scenario: String?
    /// How much may be read in a time.
    public var rate: ShareRate?

    public init(_ decision: ShareLifecycle.Event, note: String? = nil) {
        self.decision = decision
        self.note = note
    }

    /// Finds what is missing and what does not belong.
    func check() throws {
        var places: [Problem.Place] = []
        let supplements = decision == .supplement
        for (name, isGiven, belongs) in [
            ("fields", fields != nil, decision == .accept || supplements), ("filter", filter != nil, decision == .accept || supplements),
            ("until", until != nil, decision == .accept || decision == .extend || supplements), ("purpose", purpose != nil, supplements),
            ("legal_basis", legalBasis != nil, supplements), ("scenario", scenario != nil, supplements), ("rate", rate != nil, decision == .accept),
        ] where isGiven && !belongs {
            places.append(.init("/\(name)", zh: "决定 \(decision.rawValue) 不带此项", en: "does not belong to the decision \(decision.rawValue)"))
        }
        if decision.sender == nil { places.append(.init("/decision", zh: "不能由人作出", en: "nobody can decide that")) }
        if decision.needsReason { ShareText.check(note, "/note", &places, required: true) } else { ShareText.check(note, "/note", &places, required: false) }
        rate?.check(&places)
        if decision == .extend, until == nil { places.append(.init("/until", zh: "请写明延长到何时", en: "say until when")) }
        if !places.isEmpty { throw Problem(.invalidShareRequest, zh: "决定不完整", en: "the decision is incomplete", places: places) }
    }
}

/// Texts that people write into requests.
enum ShareText {
    static let longest = 2000

    static func check(_ text: String?, _ place: String, _ places: inout [Problem.Place], required: Bool) {
        if required, (text ?? "").allSatisfy(\.isWhitespace) { places.append(.init(place, zh: "请写明", en: "must not be empty")) }
        if let text, text.count > longest { places.append(.init(place, zh: "不得超过 \(longest) 个字符", en: "at most \(longest) characters")) }
    }
}

/// Holds what is asked for, or given, against the dataset.
struct TermsCheck {
    let subject: ShareSubject
    let schema: TableSchema
    var collected: [Problem.Place] = []

    init(_ subject: ShareSubject, _ schema: TableSchema) {
        self.subject = subject
        self.schema = schema
    }

    /// Fields that can be shared, the primary key among them.
    mutating func check(fields: [String]) {
        let names = ShareSchema.fields(schema).map(\.name)
        if fields.isEmpty { collected.append(.init("/fields", zh: "至少一项；可申请：\(names.joined(separator: ", "))", en: "at least one of: \(names.joined(separator: ", "))")) }
        for (index, name) in fields.enumerated().prefix(1000) {
            if !names.contains(name) {
                collected.append(.init("/fields/\(index)", zh: "没有可共享的信息项 \(name.prefix(64))；可申请：\(names.joined(separator: ", "))",
                    en: "no field \(name.prefix(64)) that can be shared; there are: \(names.joined(separator: ", "))"))
            } else if fields[..<index].contains(name) {
                collected.append(.init("/fields/\(index)", zh: "\(name) 出现了两次", en: "\(name) stands there twice"))
            }
        }
        let missing = schema.primaryKey.filter { !fields.contains($0) }
        if !missing.isEmpty, !fields.isEmpty {
            let list = missing.joined(separator: ", ")
            collected.append(.init("/fields", zh: "须包含主键 \(list)：变更按主键告知", en: "must have the primary key, \(list): changes are told by key"))
        }
    }

    /// Reads a filter; nil for none.
    mutating func predicate(_ filter: String?, place: String = "/filter") -> Predicate? {
        guard let filter else { return nil }
        do {
            return try FilterLanguage.text.predicate(filter, fields: ShareSchema.queryable(schema))
        } catch {
            let message = error.message
            collected.append(.init(place, zh: "第 \(error.place) 个字符：\(message.zh)", en: "character \(error.place): \(message.text(in: .en))"))
            return nil
        }
    }

    mutating func check(until: Timestamp, now: Timestamp, years: Int) {
        let longest = Timestamp(microseconds: now.microseconds + Int64(years) * 366 * 86_400_000_000)
        if until <= now { collected.append(.init("/until", zh: "应晚于当前时间", en: "must lie ahead")) }
        if until > longest { collected.append(.init("/until", zh: "期限最长 \(years) 年，到期可续", en: "at most \(years) years ahead; it can be extended then")) }
    }

    mutating func check(_ text: String?, _ place: String) { ShareText.check(text, place, &collected, required: true) }

    mutating func add(_ place: Problem.Place) { collected.append(place) }

    func finish() throws {
        if !collected.isEmpty { throw Problem(.invalidShareRequest, zh: "共享申请有误", en: "the request has mistakes", places: collected) }
    }
}
