import Foundation
import Model

/// A page of a list, as it is read.
struct ListText<Item: Decodable>: Decodable {
    var data: [Item]
}

/// A share request with its history, where it has one.
struct RequestText: Decodable {
    struct Event: Decodable {
        var event: String
        var department: String?
        var note: String?
        var at: Timestamp
    }

    private let request: ShareRequest
    private let events: [Event]

    private enum CodingKeys: String, CodingKey { case events }

    init(from decoder: any Decoder) throws {
        request = try ShareRequest(from: decoder)
        events = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent([Event].self, forKey: .events) ?? []
    }

    /// One line: what it is, where it stands, who has to act until when.
    func line(in language: Language) -> String {
        var parts = [request.id, request.dataset, request.state.rawValue]
        if let actor = request.actor { parts.append(language == .zh ? "待 \(actor.rawValue) 处理" : "\(actor.rawValue) has to act") }
        if let clock = request.clock { parts.append(language == .zh ? "\(clock.name.rawValue) 期限 \(clock.dueAt)" : "\(clock.name.rawValue) until \(clock.dueAt)") }
        if request.late { parts.append(language == .zh ? "逾期" : "LATE") }
        if let missing = request.receiptsMissing { parts.append(language == .zh ? "欠回执 \(missing.count) 份" : "\(missing.count) receipts missing") }
        if let grant = request.grant { parts.append(language == .zh ? "授权 \(grant)" : "grant \(grant)") }
        return parts.joined(separator: "  ")
    }

    /// The line, the terms and the history.
    func lines(in language: Language) -> String {
        let terms = request.terms
        var lines = [line(in: language)]
        lines.append("  " + (language == .zh ? "\(request.provider) → \(request.receiver)，用途：\(terms.purpose)，至 \(terms.until)" : "\(request.provider) -> \(request.receiver), for: \(terms.purpose), until \(terms.until)"))
        lines.append("  " + terms.fields.joined(separator: ",") + (terms.filter.map { "  \($0)" } ?? ""))
        if let reason = request.reason { lines.append("  " + reason) }
        for event in events { lines.append("  \(event.at)  \(event.event)" + (event.department.map { "  \($0)" } ?? "") + (event.note.map { "  \($0)" } ?? "")) }
        return lines.joined(separator: "\n")
    }
}

extension ShareGrant {
    func line(in language: Language) -> String {
        let end = endedAt.map { language == .zh ? "已于 \($0) 终止" : "ended \($0)" } ?? (language == .zh ? "至 \(terms.until)" : "until \(terms.until)")
        return [id, dataset, "\(provider) -> \(receiver)", end, terms.fields.joined(separator: ","), terms.filter].compactMap(\.self).joined(separator: "  ")
    }
}

/// A department with its keys.
struct DepartmentText: Decodable {
    var uscc: String
    var name: LocalizedText
    var level: String
    var region: String
    var node: String?
    var receiptKeys: [ReceiptKey]
    var signaturesRequired: Bool?

    func line(in language: Language) -> String {
        let standing = receiptKeys.count { $0.revokedAt == nil }
        var parts = [uscc, name.text(in: language), level, region, language == .zh ? "现行公钥 \(standing) 个" : "\(standing) keys"]
        if let node { parts.append(node) }
        if signaturesRequired == true { parts.append(language == .zh ? "写操作须签名" : "writes are signed") }
        return parts.joined(separator: "  ")
    }
}

extension ExchangeOptions {
    /// Shows an answer: as it came with `--json`, else in words.
    func show(_ answer: ExchangeClient.Answer, on terminal: Terminal, _ words: (ExchangeClient.Answer) throws -> String) throws {
        terminal.print(json ? String(decoding: answer.body, as: UTF8.self) : try words(answer))
    }
}

/// Text that is put into an address.
enum PathText {
    static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")) ?? ""
    }
}
