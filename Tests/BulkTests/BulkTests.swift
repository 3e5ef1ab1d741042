import Crypto
import Foundation
import Logging
import Model
import NIOCore
import Store
import TestSupport
import Testing

@testable import Bulk

@Suite struct BulkTests {
    private static func with(
        rows: Int = 500, capacity: Int = 1 << 30, _ body: (Bulk, TestRelease, Store, String) async throws -> Void
    ) async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(rows))
            let store = try await db.openStore()
            let directory = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)").path
            var configuration = Bulk.Configuration(directory: directory)
            configuration.capacity = capacity
            let bulk = try Bulk(configuration, store: store, released: ReleasedDatasets(store: store), logger: Logger(label: "daylight.tests"))
            try await body(bulk, release, store, directory)
            await bulk.close()
            await store.close()
            try FileManager.default.removeItem(atPath: directory)
        }
    }

    private static func bytes(_ body: SnapshotBody) async throws -> [UInt8] {
        switch body {
        case .file(let file): return try bytes(file)
        case .followed(let stream):
            var bytes: [UInt8] = []
            for try await buffer in stream { bytes += buffer.readableBytesView }
            return bytes
        }
    }

    private static func bytes(_ file: OpenSnapshot) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: file.size)
        #expect(pread(file.descriptor, &bytes, file.size, 0) == file.size)
        return bytes
    }

    private static func hash(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }

    @Test func aVersionIsRenderedOnceAndFollowedMeanwhile() async throws {
        try await Self.with(rows: 3000) { bulk, release, _, directory in
            let version = try await bulk.version(of: release.dataset, number: nil)
            let all = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<5 { group.addTask { try await Self.bytes(bulk.snapshot(version, as: .csv)) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(all.allSatisfy { Self.hash($0) == version.digest && $0.count == version.byteCount })
            guard case .file(let file) = try await bulk.snapshot(version, as: .csv) else {
                Issue.record("not kept")
                return
            }
            #expect(try Self.hash(Self.bytes(file)) == version.digest)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["lighthouse-1-\(version.digest).csv"])
        }
    }

    @Test func aPartOfAFileThatIsBeingWrittenIsThatPart() async throws {
        try await Self.with { bulk, release, _, _ in
            let version = try await bulk.version(of: release.dataset, number: nil)
            let part = try await Self.bytes(bulk.snapshot(version, as: .csv, range: 100..<300))
            let whole = try await Self.bytes(bulk.snapshot(version, as: .csv))
            #expect(part.count == 200)
            #expect(part == Array(whole[100..<300]) || part.count == whole.count)
        }
    }

    @Test func gzipHasTheSameBytesEachTime() async throws {
        try await Self.with { bulk, release, _, _ in
            let version = try await bulk.version(of: release.dataset, number: nil)
            let first = try await Self.bytes(bulk.snapshot(version, as: .gzip))
            try await Self.with { other, release, _, _ in
                let second = try await Self.bytes(other.snapshot(other.version(of: release.dataset, number: nil), as: .gzip))
                #expect(first == second)
            }
            #expect(Array(first.prefix(3)) == [0x1F, 0x8B, 8])
            let kept = try #require(bulk.rendered(version, as: .gzip))
            #expect(kept.digest == Self.hash(first))
        }
    }

    @Test func bytesThatAreNotTheVersionsAreNeverGivenOutWhole() async throws {
        try await Self.with { bulk, release, _, directory in
            try await release.execute { "UPDATE \($0) SET steps = 7 WHERE code = 'L100499'" }
            let version = try await bulk.version(of: release.dataset, number: nil)
            var count = 0
            await #expect(throws: SnapshotError.self) {
                guard case .followed(let stream) = try await bulk.snapshot(version, as: .csv) else { return }
                for try await buffer in stream { count += buffer.readableBytes }
            }
            #expect(count < version.byteCount)
            // And nobody tries again at once.
            await #expect(throws: SnapshotError.self) { try await bulk.snapshot(version, as: .csv) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
        }
    }

    @Test func anotherProcessFindsTheFilesAndSweepsWhatIsUnfinished() async throws {
        try await Self.with { bulk, release, store, directory in
            let version = try await bulk.version(of: release.dataset, number: nil)
            _ = try await Self.bytes(bulk.snapshot(version, as: .gzip))
            _ = FileManager.default.createFile(atPath: "\(directory)/left.part", contents: Data([1]))
            let next = try Bulk(
                Bulk.Configuration(directory: directory), store: store, released: ReleasedDatasets(store: store), logger: Logger(label: "daylight.tests"))
            #expect(next.rendered(version, as: .csv)?.size == version.byteCount)
            #expect(next.rendered(version, as: .gzip)?.digest == bulk.rendered(version, as: .gzip)?.digest)
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/left.part"))
        }
    }

    @Test func theOldestFileGoesWhenThereIsNoRoom() async throws {
        try await Self.with(rows: 100, capacity: 20_000) { bulk, release, _, directory in
            for number in 1...4 {
                if number > 1 { try await release.release(number, rows: []) }
                let version = try await bulk.released.find(release.dataset, version: number, fresh: true)
                _ = try await Self.bytes(bulk.snapshot(version, as: .csv))
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(files.count < 4)
            #expect(files.contains { $0.hasPrefix("lighthouse-4-") })
        }
    }

    private static func rows(_ bulk: Bulk, _ release: TestRelease, _ parameters: [(String, String)] = [], _ dialect: CSVDialect = CSVDialect()) async throws -> LiveRows {
        let version = try await bulk.version(of: release.dataset, number: nil)
        let query = try RowQuery(parameters: parameters.map { (name: $0.0, value: $0.1) }, fields: version.queryable)
        return try await bulk.csv(PageRead(version: version, query: query), dialect: dialect)
    }

    @Test func filteredRowsAreTheRowsThatMatch() async throws {
        try await Self.with { bulk, release, _, _ in
            func text(_ parameters: [(String, String)], _ dialect: CSVDialect = CSVDialect()) async throws -> String {
                var text = ""
                for try await buffer in try await Self.rows(bulk, release, parameters, dialect) {
                    text += String(buffer: buffer)
                }
                return text
            }
            let rows = Lighthouse.rows(500)
            let expected = rows.filter { $0[4] == "true" }.compactMap { $0[0] }.sorted(by: >)
            #expect(try await text([("automated", "true"), ("fields", "code"), ("sort", "-code")]) == "code\n" + expected.map { $0 + "\n" }.joined())
            #expect(try await text([("code", "none")]) == "code,name,height,steps,automated,lit_on,inspected_at,season,position,lamps,keeper\n")
            let excel = try await text([("code", "L100000"), ("fields", "code")], CSVDialect(excel: true))
            #expect(excel == "\u{FEFF}code\r\nL100000\r\n")
            let formulas = try await text([("name", "=1+1"), ("fields", "name,steps"), ("steps__lt", "0"), ("steps__gt", "-30")], CSVDialect(formulaGuard: true))
            let lines = formulas.split(separator: "\n").dropFirst()
            #expect(!lines.isEmpty)
            #expect(lines.allSatisfy { $0.hasPrefix("'=1+1,-") })
            // Both at once; what is no text is not touched, and a column that only the order needs is not sent.
            let both = try await text([("steps__lt", "0"), ("fields", "steps,automated"), ("sort", "-name,code")], CSVDialect(excel: true, formulaGuard: true))
            let numbers = rows.filter { $0[3]?.hasPrefix("-") == true }
            #expect(both.hasPrefix("\u{FEFF}steps,automated\r\n"))
            #expect(both.split(separator: "\r\n").dropFirst().map(String.init).sorted() == numbers.map { "\($0[3] ?? ""),\($0[4] ?? "")" }.sorted())
            await #expect { try await text([("budget", "1")]) } throws: { ($0 as? Problem)?.code == .unknownField }
        }
    }

    @Test func onlySoManyStreamsRunAtOnce() async throws {
        try await Self.with { bulk, release, _, _ in
            var streams: [LiveRows] = []
            for _ in 0..<4 { streams.append(try await Self.rows(bulk, release)) }
            await #expect { try await Self.rows(bulk, release) } throws: { ($0 as? Problem)?.code == .overloaded }
            streams = []
            _ = try await Self.rows(bulk, release)
        }
    }

    @Test func aReaderWhoLeavesGivesTheConnectionBack() async throws {
        try await Self.with(rows: 2000) { bulk, release, store, _ in
            var read = 0
            // Four may run at once, and who leaves gives his place back a moment later.
            for _ in 0..<6000 where read < 12 {
                do {
                    let stream = try await Self.rows(bulk, release).makeAsyncIterator()
                    _ = try await stream.next()
                    read += 1
                } catch let problem as Problem where problem.code == .overloaded {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            #expect(read == 12)
            var inUse = Int.max
            for _ in 0..<6000 where inUse > 0 {
                try await Task.sleep(for: .milliseconds(10))
                inUse = store.statistics.first { $0.name == "reader_pool_in_use" }?.value ?? Int.max
            }
            #expect(inUse == 0)
        }
    }
}
