import Model

/// What an audit found, for programs.
struct AuditReport: Encodable {
    var server: String
    var key = ""
    var origin = ""
    /// The head that the server was held to, and the one of the last time.
    var size = 0
    var head = ""
    var previousSize: Int?
    var leavesRead = 0
    var tilesCompared = 0
    var datasets = 0
    var versions = 0
    var withdrawn = 0
    /// Revisions of descriptions and versions of profiles that were compared, and leaves of reviews that were read.
    var descriptions = 0
    var profiles = 0
    var reviews = 0
    /// How many leaves of each kind the log has; how many of those with salted digests the holder of the key could open.
    var kinds: [String: Int] = [:]
    var openings = 0
    /// Withdrawals that are shown.
    var withdrawals = 0
    /// The witnesses that were asked for and have signed, with their times; and how large the log was then.
    var witnesses: [String] = []
    var cosignedSize: Int?
    var downloads = 0
    var bytesDownloaded = 0
    var lie: Lie?

    func text(in language: Language) -> String {
        let from = previousSize.map { $0 == size ? "" : language == .zh ? "，承接上次的 \(Self.number($0)) 条" : ", going on from the \(Self.number($0)) of the last time" } ?? ""
        return switch language {
        case .zh:
            """
            未发现不实：\(server)
              存证    \(origin)，\(Self.number(size)) 条\(from)；本次读取 \(Self.number(leavesRead)) 条，核对分片 \(Self.number(tilesCompared)) 个
              版本    \(Self.number(datasets)) 个数据资源的 \(Self.number(versions)) 版，其中撤回 \(Self.number(withdrawn)) 版
              元数据  \(Self.number(descriptions)) 次修订，规范 \(Self.number(profiles)) 版
              条目    \(Self.list(kinds))\(openings == 0 ? "" : "；凭密钥开启并核对 \(Self.number(openings)) 条")
              内容    下载并核对 \(Self.number(downloads)) 版，\(Self.number(bytesDownloaded)) 字节
              公钥    \(key)\(witnesses.map { "\n  见证    \($0)" }.joined())
            """
        case .en:
            """
            No lie found: \(server)
              ledger    \(origin), \(Self.number(size)) leaves\(from); \(Self.number(leavesRead)) were read now, \(Self.number(tilesCompared)) tiles compared
              versions  \(Self.number(versions)) of \(Self.number(datasets)) datasets, \(Self.number(withdrawn)) of them withdrawn
              metadata  \(Self.number(descriptions)) revisions of descriptions, \(Self.number(profiles)) versions of profiles
              leaves    \(Self.list(kinds))\(openings == 0 ? "" : "; \(Self.number(openings)) opened with the key and right")
              contents  \(Self.number(downloads)) downloaded and right, \(Self.number(bytesDownloaded)) bytes
              key       \(key)\(witnesses.map { "\n  witness   \($0)" }.joined())
            """
        }
    }

    private static func list(_ kinds: [String: Int]) -> String { kinds.sorted { $0.key < $1.key }.map { "\($0.key) \(number($0.value))" }.joined(separator: ", ") }

    private static func number(_ value: Int) -> String {
        var digits = String(value), groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }
}
