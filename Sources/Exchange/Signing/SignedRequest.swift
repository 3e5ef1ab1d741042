internal import Crypto
internal import Foundation
public import Model
public import Store
internal import Synchronization

/// A request whose signature was checked.
public struct SignedRequest: Sendable, Hashable {
    /// Who signed.
    public let key: ReceiptKey
    /// What was signed, word for word.
    public let base: String
    /// 64 bytes.
    public let signature: [UInt8]
}

/// What a signature on a call has to be, besides valid.
struct SignatureRules {
    /// How far `created` may be from the server's clock, in seconds.
    static let window = 300

    let signature: MessageSignature
    let request: SignableRequest
    /// Whether the request has a body.
    let hasBody: Bool

    /// What is missing or wrong, each with its part.
    func places(now: Timestamp) -> [Problem.Place] {
        var places: [Problem.Place] = []
        let covered = Set(signature.components)
        func require(_ isGood: Bool, _ part: String, zh: String, en: String) {
            if !isGood { places.append(.init("Signature-Input;\(part)", zh: zh, en: en)) }
        }
        require(covered.contains("@method"), "@method", zh: "签名须覆盖 @method", en: "the signature must cover @method")
        let isWhole = covered.contains("@target-uri") || (covered.contains("@authority") && (covered.contains("@request-target") || (covered.contains("@path") && covered.contains("@query"))))
        require(isWhole, "@target-uri", zh: "签名须覆盖 @target-uri，或 @authority、@path 和 @query", en: "the signature must cover @target-uri, or @authority, @path and @query")
        require(!hasBody || covered.contains("content-digest"), "content-digest", zh: "有请求体时须覆盖 content-digest", en: "with a body, the signature must cover content-digest")
        for name in signature.components where request.value(of: name) == nil {
            require(false, name, zh: "请求中没有 \(name)，或服务器不能识别", en: "the request has no \(name), or it is none that is known here")
        }
        let seconds = Int(now.microseconds / 1_000_000)
        if let created = signature.created {
            require(abs(created - seconds) <= Self.window, "created", zh: "签名时间与服务器时钟相差超过 \(Self.window) 秒；服务器时间为 \(now)", en: "is more than \(Self.window) s away from the server's clock, which shows \(now)")
        } else {
            require(false, "created", zh: "缺少签名时间", en: "is missing")
        }
        if let expires = signature.expires { require(expires >= seconds, "expires", zh: "签名已过期", en: "the signature has expired") }
        require(signature.keyID != nil, "keyid", zh: "缺少签名公钥的编号", en: "is missing: the identifier of a registered key")
        require(signature.algorithm == nil || signature.algorithm == "ed25519", "alg", zh: "只支持 ed25519", en: "only ed25519 is known here")
        let nonce = signature.nonce ?? ""
        require((16...64).contains(nonce.utf8.count), "nonce", zh: "应为 16 至 64 个字符，每次请求不同", en: "must have 16 to 64 characters, and be another one each time")
        return places
    }
}

extension Sharing {
    /// Checks the signature of a call (RFC 9421): what it covers, its age, its key, the signature itself, and that its nonce was not used before.
    ///
    /// - Parameters:
    ///   - input: the field `Signature-Input`.
    ///   - signature: the field `Signature`.
    ///   - body: all of it.
    /// - Throws: `Problem` (`invalidSignature`) naming each part that is wrong.
    public func check(
        input: String?, signature: String?, of request: SignableRequest, body: [UInt8], by member: Member, now: Timestamp = .now
    ) async throws -> SignedRequest {
        guard let input, let signature else {
            throw Self.invalid([.init(input == nil ? "Signature-Input" : "Signature", zh: "两个头须同时给出", en: "is missing: both fields belong together")])
        }
        let read: MessageSignature
        do {
            read = try MessageSignature(input: input, signature: signature)
        } catch {
            let place: Problem.Place =
                switch error {
                case .input: .init("Signature-Input", zh: "应为 RFC 9421 的签名参数", en: "must be signature parameters of RFC 9421")
                case .signature: .init("Signature", zh: "应为同一标签下 64 字节的签名", en: "must have a signature of 64 bytes under the same label")
                case .component(let name): .init("Signature-Input;\(name)", zh: "重复，或带有不支持的参数", en: "stands there twice, or has parameters that are not known here")
                }
            throw Self.invalid([place])
        }
        // Which scheme the sender used is not known behind a proxy; one that differs in it alone is not another request.
        var request = request
        if request.scheme == nil { request.scheme = "https" }
        var places = SignatureRules(signature: read, request: request, hasBody: !body.isEmpty).places(now: now)
        if let digest = request.fields["content-digest"], read.components.contains("content-digest"), ContentDigest.matches(digest, body) != true {
            places.append(.init("Content-Digest", zh: "与请求体不符；支持 sha-256 和 sha-512", en: "is not the body's; sha-256 and sha-512 are known"))
        }
        if !places.isEmpty { throw Self.invalid(places) }
        let keyID = read.keyID ?? ""
        guard let key = try await store.receiptKey(keyID), key.use == .receipt, member.key.department == nil || key.department == member.key.department else {
            throw Self.invalid([.init("Signature-Input;keyid", zh: "不是本部门登记的签名公钥", en: "is no key that the department registered")])
        }
        if let revoked = key.revokedAt {
            throw Self.invalid([.init("Signature-Input;keyid", zh: "该公钥已于 \(revoked) 吊销", en: "the key was revoked at \(revoked)")])
        }
        guard let publicKey = Data(base64Encoded: key.publicKey).flatMap({ try? Curve25519.Signing.PublicKey(rawRepresentation: $0) }) else {
            throw Self.invalid([.init("Signature-Input;keyid", zh: "公钥无法使用", en: "the key cannot be used")])
        }
        if !read.isValid(for: request, by: publicKey), read.components.contains("@target-uri") { request.scheme = "http" }
        guard read.isValid(for: request, by: publicKey), let base = try? read.base(of: request) else {
            throw Self.invalid([.init("Signature", zh: "签名与请求不符", en: "is not a signature of this request by that key")])
        }
        guard try await store.useNonce(read.nonce ?? "", of: key.id) else {
            throw Self.invalid([.init("Signature-Input;nonce", zh: "已经用过；每次请求须用新的", en: "was used before; each request needs another one")])
        }
        return SignedRequest(key: key, base: base, signature: read.signature)
    }

    /// Refuses an unsigned write on behalf of a department that has asked for signatures.
    ///
    /// - Throws: `Problem` (`signatureRequired`).
    public func admitUnsigned(_ member: Member) async throws {
        guard let department = member.key.department else { return }
        if let known = signing.known(department) {
            guard known else { return }
        } else {
            let required = try await store.requiresSignatures(department)
            signing.note(department, required)
            guard required else { return }
        }
        throw Problem(
            .signatureRequired, zh: "该部门要求写操作必须签名（RFC 9421，Signature-Input 和 Signature 头）",
            en: "this department wants its writes signed: RFC 9421, the fields Signature-Input and Signature")
    }

    /// Sets whether a department's writes must be signed. Only a signed call sets it, so that nobody locks out a department that has no way to sign; the data
    /// authority may lift it, for one whose keys are lost.
    ///
    /// - Throws: `Problem`: `forbidden`, `signatureRequired`, `departmentNotFound`.
    public func requireSignatures(_ required: Bool, of department: String, by member: Member) async throws -> SigningRule {
        guard member.acts(for: department) || (member.isAuthority && !required) else {
            throw Problem(.forbidden, zh: "密钥 \(member.key.prefix) 不能为该部门设定", en: "the key \(member.key.prefix) does not set this for the department")
        }
        if required, member.signed?.key.department != department {
            throw Problem(.signatureRequired, zh: "请用该部门的签名公钥签名此请求，以证明能够签名", en: "sign this very call by a key of the department, to show that it can")
        }
        let rule = try await store.requireSignatures(required, of: department, by: member.key.id)
        signing.note(department, required)
        return rule
    }

    private static func invalid(_ places: [Problem.Place]) -> Problem {
        Problem(.invalidSignature, zh: "请求签名无效", en: "the request's signature does not hold", places: places)
    }
}

/// Which departments want their writes signed, as it was read within the last second: another node's change is seen that much later.
final class SigningRules: Sendable {
    private let kept = Mutex<[String: (required: Bool, until: ContinuousClock.Instant)]>([:])

    func known(_ department: String) -> Bool? {
        kept.withLock { kept in
            guard let rule = kept[department], rule.until > .now else { return nil }
            return rule.required
        }
    }

    func note(_ department: String, _ required: Bool) { kept.withLock { $0[department] = (required, .now + .seconds(1)) } }
}
