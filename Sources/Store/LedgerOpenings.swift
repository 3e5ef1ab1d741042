public import Model
internal import Postgres

extension Store {
    /// The salt of a digest in the ledger; nil where there is none any more.
    ///
    /// - Parameter subject: the identifier of what the digest is of.
    public func ledgerSalt(of subject: String) async throws -> [UInt8]? {
        guard subject.isUUID else { return nil }
        return try await write("SELECT salt FROM daylight.ledger_salt WHERE subject = \(subject)::uuid").first.map { try $0.read(Bytea.self, "salt").bytes }
    }

    /// One withdrawal of a dataset.
    public func withdrawal(_ id: String, of dataset: String) async throws -> Withdrawal? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.withdrawalColumns) FROM daylight.withdrawal WHERE dataset = \(dataset) AND id = \(id)").first.map(Self.withdrawal)
    }
}

/// Which leaves somebody may have opened.
public struct OpeningScope: Sendable, Hashable {
    /// Of whose things.
    public enum Part: Sendable, Hashable {
        case none
        case department(String)
        case all
    }

    /// Reviews, withdrawals, and what is sealed, of datasets of these departments.
    public var drafts: Part
    /// Grants, receipts and corrections in which these departments have a part.
    public var exchange: Part
    /// Datasets that the key is limited to; no limit where empty.
    public var datasets: [String]

    public init(drafts: Part, exchange: Part, datasets: [String]) {
        self.drafts = drafts
        self.exchange = exchange
        self.datasets = datasets
    }

    fileprivate func isDraft(_ alias: SQL) -> SQL { condition(drafts, among: ["\(alias).department"], dataset: "\(alias).id") }

    fileprivate func isShared(_ alias: SQL, _ columns: [String]) -> SQL {
        condition(exchange, among: columns.map { "\(alias).\(identifier: $0)" }, dataset: "\(alias).dataset")
    }

    private func condition(_ part: Part, among departments: [SQL], dataset: SQL) -> SQL {
        let limit: SQL = datasets.isEmpty ? "true" : "\(dataset) = ANY (\(datasets))"
        return switch part {
        case .none: "false"
        case .all: limit
        case .department(let department): "\(limit) AND \(department) IN (\(departments.joined(separator: ", ")))"
        }
    }
}

/// What opens a leaf, as it is kept.
public struct StoredOpening: Sendable {
    public var index: Int
    public var kind: String
    /// 32 bytes.
    public var salt: [UInt8]
    /// Nil where those before it are as much as is read at once.
    public var content: [UInt8]?
}

extension Store {
    /// What opens the leaves of a part of the log, as far as somebody may have it, in order.
    ///
    /// - Parameters:
    ///   - range: places in the log.
    ///   - limit: how many at most.
    ///   - bytes: of contents that are read at once, about.
    public func ledgerOpenings(_ scope: OpeningScope, in range: Range<Int>, limit: Int, bytes: Int) async throws -> [StoredOpening] {
        let parties = ["provider", "receiver"]
        return try await write(
            """
            SELECT index, kind, salt, CASE WHEN sum(octet_length(content)) OVER (ORDER BY index) - octet_length(content) < \(bytes) THEN content END AS content
            FROM (SELECT l.index, l.kind, o.salt, o.content FROM (SELECT index, kind, hash FROM daylight.ledger_leaf WHERE index >= \(range.lowerBound) AND index < \(range.upperBound)) AS l
            CROSS JOIN LATERAL (
                SELECT s.salt, s.content FROM daylight.ledger_salt s
                WHERE l.kind IN ('review', 'withdrawal', 'grant', 'correction') AND s.leaf = l.hash AND s.content IS NOT NULL AND CASE l.kind
                    WHEN 'review' THEN EXISTS (SELECT FROM daylight.review r JOIN daylight.push p ON p.id = r.push JOIN daylight.dataset d ON d.id = p.dataset
                        WHERE r.id = s.subject AND \(scope.isDraft("d")))
                    WHEN 'withdrawal' THEN EXISTS (SELECT FROM daylight.withdrawal w JOIN daylight.dataset d ON d.id = w.dataset WHERE w.id = s.subject AND \(scope.isDraft("d")))
                    WHEN 'grant' THEN EXISTS (SELECT FROM daylight.share_grant g WHERE (g.id = s.subject OR g.request = s.subject) AND \(scope.isShared("g", parties)))
                    ELSE EXISTS (SELECT FROM daylight.correction c WHERE c.id = s.subject AND \(scope.isShared("c", ["owner", "assignee", "reporter"])))
                END
                UNION ALL
                SELECT s.salt, convert_to(
                        '{"public_key":"' || replace(encode(k.public_key, 'base64'), E'\\n', '') || '","signature":"' || replace(encode(r.signature, 'base64'), E'\\n', '') || '","statement":',
                        'UTF8') || r.statement || convert_to('}', 'UTF8')
                FROM daylight.ledger_salt s JOIN daylight.receipt r ON r.delivery = s.subject JOIN daylight.receipt_key k ON k.id = r.key_id JOIN daylight.share_grant g ON g.id = r.grant_id
                WHERE l.kind = 'receipt' AND s.leaf = l.hash AND \(scope.isShared("g", parties))
                UNION ALL
                SELECT e.salt, e.entry FROM daylight.sealed_entry e JOIN daylight.dataset d ON d.id = e.dataset WHERE l.kind = 'sealed' AND e.hash = l.hash AND \(scope.isDraft("d"))
            ) AS o
            ORDER BY l.index LIMIT \(limit)) AS found ORDER BY index
            """
        ).map {
            StoredOpening(
                index: try $0.read("index"), kind: try $0.read("kind"), salt: try $0.read(Bytea.self, "salt").bytes, content: try $0.read(Bytea?.self, "content")?.bytes)
        }
    }
}
