internal import Foundation

/// A throw-away PostgreSQL on a socket in a temporary folder.
public struct Cluster: Sendable {
    private let folder: String
    /// Where its programs are.
    public let binaries: String
    private let isRoot: Bool

    /// Connects as its superuser.
    public var url: String { "postgresql:///postgres?host=\(folder)&user=postgres" }

    /// - Returns: nil where no PostgreSQL is installed.
    public static func make() async throws -> Cluster? {
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

    public func start() async throws {
        let options = "-c listen_addresses='' -c unix_socket_directories=\(folder) -c fsync=off"
        try await run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-l", "\(folder)/log", "-w", "-o", options, "start"])
    }

    public func stop() async throws { try await run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-m", "fast", "stop"]) }

    /// Ends every process of it without a word, as a machine that dies, and starts it again; it comes back when what was committed is there.
    public func failOver() async throws { try await run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-l", "\(folder)/log", "-w", "-t", "120", "-m", "immediate", "restart"]) }

    public func remove() async {
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
        if status != 0 { throw ClusterFailure(program: command[0]) }
    }
}

/// A program of PostgreSQL that did not do what it should.
struct ClusterFailure: Error {
    let program: String
}
