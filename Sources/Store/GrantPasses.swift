public import Model
import Postgres

/// What admits one read by a grant. PostgreSQL gives it for a key of the receiver, a purpose and a call of the grant's rate, and the grant's views ask for it.
public struct GrantPass: Sendable {
    let id: String
    /// What is left of the grant's rate, calls first.
    public let allowances: [ShareAllowance]

    /// Lets what follows in the same transaction read by it.
    var use: SQL { "SELECT set_config('daylight.pass', \(id, as: .text), true)" }
}

/// Why PostgreSQL admits no read by a grant.
public enum GrantRefusal: Error, Sendable, Hashable {
    /// The grant ended, or its dataset is not published.
    case ended
    /// The key was revoked, or is not one of the receiver's.
    case key
    case purpose
    /// As many as the rate allows were used.
    case rate(ShareRate.Unit, retryAfter: Int)
}

extension Store {
    /// Opens a pass for one read, and spends a call of the grant's rate by PostgreSQL's clock.
    ///
    /// - Parameters:
    ///   - key: identifier of the key that reads.
    ///   - purpose: what it reads for.
    public func enter(_ grant: ShareGrant, key: String, purpose: String) async throws -> Result<GrantPass, GrantRefusal> {
        let row = try await mappingErrors {
            try await exchange.execute(
                "SELECT pass, refused, wait, calls_debt, rows_debt FROM granted.enter(\(grant.id)::uuid, \(key)::uuid, \(purpose, as: .text))")
        }[0]
        switch try row.read(String?.self, "refused") {
        case nil: break
        case "key": return .failure(.key)
        case "purpose": return .failure(.purpose)
        case let unit?:
            guard let unit = ShareRate.Unit(rawValue: unit) else { return .failure(.ended) }
            return .failure(.rate(unit, retryAfter: try row.read("wait")))
        }
        let allowances = try ShareRate.Unit.allCases.compactMap { unit -> ShareAllowance? in
            guard let rate = grant.terms.rate, let quota = rate.quota(unit), let debt = try row.read(Int?.self, "\(unit.rawValue)_debt") else { return nil }
            let span = rate.seconds * Self.second, each = (span + quota - 1) / quota
            return ShareAllowance(unit: unit, quota: quota, seconds: rate.seconds, remaining: max(0, (span - max(0, debt)) / each), reset: (max(0, debt) + Self.second - 1) / Self.second)
        }
        return .success(GrantPass(id: try row.read("pass"), allowances: allowances))
    }

    /// Charges the rows that were read by a pass, whether or not that many were left.
    public func charge(rows: Int, by pass: GrantPass) async throws {
        _ = try await mappingErrors { try await exchange.execute("SELECT granted.charge(\(pass.id)::uuid, \(rows))") }
    }

    /// Forgets passes of more than a day ago: no read takes as long.
    public func forgetPasses() async throws {
        try await write("DELETE FROM daylight.grant_pass WHERE opened_at < now() - interval '1 day'")
    }

    /// In nanoseconds.
    private static var second: Int { 1_000_000_000 }
}
