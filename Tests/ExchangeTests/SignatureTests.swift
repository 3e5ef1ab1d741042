import Crypto
import Foundation
import Model
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// HTTP Message Signatures: the vectors of RFC 9421, and what this exchange asks of a signature besides.
@Suite struct SignatureTests {
    // MARK: RFC 9421, appendix B

    /// The request of appendix B.2.
    private static let request = SignableRequest(
        method: "POST", authority: "example.com", path: "/foo", query: "param=Value&Pet=dog", scheme: "https",
        fields: [
            "host": "example.com", "date": "Tue, 20 Apr 2021 02:07:55 GMT", "content-type": "application/json", "content-length": "18",
            "content-digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ])

    /// `test-key-ed25519` of appendix B.1.4.
    private static func key() throws -> Curve25519.Signing.PrivateKey {
        let der = try #require(Data(base64Encoded: "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"))
        return try Curve25519.Signing.PrivateKey(rawRepresentation: der.suffix(32))
    }

    @Test func theEd25519VectorOfTheStandardHolds() throws {
        let input = #"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#
        let signature = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
        let read = try MessageSignature(input: input, signature: signature)
        #expect(
            try read.base(of: Self.request) == """
                "date": Tue, 20 Apr 2021 02:07:55 GMT
                "@method": POST
                "@path": /foo
                "@authority": example.com
                "content-type": application/json
                "content-length": 18
                "@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"
                """)
        let publicKey = try #require(Data(base64Encoded: "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")).suffix(32)
        #expect(read.isValid(for: Self.request, by: try Curve25519.Signing.PublicKey(rawRepresentation: publicKey)))
        #expect(try Self.key().publicKey.rawRepresentation == publicKey)
        var other = Self.request
        other.path = "/fop"
        #expect(!read.isValid(for: other, by: try Self.key().publicKey))
        // Ed25519 gives one signature: ours is that of the standard.
        let made = try MessageSignature(covering: read.components, created: 1_618_884_473, keyID: "test-key-ed25519").signed(Self.request, with: try Self.key())
        #expect(made.signature.dropFirst(MessageSignature.label.count) == signature.dropFirst("sig-b26".count))
    }

    @Test func theDigestOfTheStandardsBodyHolds() {
        let body = Array(#"{"hello": "world"}"#.utf8)
        #expect(ContentDigest.matches(Self.request.fields["content-digest"] ?? "", body) == true)
        #expect(ContentDigest.matches("sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", body) == true)
        #expect(ContentDigest.field(of: body) == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")
        #expect(ContentDigest.matches("sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:, sha-512=:AAAA:", body) == false)
        #expect(ContentDigest.matches("sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", Array("x".utf8)) == false)
        #expect(ContentDigest.matches("md5=:AAAA:", body) == nil && ContentDigest.matches("sha-256", body) == nil && ContentDigest.matches("", body) == nil)
    }

    @Test func componentsHaveTheValuesOfTheStandard() throws {
        // Sections 2.2.1 to 2.2.7.
        var request = SignableRequest(method: "GET", authority: "WWW.Example.com:443", path: "/path", query: "param=value", scheme: "https", fields: ["x-empty": "", "x-pad": "  a, b "])
        let values = ["@method": "GET", "@target-uri": "https://www.example.com:443/path?param=value", "@authority": "www.example.com", "@scheme": "https", "@request-target": "/path?param=value", "@path": "/path", "@query": "?param=value", "x-empty": "", "x-pad": "a, b"]
        for (name, value) in values { #expect(request.value(of: name) == value, "\(name)") }
        request.query = nil
        request.path = ""
        #expect(request.value(of: "@query") == "?" && request.value(of: "@path") == "/")
        #expect(request.value(of: "@status") == nil && request.value(of: "x-none") == nil)
        request.fields["x-lines"] = "a\nb"
        let injected = MessageSignature(covering: ["x-lines"], created: 1, keyID: "k")
        #expect(throws: MessageSignature.Malformed.component("x-lines")) { try injected.base(of: request) }
    }

    @Test(arguments: [
        "", "sig1", "sig1=", "sig1=()", "sig1=(", "sig1=(\"@method\"", "sig1=(@method);created=1", "sig1=(\"@method\"\"@path\")", "sig1=(\"@method\";req)", "sig1=(\"@method\" \"@method\")",
        "sig1=(\"Date\")", "sig1=(\"@method\"),", "sig1=:AAAA:", "sig1=(\"a\u{7F}\")", "=(\"@method\")", "sig1=(\"@method\");created=99999999999999999999",
    ])
    func malformedParametersAreRefused(input: String) {
        let signature = "sig1=:\(Data(repeating: 1, count: 64).base64EncodedString()):"
        if input == "sig1=()" {
            #expect((try? MessageSignature(input: input, signature: signature))?.components == [])
        } else {
            #expect(throws: MessageSignature.Malformed.self) { try MessageSignature(input: input, signature: signature) }
        }
        for wrong in ["", "sig1=:AAAA:", "sig2=:\(Data(repeating: 1, count: 64).base64EncodedString()):", "sig1=\"text\""] {
            #expect(throws: MessageSignature.Malformed.self) { try MessageSignature(input: "sig1=(\"@method\")", signature: wrong) }
        }
    }

    @Test func oneSpellingIsSigned() throws {
        let signature = "b=:\(Data(repeating: 1, count: 64).base64EncodedString()):, daylight=:\(Data(repeating: 2, count: 64).base64EncodedString()):"
        let read = try MessageSignature(input: #"b=("@path"), daylight=(  "@method"   "x-a" );created=01;  keyid="a\"b";flag;tag=tok"#, signature: signature)
        #expect(read.input == #"("@method" "x-a");created=1;keyid="a\"b";flag;tag=tok"# && read.signature.first == 2)
    }

    // MARK: What the exchange asks for

    /// A signed call, and what its sender may have done to it.
    private struct Call {
        var request = SignableRequest(
            method: "POST", authority: "data.example:8080", path: "/v1/exchange/receipts", query: nil,
            fields: ["content-type": "application/json", "content-digest": ContentDigest.field(of: Array("{}".utf8))])
        var body = Array("{}".utf8)
        var covered = ["@method", "@authority", "@path", "@query", "content-digest"]
        var created = Int(Date().timeIntervalSince1970)
        var keyID: String
        var nonce: String? = UUID().uuidString
        var signer: Curve25519.Signing.PrivateKey
        var algorithm: String? = "ed25519"
        /// Done to the request after it was signed.
        var tampering: (inout Call) -> Void = { _ in }

        func send(_ desk: Desk, as member: Member? = nil) async throws -> SignedRequest {
            let signed = try MessageSignature(covering: covered, created: created, keyID: keyID, nonce: nonce, algorithm: algorithm).signed(request, with: signer)
            var sent = self
            tampering(&sent)
            return try await desk.sharing.check(input: signed.input, signature: signed.signature, of: sent.request, body: sent.body, by: member ?? desk.receiver)
        }
    }

    private static func with(_ body: (Desk, Call, ReceiptKey) async throws -> Void) async throws {
        try await Desk.with { desk in
            let key = try await desk.sharing.register(desk.signer.publicKey.rawRepresentation.base64EncodedString(), label: "test", department: nil, by: desk.receiver)
            try await body(desk, Call(keyID: key.id, signer: desk.signer), key)
        }
    }

    private static func places(_ work: () async throws -> Void) async -> [String] {
        do {
            try await work()
            return []
        } catch let problem as Problem where problem.code == .invalidSignature {
            return problem.places.map(\.place)
        } catch {
            return ["\(error)"]
        }
    }

    @Test func aGoodSignatureIsTakenOnce() async throws {
        try await Self.with { desk, call, key in
            let signed = try await call.send(desk)
            #expect(signed.key.id == key.id && signed.base.hasPrefix("\"@method\": POST\n\"@authority\": data.example:8080\n") && signed.signature.count == 64)
            #expect(await Self.places { _ = try await call.send(desk) } == ["Signature-Input;nonce"])
            var whole = call
            whole.nonce = UUID().uuidString
            whole.covered = ["@method", "@target-uri", "content-digest"]
            // Which scheme a proxy has is not known here: either is taken.
            for scheme in ["https", "http"] {
                whole.nonce = UUID().uuidString
                whole.request.scheme = scheme
                whole.tampering = { $0.request.scheme = nil }
                #expect(try await whole.send(desk).base.contains("\(scheme)://data.example:8080/v1/exchange/receipts"))
            }
        }
    }

    @Test func eachWrongPartIsNamed() async throws {
        try await Self.with { desk, call, _ in
            let wrongs: [(String, (inout Call) -> Void)] = [
                ("Signature-Input;created", { $0.created -= 301 }), ("Signature-Input;created", { $0.created += 400 }), ("Signature-Input;nonce", { $0.nonce = nil }),
                ("Signature-Input;nonce", { $0.nonce = "short" }), ("Signature-Input;nonce", { $0.nonce = String(repeating: "n", count: 65) }), ("Signature-Input;alg", { $0.algorithm = "hmac-sha256" }),
                ("Signature-Input;@method", { $0.covered.removeFirst() }), ("Signature-Input;@target-uri", { $0.covered.removeAll { $0 == "@query" } }),
                ("Signature-Input;@target-uri", { $0.covered.removeAll { $0 == "@authority" } }), ("Signature-Input;content-digest", { $0.covered.removeLast() }),
                ("Signature-Input;keyid", { $0.keyID = UUID().uuidString.lowercased() }), ("Signature-Input;keyid", { $0.keyID = "not one" }), ("Signature", { $0.signer = Curve25519.Signing.PrivateKey() }),
                ("Signature", { $0.tampering = { $0.request.path = "/v1/exchange/requests" } }), ("Signature", { $0.tampering = { $0.request.query = "limit=1" } }),
                ("Signature", { $0.tampering = { $0.request.method = "PUT" } }), ("Signature", { $0.tampering = { $0.request.authority = "other.example" } }),
                ("Content-Digest", { $0.tampering = { $0.body = Array("[]".utf8) } }),
                ("Signature", { $0.tampering = { call in
                    call.body = Array("[]".utf8)
                    call.request.fields["content-digest"] = ContentDigest.field(of: call.body)
                } }),
                ("Signature-Input;content-digest", { $0.tampering = { $0.request.fields["content-digest"] = nil } }),
            ]
            for (index, (place, change)) in wrongs.enumerated() {
                var wrong = call
                wrong.nonce = UUID().uuidString
                change(&wrong)
                #expect(await Self.places { _ = try await wrong.send(desk) } == [place], "\(index)")
            }
            let rows = try await desk.db.database.execute("SELECT count(*) AS count FROM daylight.signature_nonce")
            #expect(try rows[0].read(Int.self, "count") == 0, "what is refused is not remembered")
            for (input, signature) in [(nil, "daylight=:AAAA:"), ("daylight=()", nil), ("nonsense", "daylight=:AAAA:")] as [(String?, String?)] {
                await expectProblem(.invalidSignature) { _ = try await desk.sharing.check(input: input, signature: signature, of: call.request, body: call.body, by: desk.receiver) }
            }
        }
    }

    @Test func keysOfOthersAndRevokedOnesDoNotSign() async throws {
        try await Self.with { desk, call, key in
            #expect(await Self.places { _ = try await call.send(desk, as: desk.provider) } == ["Signature-Input;keyid"])
            _ = try await desk.sharing.revoke(key: key.id, reason: "lost", by: desk.receiver)
            #expect(await Self.places { _ = try await call.send(desk) } == ["Signature-Input;keyid"])
        }
    }

    @Test func whoeverAsksForSignaturesGetsNoUnsignedWrites() async throws {
        try await Self.with { desk, call, key in
            try await desk.sharing.admitUnsigned(desk.receiver)
            // Asked for by a call that is not signed itself, nobody could be sure that one can be.
            await expectProblem(.signatureRequired) { _ = try await desk.sharing.requireSignatures(true, of: key.department, by: desk.receiver) }
            var member = desk.receiver
            member.signed = try await call.send(desk)
            await expectProblem(.forbidden) { _ = try await desk.sharing.requireSignatures(true, of: key.department, by: desk.provider) }
            #expect(try await desk.sharing.requireSignatures(true, of: key.department, by: member).required)
            await expectProblem(.signatureRequired) { try await desk.sharing.admitUnsigned(desk.receiver) }
            try await desk.sharing.admitUnsigned(desk.provider)
            #expect(try await desk.sharing.departments(after: nil, limit: 10).map(\.signaturesRequired).count { $0 } == 1)
            // The authority can lift it, and not set it.
            await expectProblem(.forbidden) { _ = try await desk.sharing.requireSignatures(true, of: key.department, by: desk.authority) }
            #expect(try await !desk.sharing.requireSignatures(false, of: key.department, by: desk.authority).required)
            try await desk.sharing.admitUnsigned(desk.receiver)
        }
    }

    @Test func noncesAreForgottenWhenTheirTimeIsOver() async throws {
        try await Self.with { desk, call, _ in
            _ = try await call.send(desk)
            await desk.sharing.sweep(at: .now)
            #expect(try await desk.db.database.execute("SELECT FROM daylight.signature_nonce").count == 1)
            try await desk.db.database.execute("UPDATE daylight.signature_nonce SET used_at = now() - interval '16 minutes'")
            await desk.sharing.sweep(at: .now)
            #expect(try await desk.db.database.execute("SELECT FROM daylight.signature_nonce").count == 0)
        }
    }

    // MARK: Statements

    @Test func aDeliveryIsSignedForByItsServerWithTheCallThatAskedForIt() async throws {
        let signer = try #require(StatementSigner(ledgerSeed: Array(repeating: 7, count: 32)))
        #expect(StatementSigner(ledgerSeed: []) == nil)
        try await Desk.with(shareType: .conditional, rows: Desk.rows, { $0.statements = signer }) { desk in
            let grant = try await desk.granted()
            let key = try await desk.sharing.register(desk.signer.publicKey.rawRepresentation.base64EncodedString(), label: "test", department: nil, by: desk.receiver)
            var call = Call(keyID: key.id, signer: desk.signer)
            call.request = SignableRequest(method: "GET", authority: "data.example", path: "/v1/exchange/grants/\(grant.id)/data.csv", query: nil, fields: ["daylight-purpose": "test"])
            call.body = []
            call.covered = ["@method", "@authority", "@path", "@query", "daylight-purpose"]
            var member = desk.receiver
            member.signed = try await call.send(desk)
            let open = try await desk.sharing.state(by: grant.id, for: member, purpose: "test", version: nil), delivery = try #require(open.delivery)
            await expectProblem(.deliveryNotFound) { _ = try await desk.sharing.statement(of: delivery.id, for: desk.receiver) }
            let text = try await Desk.text(open)
            let signed = try await desk.sharing.statement(of: delivery.id, for: desk.provider), said = signed.statement
            #expect(said.digest == SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined() && said.byteCount == text.utf8.count && said.rowCount == 4)
            #expect(said.receiver == grant.receiver && said.provider == grant.provider && said.toVersion == 1 && said.fromVersion == 0)
            #expect(signed.isValid(by: signer.publicKey) && !signed.isValid(by: key.publicKey))
            // A third party can check the call too.
            let proof = try #require(said.call), base = proof.base
            #expect(base.contains("\"daylight-purpose\": test\n") && proof.publicKey == key.publicKey)
            #expect(desk.signer.publicKey.isValidSignature(try #require(Data(base64Encoded: proof.signature)), for: Data(base.utf8)))
            var forged = signed
            forged.statement.rowCount = 5
            #expect(!forged.isValid(by: signer.publicKey))
            let plain = try await desk.state(grant)
            #expect(plain == text)
            let other = try await Desk.member(desk.db, [.exchange], try await desk.db.addDepartment(5).uscc)
            await expectProblem(.deliveryNotFound) { _ = try await desk.sharing.statement(of: delivery.id, for: other) }
        }
    }
}
