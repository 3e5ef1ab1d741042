import Foundation
import Postgres
import Testing

/// Tests that stop and start a server, on a cluster of their own.
@Suite(.serialized) struct RestartTests {
    @Test func recoversAfterAServerRestart() async throws {
        guard let cluster = try await Cluster.make() else {
            print("SKIPPED recoversAfterAServerRestart: there is no initdb on this machine")
            return
        }
        do {
            try await cluster.start()
            try await restart(cluster)
        } catch {
            await cluster.remove()
            throw error
        }
        await cluster.remove()
    }

    private func restart(_ cluster: Cluster) async throws {
        try await TestDatabase.with(url: cluster.url) {
            $0.acquireTimeout = .seconds(20)
        } _: { test in
            var arrivals = test.database.notifications(["restart"]).makeAsyncIterator()
            #expect(await arrivals.next() == .reconnected)
            let held = Task { try await test.database.execute("SELECT pg_sleep(60)") }
            let reads = Task {
                var failures = 0
                while !Task.isCancelled {
                    do { _ = try await test.database.read("SELECT 1") } catch {
                        #expect((error as? PostgresError)?.isTemporary == true || Task.isCancelled)
                        failures += 1
                        try? await Task.sleep(for: .milliseconds(10))
                    }
                }
                return failures
            }
            try await Task.sleep(for: .milliseconds(300))
            try await cluster.stop()
            let error = await #expect(throws: PostgresError.self) { try await held.value }
            #expect(error?.isConnectionFailure == true)
            // A caller that comes while the server is away waits for it.
            let waiting = Task { try await test.database.execute("SELECT 42").first!.read(Int.self, 0) }
            try await Task.sleep(for: .milliseconds(500))
            try await cluster.start()
            #expect(try await waiting.value == 42)
            try await eventually("all loops read again") {
                for _ in 0..<10 { if (try? await test.database.read("SELECT 1")) == nil { return false } }
                return true
            }
            #expect(await arrivals.next() == .reconnected)
            reads.cancel()
            #expect(await reads.value > 0)
            #expect(test.database.statistics.reconnects > 0)
        }
    }
}

/// A throw-away PostgreSQL on a socket in a temporary folder.
private struct Cluster {
    let folder: String
    let binaries: String
    let isRoot: Bool

    var url: String { "postgresql:///postgres?host=\(folder)&user=postgres" }

    static func make() async throws -> Cluster? {
        let installed = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        guard let version = installed.compactMap(Int.init).max(),
            FileManager.default.isExecutableFile(atPath: "/usr/lib/postgresql/\(version)/bin/initdb")
        else { return nil }
        let folder = "/tmp/pgt-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let cluster = Cluster(folder: folder, binaries: "/usr/lib/postgresql/\(version)/bin", isRoot: getuid() == 0)
        // PostgreSQL refuses to run as root.
        if cluster.isRoot { try await cluster.run(["/bin/chown", "postgres", folder], asPostgres: false) }
        try await cluster.run(["\(cluster.binaries)/initdb", "-D", "\(folder)/data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"])
        return cluster
    }

    func start() async throws {
        let options = "-c listen_addresses='' -c unix_socket_directories=\(folder) -c fsync=off"
        try await run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-l", "\(folder)/log", "-w", "-o", options, "start"])
    }

    func stop() async throws { try await run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-m", "fast", "stop"]) }

    func remove() async {
        _ = try? await run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-m", "immediate", "stop"])
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Not by `Process`, which takes a server that stays for a program that has not ended.
    private func run(_ command: [String], asPostgres: Bool = true) async throws {
        let words = isRoot && asPostgres ? ["/usr/sbin/runuser", "-u", "postgres", "--"] + command : command
        let status: Int32 = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var actions = posix_spawn_file_actions_t()
                posix_spawn_file_actions_init(&actions)
                for descriptor in [0, 1, 2] as [Int32] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0) }
                var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
                var pid: pid_t = 0
                var status = posix_spawn(&pid, words[0], &actions, nil, &arguments, environ)
                if status == 0 { waitpid(pid, &status, 0) }
                for argument in arguments { free(argument) }
                posix_spawn_file_actions_destroy(&actions)
                continuation.resume(returning: status)
            }
        }
        try #require(status == 0, "\(command[0]) failed")
    }
}
