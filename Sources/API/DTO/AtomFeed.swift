import Model
import NIOCore

/// Changes as an Atom feed (RFC 4287), the newest first; older ones on further pages (RFC 5005 section 3).
struct AtomFeed {
    /// The feed's own identifier, a UUID.
    var identifier: String
    var title: String
    /// This page's own address, the first page's, and the next one's.
    var selfPath: String
    var firstPath: String
    var nextPath: String?
    /// What is read at the other end of the feed's subject, such as the dataset.
    var subjectPath: String
    /// When there is no change yet.
    var emptyUpdate: Timestamp
    var changes: [Change]
    var language: Language

    /// The document.
    func document() -> ByteBuffer {
        var text = XMLText(capacity: 1024 + changes.count * 900)
        text.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"\(language.rawValue)\">\n")
        text.element("id", "urn:uuid:\(identifier)")
        text.element("title", title)
        text.element("updated", (changes.first?.changedAt ?? emptyUpdate).description)
        text.raw("<author><name>Daylight</name></author>\n")
        text.link("self", selfPath, type: "application/atom+xml")
        text.link("first", firstPath, type: "application/atom+xml")
        if let nextPath { text.link("next", nextPath, type: "application/atom+xml") }
        text.link("alternate", subjectPath, type: "application/json")
        for change in changes { write(change, to: &text) }
        text.raw("</feed>\n")
        return text.buffer
    }

    private func write(_ change: Change, to text: inout XMLText) {
        text.raw("<entry>\n")
        text.element("id", "urn:uuid:\(change.id)")
        text.element("title", headline(change))
        text.element("updated", change.changedAt.description)
        text.raw("<author>")
        text.element("name", change.departmentName.text(in: language))
        text.raw("</author>\n")
        text.raw("<category term=\"\(change.kind.rawValue)\"/>\n")
        text.link("alternate", change.datasetPath, type: "application/json")
        if change.kind == .release, let version = change.version {
            text.link("related", "\(change.datasetPath)/versions/\(version)", type: "application/json")
            text.link("enclosure", "\(change.datasetPath)/versions/\(version)/data.csv", type: "text/csv")
        }
        text.element("summary", summary(change))
        text.raw("</entry>\n")
    }

    private func headline(_ change: Change) -> String {
        let name = change.title?.text(in: language) ?? change.dataset
        switch (change.kind, language) {
        case (.release, .zh): return "\(name)：发布第 \(change.version ?? 0) 版"
        case (.release, .en): return "\(name): version \(change.version ?? 0) released"
        case (.withdrawal, .zh): return "\(name)：撤回"
        case (.withdrawal, .en): return "\(name): withdrawn"
        case (.description, .zh): return "\(name)：修改描述"
        case (.description, .en): return "\(name): description edited"
        }
    }

    private func summary(_ change: Change) -> String {
        guard let withdrawal = change.withdrawal else {
            return change.revision.map { language == .zh ? "描述第 \($0) 次修订" : "revision \($0) of the description" } ?? headline(change)
        }
        let what: String
        switch (withdrawal.subject, language) {
        case (.dataset, .zh): what = "撤回整个数据资源"
        case (.dataset, .en): what = "the whole dataset"
        case (.version, .zh): what = "撤回第 \(change.version ?? 0) 版"
        case (.version, .en): what = "version \(change.version ?? 0)"
        case (.rows, .zh): what = "撤回部分数据行"
        case (.rows, .en): what = "some rows"
        }
        return what + (language == .zh ? "，理由：" : ": ") + withdrawal.reason.text(in: language)
    }
}

/// Writes XML text into a buffer.
private struct XMLText {
    var buffer: ByteBuffer

    init(capacity: Int) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Text that is XML already.
    mutating func raw(_ text: String) {
        buffer.writeString(text)
    }

    mutating func element(_ name: String, _ text: String) {
        raw("<\(name)>")
        escaped(text)
        raw("</\(name)>\n")
    }

    mutating func link(_ relation: String, _ path: String, type: String) {
        raw("<link rel=\"\(relation)\" type=\"\(type)\" href=\"")
        escaped(path)
        raw("\"/>\n")
    }

    /// Characters that cannot stand in an XML 1.0 document at all (section 2.2) become U+FFFD.
    private mutating func escaped(_ text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": raw("&amp;")
            case "<": raw("&lt;")
            case ">": raw("&gt;")
            case "\"": raw("&quot;")
            case "\t", "\n", "\r", "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"...: raw(String(scalar))
            default: raw("\u{FFFD}")
            }
        }
    }
}
