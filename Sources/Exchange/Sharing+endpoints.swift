internal import Foundation
public import Model
internal import RateLimit
internal import Store

/// Where a department wants to be told, as it says so.
public struct EndpointDraft: Sendable, Decodable {
    public var url: String
    public var label: String
    /// Words of ``Model/ExchangeEventType``; all where it is nil.
    public var events: [String]?
    /// The key's department where it is nil.
    public var department: String?
}

/// What is to be another way; what is nil stays.
public struct EndpointChange: Sendable, Decodable {
    public var url: String?
    public var label: String?
    public var events: [String]?
    /// False for silence, true to begin afresh.
    public var enabled: Bool?
}

/// An endpoint with its secret: shown once.
public struct NewEndpoint: Sendable, Encodable {
    public let endpoint: Endpoint
    public let secret: String

    private enum CodingKeys: String, CodingKey { case secret }

    public func encode(to encoder: any Encoder) throws {
        try endpoint.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(secret, forKey: .secret)
    }
}

extension Sharing {
    /// Registers an address to be told at.
    ///
    /// - Throws: `Problem`: `invalidEndpoint`, `departmentNotFound`, `forbidden`, `tooManyEndpoints`.
    public func addEndpoint(_ draft: EndpointDraft, by member: Member, now: Timestamp = .now) async throws -> NewEndpoint {
        var places: [Problem.Place] = []
        let department = draft.department ?? member.key.department
        if department == nil { places.append(.init("/department", zh: "密钥不属于任何部门，请写明", en: "the access key has no department: name it")) }
        check(url: draft.url, &places)
        ShareText.check(draft.label, "/label", &places, required: true)
        let events = Self.events(draft.events ?? [], &places)
        guard places.isEmpty, let department else { throw Self.invalid(places) }
        try Self.requireEndpoints(of: department, member)
        let endpoint = Endpoint(id: newIdentifier(), department: department, url: draft.url, label: draft.label, events: events, createdAt: now)
        let secret = Webhook.newSecret()
        guard try await store.addEndpoint(endpoint, secret: secret, by: member.key.id, most: configuration.mostEndpoints) else {
            throw Problem(
                .tooManyEndpoints, zh: "每个部门最多 \(configuration.mostEndpoints) 个回调地址；请先删除不用的",
                en: "a department may have \(configuration.mostEndpoints) endpoints; remove one that is not needed")
        }
        return NewEndpoint(endpoint: try await self.endpoint(endpoint.id, for: member), secret: Webhook.text(of: secret))
    }

    /// One endpoint, for its department and for the authority.
    ///
    /// - Throws: `Problem`: `endpointNotFound`, also where the caller may not know of it.
    public func endpoint(_ id: String, for member: Member) async throws -> Endpoint {
        guard let endpoint = try await store.endpoint(id), member.isAuthority || member.acts(for: endpoint.department) else {
            throw Problem(.endpointNotFound, zh: "没有编号为 \(id.prefix(64)) 的回调地址", en: "there is no endpoint \(id.prefix(64))")
        }
        return endpoint
    }

    /// Endpoints that the caller may see, the oldest first.
    public func endpoints(for member: Member, after last: (createdAt: Timestamp, id: String)?, limit: Int) async throws -> [Endpoint] {
        try await store.endpoints(of: member.view, after: last, limit: limit)
    }

    /// Changes an endpoint that still is as the caller read it; one that is enabled begins afresh.
    ///
    /// - Returns: nil where it has changed meanwhile.
    public func change(_ endpoint: Endpoint, by change: EndpointChange, member: Member, now: Timestamp = .now) async throws -> Endpoint? {
        try Self.requireEndpoints(of: endpoint.department, member)
        var next = endpoint
        var places: [Problem.Place] = []
        if let url = change.url {
            check(url: url, &places)
            next.url = url
        }
        if let label = change.label {
            ShareText.check(label, "/label", &places, required: true)
            next.label = label
        }
        if let events = change.events { next.events = Self.events(events, &places) }
        if !places.isEmpty { throw Self.invalid(places) }
        let isEnabled = change.enabled ?? (endpoint.state != .disabled)
        guard try await store.changeEndpoint(next, from: endpoint.revision, disabled: isEnabled ? nil : endpoint.disabledReason ?? .owner, at: now) else { return nil }
        return try await self.endpoint(endpoint.id, for: member)
    }

    /// Gives an endpoint another secret. For some time both sign, so that the receiver can take the new one in.
    ///
    /// - Parameter overlap: for how many hours, from 0 to 168; 24 where it is nil.
    public func rotateSecret(of endpoint: Endpoint, overlap: Int? = nil, by member: Member, now: Timestamp = .now) async throws -> NewEndpoint {
        try Self.requireEndpoints(of: endpoint.department, member)
        let overlap = overlap ?? 24
        guard (0...168).contains(overlap) else { throw Self.invalid([.init("/overlap_hours", zh: "应为 0 到 168", en: "must be from 0 to 168")]) }
        let secret = Webhook.newSecret()
        try await store.rotateSecret(ofEndpoint: endpoint.id, to: secret, until: WebhookSchedule.later(now, Int64(overlap) * 3600))
        return NewEndpoint(endpoint: try await self.endpoint(endpoint.id, for: member), secret: Webhook.text(of: secret))
    }

    /// Removes an endpoint that still is as the caller read it, with all that waits for it.
    ///
    /// - Returns: false where it has changed meanwhile.
    public func remove(_ endpoint: Endpoint, by member: Member) async throws -> Bool {
        try Self.requireEndpoints(of: endpoint.department, member)
        return try await store.removeEndpoint(endpoint.id, revision: endpoint.revision)
    }

    /// An endpoint's messages, newest first.
    public func messages(
        of endpoint: Endpoint, _ state: WebhookMessage.State?, before last: (createdAt: Timestamp, id: String)?, limit: Int
    ) async throws -> [WebhookMessage] {
        try await store.messages(of: endpoint.id, state, before: last, limit: limit)
    }

    /// Sends once more what was given up.
    ///
    /// - Parameter messages: which; all that were given up where it is nil.
    /// - Returns: how many wait now.
    public func replay(_ messages: [String]?, of endpoint: Endpoint, by member: Member, now: Timestamp = .now) async throws -> Int {
        try Self.requireEndpoints(of: endpoint.department, member)
        var places: [Problem.Place] = []
        for (index, id) in (messages ?? []).enumerated() where UUID(uuidString: id) == nil {
            places.append(.init("/messages/\(index)", zh: "不是消息编号", en: "is no identifier of a message"))
        }
        if (messages ?? []).count > 1000 { places = [.init("/messages", zh: "一次最多 1000 条", en: "at most 1000 at once")] }
        if endpoint.state == .disabled { places.append(.init("/endpoint", zh: "已停用；请先启用", en: "it is disabled: enable it first")) }
        if !places.isEmpty { throw Self.invalid(places) }
        return try await store.replay(messages, of: endpoint.id, until: WebhookSchedule.later(now, WebhookSchedule.patience))
    }

    /// Tells both sides of deliveries that lack a receipt; to be called every now and then.
    public func remindOfReceipts(at now: Timestamp) async throws { try await store.tellMissingReceipts(at: now, days: Self.receiptAges) }

    /// Days without a receipt after which both are told.
    static let receiptAges = [1, 3, 7, 30]

    private static func requireEndpoints(of department: String, _ member: Member) throws {
        guard member.acts(for: department) else {
            throw Problem(.forbidden, zh: "密钥 \(member.key.prefix) 不能管理该部门的回调地址", en: "the key \(member.key.prefix) does not keep this department's endpoints")
        }
    }

    private static func invalid(_ places: [Problem.Place]) -> Problem { Problem(.invalidEndpoint, zh: "回调地址有误", en: "the endpoint has mistakes", places: places) }

    /// What can be said of an address before its name is resolved; the rest is said when it is connected to.
    private func check(url: String, _ places: inout [Problem.Place]) {
        let isPlainAllowed = !configuration.addresses.allowed.isEmpty
        let parsed = url.utf8.count <= 2000 && url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) ? URL(string: url) : nil
        guard let parsed, let host = parsed.host, !host.isEmpty, parsed.scheme == "https" || (parsed.scheme == "http" && isPlainAllowed), parsed.user == nil, parsed.fragment == nil
        else {
            return places.append(.init(
                "/url", zh: "应为 https 地址，不超过 2000 个 ASCII 字符，不含用户名和片段", en: "must be an https address of at most 2000 ASCII characters, without user and fragment"))
        }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        if let address = IPAddress(bare), !configuration.addresses.permits(address) {
            places.append(.init("/url", zh: "不得指向内部或保留的网络地址", en: "must not lead to an internal or reserved address"))
        }
    }

    private static func events(_ words: [String], _ places: inout [Problem.Place]) -> [ExchangeEventType] {
        let known = ExchangeEventType.allCases.map(\.rawValue).joined(separator: ", ")
        for (index, word) in words.enumerated().prefix(100) where ExchangeEventType(rawValue: word) == nil {
            places.append(.init("/events/\(index)", zh: "没有这种事件；有：\(known)", en: "no such event; there are: \(known)"))
        }
        return ExchangeEventType.allCases.filter { words.contains($0.rawValue) }
    }
}
