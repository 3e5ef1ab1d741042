import Model
import Store

/// Why something of another node is not taken.
enum MirrorFault: Error {
    /// It does not answer, or not as a node does; the next turn may go better.
    case unreachable(LocalizedText)
    /// Its ledger contradicts itself, or what it showed before: nothing of it is believed.
    case ledger(LocalizedText)
    /// One dataset is not taken.
    case dataset(HomeTrouble.Kind, version: Int?, LocalizedText)

    static func unreachable(zh: String, en: String) -> MirrorFault { .unreachable(LocalizedText(zh: zh, en: en)) }
    static func ledger(zh: String, en: String) -> MirrorFault { .ledger(LocalizedText(zh: zh, en: en)) }
    static func lie(version: Int?, zh: String, en: String) -> MirrorFault { .dataset(.lie, version: version, LocalizedText(zh: zh, en: en)) }
    static func unfit(version: Int?, zh: String, en: String) -> MirrorFault { .dataset(.unfit, version: version, LocalizedText(zh: zh, en: en)) }
    static func taken(zh: String, en: String) -> MirrorFault { .dataset(.taken, version: nil, LocalizedText(zh: zh, en: en)) }
}
