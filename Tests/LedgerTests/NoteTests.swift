import Foundation
import Testing

@testable import Ledger

@Suite struct NoteTests {
    /// The key and note of the documentation of golang.org/x/mod/sumdb/note.
    private static let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    private static let message = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    private static let note =
        message + "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

    @Test func aForeignNoteIsBelievedFromItsKey() throws {
        let verifier = try #require(NoteVerifier(Self.vkey)), note = try #require(SignedNote(Self.note))
        #expect(verifier.description == Self.vkey)
        #expect(note.description == Self.note)
        #expect(note.text == Self.message)
        #expect(note.isSigned(by: verifier))
        let other = try #require(SignedNote(Self.note.replacing("answer", with: "question")))
        #expect(!other.isSigned(by: verifier))
        let stranger = try #require(NoteSigner(name: "PeterNeumann", seed: Array(repeating: 7, count: 32)))
        #expect(!note.isSigned(by: stranger.verifier))
    }

    @Test func keysAreReadInTheirOneSpelling() {
        for text in ["", "a", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+BRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] { #expect(NoteVerifier(text) == nil, "\(text)") }
        for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] { #expect(!NoteVerifier.admits(name)) }
        #expect(NoteSigner(name: "a", seed: [1]) == nil)
    }

    @Test func whatIsSignedIsBelievedAndNoOtherText() throws {
        let signer = try #require(NoteSigner(name: "data.example/ledger", seed: Array(1...32)))
        let checkpoint = Checkpoint(origin: "data.example/ledger", size: 12, head: .leaf([1]))
        let note = try signer.sign(checkpoint.text)
        let again = try #require(SignedNote(note.description))
        #expect(again == note)
        #expect(Checkpoint(again, signedBy: signer.verifier) == checkpoint)
        #expect(try #require(NoteVerifier(signer.verifier.description)) == signer.verifier)
        // Another log under the same key.
        let foreign = try signer.sign(Checkpoint(origin: "other.example", size: 12, head: .leaf([1])).text)
        #expect(Checkpoint(foreign, signedBy: signer.verifier) == nil)
        // A right and a wrong signature of the same key.
        let both = SignedNote(text: note.text, signatures: note.signatures + foreign.signatures)
        #expect(!both.isSigned(by: signer.verifier))
        // Signatures of others, also of kinds that are not known, do no harm.
        let witnessed = SignedNote(text: note.text, signatures: note.signatures + [.init(name: "witness", identifier: [1, 2, 3, 4], signature: [9])])
        #expect(Checkpoint(try #require(SignedNote(witnessed.description)), signedBy: signer.verifier) == checkpoint)
    }

    @Test func whatIsNoNoteIsNone() throws {
        for text in ["", "a", "a\n", "a\n\n", "a\n\n\u{2014} b\n", "a\n\n\u{2014} b AAAA\n", "a\n\n- b AAAAAAAA\n", "a\r\n\n\u{2014} b AAAAAAAA\n", "a\n\n\u{2014} b AAAAAAAA", "a\n\u{2014} b AAAAAAAA\n"] {
            #expect(SignedNote(text) == nil, "\(text.debugDescription)")
        }
        #expect(SignedNote("a\n\n\u{2014} b AAAAAAAA\n") != nil)
        let head = TreeHash.empty.base64
        for text in ["a\n1\n\(head)", "a\n01\n\(head)\n", "a\n-1\n\(head)\n", "a\n1\n\(head.dropLast())\n", "\n1\n\(head)\n", "a\n1\n", "a\n1\n\(head)\n\n"] { #expect(Checkpoint(text: text) == nil, "\(text.debugDescription)") }
        #expect(Checkpoint(text: "a\n1\n\(head)\nextension\n")?.size == 1)
    }

    @Test func proofsAreReadBackAndNothingElseIsRead() throws {
        let signer = try #require(NoteSigner(name: "log", seed: Array(1...32)))
        let note = try signer.sign(Checkpoint(origin: "log", size: 5, head: .leaf([5])).text)
        var dice = Dice(state: 6)
        for count in [0, 1, 7, 63] {
            let path = (0..<count).map { TreeHash.leaf([UInt8($0)]) }
            let extra: [UInt8]? = Bool.random(using: &dice) ? nil : Array("{}".utf8)
            let inclusion = InclusionProof(extra: extra, index: count, path: path, checkpoint: note)
            #expect(InclusionProof(inclusion.description) == inclusion)
            let consistency = ConsistencyProof(oldSize: count, path: path, checkpoint: note)
            #expect(ConsistencyProof(consistency.description) == consistency)
        }
        #expect(InclusionProof(extra: nil, index: 0, path: [], checkpoint: note).description == "c2sp.org/tlog-proof@v1\nindex 0\n\n\(note)")
        let line = TreeHash.empty.base64
        for text in [
            "c2sp.org/tlog-proof@v2\nindex 0\n\n\(note)", "c2sp.org/tlog-proof@v1\n\n\(note)", "c2sp.org/tlog-proof@v1\nindex 00\n\n\(note)", "c2sp.org/tlog-proof@v1\nindex -1\n\n\(note)",
            "c2sp.org/tlog-proof@v1\nextra ?\nindex 0\n\n\(note)", "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n\(note)", "c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n" + String(repeating: line + "\n", count: 64) + "\n\(note)",
        ] { #expect(InclusionProof(text) == nil, "\(text.prefix(60))") }
    }
}
