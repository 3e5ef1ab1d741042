/// Why the schema cannot be applied or used, in words for the operator.
public enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The schema folder, or a file in it, cannot be read.
    case schemaNotFound(String)
    /// A file that is not called `NNNN_what_it_does.sql`.
    case misnamed(file: String)
    case duplicate(String, String)
    /// The sequence of files jumps.
    case gap(missing: Int, found: String)
    /// An applied file has changed since.
    case edited(file: String, applied: String, found: String)
    /// An applied file is called differently now.
    case renamed(version: Int, applied: String, found: String)
    /// The database has migrations that this program does not know.
    case ahead(applied: [String])
    /// The database lacks migrations that this program needs.
    case behind(pending: [String])
    /// The database has no Daylight schema.
    case empty
    /// The ledger has a hole: a migration was applied without those before it.
    case outOfOrder(missing: Int)
    /// The login may not do what is needed; an administrator has to run this SQL first.
    case needsAdministrator(statements: [String])
    /// PostgreSQL refused a file.
    case failed(file: String, message: String)

    public var description: String {
        switch self {
        case .schemaNotFound(let what): "The schema was not found: \(what)."
        case .misnamed(let file): "schema/migrations/\(file) is no migration; the name must be NNNN_what_it_does.sql in lower case."
        case .duplicate(let one, let other): "Two migrations have one number: \(one) and \(other); number the newer one after the last."
        case .gap(let missing, let found): "Migration \(missing) is missing before \(found); numbers run from 1 without gaps."
        case .edited(let file, let applied, let found):
            "\(file) was edited after it was applied (applied \(applied.prefix(12)), now \(found.prefix(12))). Restore it and write a new migration."
        case .renamed(let version, let applied, let found): "Migration \(version) was applied as \(applied) and is now called \(found). Restore its name."
        case .ahead(let applied):
            "The database is newer than this program: it has \(applied.joined(separator: ", ")). Run the program that belongs to it."
        case .behind(let pending): "The database is older than this program: \(pending.joined(separator: ", ")) missing. Run: daylight migrate"
        case .empty: "The database has no Daylight schema. Run: daylight migrate"
        case .outOfOrder(let missing): "Migration \(missing) was never applied, but later ones were. The ledger in daylight_migration was tampered with."
        case .needsAdministrator(let statements):
            "This login may not set up Daylight's roles. An administrator has to run this once:\n" + statements.map { "    \($0)" }.joined(separator: "\n")
        case .failed(let file, let message): "\(file) failed: \(message)"
        }
    }
}
