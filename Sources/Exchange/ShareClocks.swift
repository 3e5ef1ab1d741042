public import Model
public import WorkCalendar

/// How long each step of sharing may take, and where that stands.
public struct ShareClocks: Sendable, Hashable {
    /// One clock's length and its source.
    public struct Rule: Sendable, Hashable {
        public var workingDays: Int
        public var source: LocalizedText

        public init(workingDays: Int, source: LocalizedText) {
            self.workingDays = workingDays
            self.source = source
        }
    }

    public private(set) var rules: [ShareClock: Rule]
    /// Minutes after midnight at which business ends (Civil Code, article 203).
    public var closing = 18 * 60

    /// 政务数据共享条例 (State Council Order 809, in force 2025-08-01), and rules of our own where it is silent.
    public init() {
        let own = LocalizedText(zh: "本系统规则，条例未规定期限", en: "a rule of this program: the Regulations set no limit")
        rules = [
            .answer: Rule(workingDays: 10, source: LocalizedText(zh: "《政务数据共享条例》第二十一条", en: "Regulations on Government Data Sharing (Order 809), article 21")),
            .delivery: Rule(workingDays: 20, source: LocalizedText(zh: "《政务数据共享条例》第二十二条", en: "Regulations on Government Data Sharing (Order 809), article 22")),
            .supplement: Rule(workingDays: 10, source: own), .negotiation: Rule(workingDays: 10, source: own), .decision: Rule(workingDays: 10, source: own),
            .disposal: Rule(workingDays: 10, source: own),
            .correction: Rule(workingDays: 10, source: LocalizedText(zh: "《政务数据共享条例》第二十六条", en: "Regulations on Government Data Sharing (Order 809), article 26")),
            .referral: Rule(workingDays: 10, source: LocalizedText(zh: "《政务数据共享条例》第二十六条", en: "Regulations on Government Data Sharing (Order 809), article 26")),
        ]
    }

    /// The rules with other lengths.
    ///
    /// - Parameter text: such as `answer=8,disposal=5`: working days from 1 to 250.
    /// - Throws: ``Malformed``.
    public init(_ text: String) throws(Malformed) {
        self.init()
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            guard pair.count == 2, let clock = ShareClock(rawValue: pair[0]), let days = Int(pair[1]), (1...250).contains(days) else { throw Malformed(part: String(part)) }
            rules[clock]?.workingDays = days
            rules[clock]?.source = LocalizedText(zh: "运行单位设定", en: "set by the operator")
        }
    }

    /// A part of the setting that is none.
    public struct Malformed: Error, CustomStringConvertible {
        public let part: String
        public var description: String {
            "'\(part)' is not a clock and its working days (1 to 250), such as answer=10; clocks: \(ShareClock.allCases.map(\.rawValue).joined(separator: ", "))"
        }
    }

    /// The clock, started at an instant.
    public func start(_ clock: ShareClock, at start: Timestamp, _ calendar: WorkCalendar) -> RunningClock {
        let deadline = calendar.deadline(of: .workingDays(rules[clock]?.workingDays ?? 10), after: start.microseconds, closing: closing)
        return RunningClock(name: clock, startedAt: start, dueAt: Timestamp(microseconds: deadline.at), provisional: deadline.isProvisional)
    }
}
