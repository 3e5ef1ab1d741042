import HTTPTypes
public import Hummingbird
import Model

/// A strong validator of a representation (RFC 9110 section 8.8.3).
public struct EntityTag: Sendable, Hashable {
    /// The tag without its quotes.
    public let opaque: String
    /// As it stands in `ETag`.
    public let field: String

    /// - Parameter opaque: visible ASCII without quotes: a digest, a version number, a revision.
    public init(_ opaque: String) {
        self.opaque = opaque
        field = "\"\(opaque)\""
    }

    /// Whether a list as in `If-Match` or `If-None-Match` names this tag, or any.
    /// - Parameters:
    ///   - list: the field's value.
    ///   - weak: whether `W/"x"` matches `"x"`: so for `If-None-Match`, not for `If-Match` and `If-Range` (RFC 9110 section 8.8.3.2).
    public func isNamed(in list: some StringProtocol, weak: Bool) -> Bool {
        if list == field { return true }
        let quote = UInt8(ascii: "\"")
        for element in Substring(list).utf8.split(separator: UInt8(ascii: ",")) {
            var tag = Self.trimmed(element)
            if tag.elementsEqual("*".utf8) { return true }
            if tag.starts(with: "W/".utf8) {
                guard weak else { continue }
                tag = tag.dropFirst(2)
            }
            if tag.count == opaque.utf8.count + 2, tag.first == quote, tag.last == quote, tag.dropFirst().dropLast().elementsEqual(opaque.utf8) { return true }
        }
        return false
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}

extension Request {
    /// Whether the client already has this representation: `If-None-Match` names its tag, so 304 is the answer to GET and HEAD.
    public func isNotModified(_ tag: EntityTag) -> Bool {
        headers[values: .ifNoneMatch].contains { tag.isNamed(in: $0, weak: true) }
    }

    /// The same of what has a `Last-Modified` too: without `If-None-Match` a time in `If-Modified-Since` counts that it is not after (RFC 9110 section 13.1.3).
    /// - Parameter modified: seconds since 1970.
    public func isNotModified(_ tag: EntityTag, modified: Int) -> Bool {
        guard headers[values: .ifNoneMatch].isEmpty, let field = headers[.ifModifiedSince], let time = WallClock.seconds(httpDate: field) else { return isNotModified(tag) }
        return modified <= time
    }

    /// Whether a `Range` may be honoured: there is no `If-Range`, or it names this representation strongly.
    public func allowsRange(of tag: EntityTag) -> Bool {
        guard let field = headers[.ifRange] else { return true }
        return field != "*" && !field.contains(",") && tag.isNamed(in: field, weak: false)
    }

    /// Whether `If-Match` names a representation, strongly as it must.
    private func isMatch(_ tag: EntityTag) -> Bool { headers[values: .ifMatch].contains { tag.isNamed(in: $0, weak: false) } }

    /// Holds a read against what the client thinks is there: one that goes on with a file must not be given the rest of another (RFC 9110 sections 13.1.1, 13.1.4).
    /// - Parameter modified: what `Last-Modified` says, in seconds since 1970.
    /// - Throws: `preconditionFailed` where `If-Match` does not name this representation, or, without it, `If-Unmodified-Since` names an earlier time.
    public func checkRead(of tag: EntityTag, modified: Int) throws {
        let failed: HTTPField.Name
        if !headers[values: .ifMatch].isEmpty {
            if isMatch(tag) { return }
            failed = .ifMatch
        } else {
            guard let field = headers[.ifUnmodifiedSince], let time = WallClock.seconds(httpDate: field), modified > time else { return }
            failed = .ifUnmodifiedSince
        }
        throw Problem(.preconditionFailed, zh: "内容已变更，\(failed) 不成立；请重新下载", en: "it has changed since, so \(failed) does not hold; download it anew")
    }

    /// Holds a write against the current state, so that no update is lost (RFC 9110 section 13, RFC 6585 section 3).
    /// - Parameter current: tag of what is there, nil when there is nothing yet.
    /// - Throws: `preconditionRequired` without `If-Match` or `If-None-Match`, `preconditionFailed` when it does not hold.
    public func checkWrite(current: EntityTag?) throws {
        let match = headers[values: .ifMatch], noneMatch = headers[values: .ifNoneMatch]
        guard !match.isEmpty || !noneMatch.isEmpty else {
            throw Problem(
                .preconditionRequired,
                zh: current == nil ? "新建须带 If-None-Match: *" : "修改须带 If-Match: 当前的 ETag",
                en: current == nil ? "send If-None-Match: * to create" : "send If-Match with the current ETag to change"
            )
        }
        if !match.isEmpty {
            guard let current, isMatch(current) else {
                throw Problem(
                    .preconditionFailed,
                    zh: current == nil ? "尚不存在，无法匹配 If-Match" : "已被修改，请重新读取后再提交",
                    en: current == nil ? "there is nothing yet that If-Match could match" : "it has changed since; read it again and retry"
                )
            }
        }
        if let current, noneMatch.contains(where: { current.isNamed(in: $0, weak: true) }) {
            throw Problem(.preconditionFailed, zh: "已经存在，If-None-Match 不成立；要修改，请带 If-Match: 当前的 ETag", en: "it exists already, so If-None-Match does not hold; to change it, send If-Match with its current ETag")
        }
    }
}
