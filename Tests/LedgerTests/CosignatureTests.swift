import Crypto
import Foundation
import Model
import TestSupport
import Testing

@testable import Ledger

@Suite struct CosignatureTests {
    /// A head of a public log of certificates, as it was served with the signatures of strangers' witnesses.
    private static let foreign = """
        arche2025h1.staging.ct.transparency.dev
        1432088532
        U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

        \u{2014} arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
        \u{2014} arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
        \u{2014} transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
        \u{2014} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==

        """
    private static let logKey = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
    private static let witnessKey = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"

    @Test func aForeignWitnessIsBelieved() throws {
        let note = try #require(SignedNote(Self.foreign)), log = try #require(NoteVerifier(Self.logKey)), witness = try #require(NoteVerifier(Self.witnessKey))
        #expect(note.description == Self.foreign && witness.description == Self.witnessKey)
        #expect(witness.kind == .cosignature && log.kind == .note)
        #expect(Checkpoint(note, signedBy: log)?.size == 1_432_088_532)
        let cosigned = note.cosignatures(of: [witness, log])
        #expect(cosigned.map(\.witness) == [witness])
        #expect(cosigned.first?.time == 1_779_573_024 && cosigned.first?.instant.description == "2026-05-24T05:50:24+08:00")
        // Another size, another root, another time; and the same key taken for one that signs notes.
        for (old, new) in [("1432088532", "1432088533"), ("U7WM", "U7WN"), ("2net5wAAAABqEiEg", "2net5wAAAABqEiEh")] {
            let other = try #require(SignedNote(Self.foreign.replacing(old, with: new)))
            #expect(!other.isSigned(by: witness) && other.cosignatures(of: [witness]).isEmpty)
        }
        let plain = try #require(NoteVerifier(name: witness.name, publicKey: witness.publicKey))
        #expect(plain.identifier != witness.identifier && !note.isSigned(by: plain))
    }

    /// By hand, with the primitives alone: what the specification says, byte by byte.
    @Test func aCosignatureIsWhatTheSpecificationSays() throws {
        let seed = Array<UInt8>(1...32), cosigner = try #require(Cosigner(name: "witness.example/w1", seed: seed))
        let text = "log.example\n3\n\(TreeHash.empty.base64)\nextension\n", line = try cosigner.cosign(text, at: 1_679_315_147)
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        let identifier = Array(SHA256.hash(data: Array("witness.example/w1\n".utf8) + [4] + Array(key.publicKey.rawRepresentation)).prefix(4))
        #expect(line.name == "witness.example/w1" && line.identifier == identifier)
        #expect(line.signature.count == 72 && Array(line.signature.prefix(8)) == [0, 0, 0, 0, 0x64, 0x18, 0x50, 0xCB])
        #expect(key.publicKey.isValidSignature(line.signature.dropFirst(8), for: Array("cosignature/v1\ntime 1679315147\n\(text)".utf8)))
        let verifier = cosigner.verifier.description.split(separator: "+", maxSplits: 2)
        #expect(Data(base64Encoded: String(verifier[2])).map(Array.init) == [4] + Array(key.publicKey.rawRepresentation))
        #expect(SignedNote.Signature(line: "\(line)") == line)
        // A time that no Int64 holds, and one that lies behind every calendar.
        #expect(!cosigner.verifier.accepts([0x80] + line.signature.dropFirst(), over: text))
        let far = try cosigner.cosign(text, at: .max), latest = Timestamp("9999-12-31T23:59:59Z")
        #expect(SignedNote(text: text, signatures: [far]).cosignatures(of: [cosigner.verifier]).first?.instant == latest)
    }

    /// With another program's Ed25519.
    @Test func opensslAgrees() throws {
        let cosigner = try #require(Cosigner(name: "witness.example", seed: Array(1...32))), text = "log.example\n0\n\(TreeHash.empty.base64)\n"
        let line = try cosigner.cosign(text, at: 1_700_000_000)
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-cosignature-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // SubjectPublicKeyInfo of RFC 8410 around the 32 bytes.
        let spki = [UInt8](hex: "302a300506032b6570032100") + cosigner.verifier.publicKey
        try Data(spki).write(to: folder.appending(path: "key"))
        try Data("cosignature/v1\ntime 1700000000\n\(text)".utf8).write(to: folder.appending(path: "message"))
        try Data(line.signature.dropFirst(8)).write(to: folder.appending(path: "signature"))
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.currentDirectoryURL = folder
        process.arguments = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin", "-in", "message", "-sigfile", "signature"]
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && said.contains("Verified Successfully"), "\(said)")
    }

    @Test func theNewestOfAWitnessesLinesCountsAndAWrongOneVoidsAll() throws {
        let witness = try #require(Cosigner(name: "w", seed: Array(1...32))), text = "log\n0\n\(TreeHash.empty.base64)\n"
        let lines = try [5, 9, 7].map { try witness.cosign(text, at: $0) }
        let note = SignedNote(text: text, signatures: lines)
        #expect(note.cosignatures(of: [witness.verifier]).map(\.time) == [9])
        let wrong = SignedNote.Signature(name: "w", identifier: witness.verifier.identifier, signature: [UInt8](repeating: 0, count: 72))
        #expect(note.adding([wrong]).cosignatures(of: [witness.verifier]).isEmpty)
        #expect(note.adding(lines) == note)
    }

    /// A line that a program in Go made: golang.org/x/mod/sumdb/note, documentation of Sign.
    @Test func aKeyIsReadInTheFormOfOtherPrograms() throws {
        let text = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
        let cosigner = try #require(Cosigner(keyText: text))
        #expect(cosigner.verifier.publicKey == NoteVerifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")?.publicKey)
        for wrong in ["", "PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", text + "=", "PRIVATE+KEY+a b+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"] {
            #expect(Cosigner(keyText: wrong) == nil)
        }
    }
}
