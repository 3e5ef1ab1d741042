import Foundation
import Model
import Testing

@testable import Copies

/// A copy in a file: whatever stops it, it is one whole version, and knows which.
@Suite struct CSVCopyTests {
    private struct Stop: Error {}

    private static func with(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-copy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appending(path: "data.csv"))
    }

    private static func text(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }

    @Test func aSnapshotAndThenChangesGiveEachVersionByteForByte() async throws {
        try await Self.with { file in
            let copy = try CSVCopy(file)
            #expect(try await copy.held() == nil)
            try await Deliveries.give(0, 1, to: copy)
            #expect(try Self.text(file) == Deliveries.state(1))
            for (from, to) in [(1, 2), (2, 3), (3, 4), (4, 5)] {
                try await Deliveries.give(from, to, to: copy)
                #expect(try Self.text(file) == Deliveries.state(to), "version \(to)")
            }
            // Away for long: all at once.
            try await Deliveries.give(0, 1, to: copy)
            try await Deliveries.give(1, 5, to: copy)
            #expect(try Self.text(file) == Deliveries.state(5))
            let held = try #require(try await copy.held())
            #expect(held.version == 5 && held.owed?.fromVersion == 1 && held.owed?.toVersion == 5)
            try await copy.settle("another delivery")
            #expect(try await copy.held()?.owed != nil)
            try await copy.settle("delivery-1-5")
            #expect(try await copy.held()?.owed == nil)
            // Emptied, it is gone, and all of it can come again.
            try await copy.empty()
            #expect(try await copy.held() == nil)
            #expect(!FileManager.default.fileExists(atPath: file.path))
            try await Deliveries.give(0, 5, to: copy)
            let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test(arguments: [true, false]) func stoppedBetweenAnyTwoStepsItIsOneVersionAndGoesOn(isFirst: Bool) async throws {
        for step in CSVCopy.Step.allCases {
            try await Self.with { file in
                if !isFirst {
                    let copy = try CSVCopy(file)
                    try await Deliveries.give(0, 1, to: copy)
                    try await copy.settle("delivery-0-1")
                    await copy.close()
                }
                let from = isFirst ? 0 : 1, to = isFirst ? 1 : 2
                let stopped = try CSVCopy(file, steps: { if $0 == step { throw Stop() } })
                await #expect(throws: Stop.self) { try await Deliveries.give(from, to, to: stopped) }
                await stopped.close()

                let again = try CSVCopy(file)
                let held = try await again.held()
                switch step {
                case .received, .prepared:
                    #expect(held?.version == (isFirst ? nil : 1) && held?.owed == nil, "\(step)")
                case .announced, .renamed, .promoted:
                    // What was stored is owed a receipt, whoever had the time to send it.
                    #expect(held?.version == to && held?.owed?.delivery == "delivery-\(from)-\(to)", "\(step)")
                }
                if let held { #expect(try Self.text(file) == Deliveries.state(held.version), "\(step)") }
                if held?.version != to { try await Deliveries.give(held?.version ?? 0, to, to: again) }
                #expect(try Self.text(file) == Deliveries.state(to), "\(step)")
            }
        }
    }

    @Test func aDeliveryThatIsCutOffOrWrongChangesNothing() async throws {
        try await Self.with { file in
            let copy = try CSVCopy(file)
            try await Deliveries.give(0, 1, to: copy)
            await #expect(throws: Deliveries.Broken.self) { try await Deliveries.give(1, 2, to: copy, breaking: true) }
            let incoming = Deliveries.incoming(1, 2)
            await #expect(throws: CopyFailure.self) {
                // Changes of other versions: they do not fit the rows.
                try await copy.take(incoming, Deliveries.Pieces(text: Deliveries.changes(4, 5).replacingOccurrences(of: "added,", with: "changed,"), isBroken: false)) {
                    Deliveries.receipt(incoming, $0)
                }
            }
            await #expect(throws: CopyFailure.self) {
                try await copy.take(incoming, Deliveries.Pieces(text: "_change,other\n", isBroken: false)) { Deliveries.receipt(incoming, $0) }
            }
            await #expect(throws: CopyFailure.self) { try await Deliveries.give(3, 4, to: copy) }
            #expect(try Self.text(file) == Deliveries.state(1))
            try await Deliveries.give(1, 2, to: copy)
            #expect(try Self.text(file) == Deliveries.state(2))
        }
    }

    @Test func aFileThatOthersChangedIsNotWrittenOver() async throws {
        try await Self.with { file in
            try Data("something else\n".utf8).write(to: file)
            #expect(throws: CopyFailure.self) { try CSVCopy(file) }
            let copy = try CSVCopy(file, again: true)
            try await Deliveries.give(0, 1, to: copy)
            #expect(throws: CopyFailure.self, "two at once") { try CSVCopy(file) }
            await copy.close()
            try Data("something else\n".utf8).write(to: file)
            #expect(throws: CopyFailure.self) { try CSVCopy(file) }
            // Removed: all of it comes again.
            try FileManager.default.removeItem(at: file)
            let anew = try CSVCopy(file)
            #expect(try await anew.held() == nil)
            try await Deliveries.give(0, 3, to: anew)
            await anew.close()
            try Data("{".utf8).write(to: file.appendingPathExtension("daylight"))
            #expect(throws: CopyFailure.self) { try CSVCopy(file) }
        }
    }
}
