internal import Crypto
internal import Model

/// Tells questions about rows apart: the condition and the order, not how many rows or which fields are shown.
///
/// The first 64 bits of SHA-256 over a spelling in which every part has its length, so that no two questions are spelled alike.
struct RowFingerprint {
    private var hash = SHA256()

    static func of(dataset: String, predicate: Predicate?, order: [String]) -> UInt64 {
        var fingerprint = RowFingerprint()
        fingerprint.add("dataset", dataset)
        if let predicate { fingerprint.add(predicate) }
        for name in order { fingerprint.add("sort", name) }
        return fingerprint.hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func add(_ parts: String...) {
        for part in parts {
            let count = UInt32(truncatingIfNeeded: part.utf8.count).bigEndian
            withUnsafeBytes(of: count) { hash.update(bufferPointer: $0) }
            var part = part
            part.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        }
    }

    private mutating func add(_ predicate: Predicate) {
        switch predicate {
        case .and(let parts):
            add("and", String(parts.count))
            for part in parts { add(part) }
        case .or(let parts):
            add("or", String(parts.count))
            for part in parts { add(part) }
        case .not(let part):
            add("not")
            add(part)
        case .compare(let field, let comparison, let value): add(comparison.rawValue, field, value)
        case .isIn(let field, let values):
            add("in", field, String(values.count))
            for value in values { add(value) }
        case .like(let field, let pattern): add("like", field, pattern)
        case .isNull(let field): add("null", field)
        case .relation(let left, let comparison, let right):
            add("relation", comparison.rawValue)
            add(left)
            add(right)
        case .matches(let value, let pattern):
            add("matches")
            add(value)
            add(pattern)
        case .isMissing(let term):
            add("missing")
            add(term)
        case .isUndecided(let part):
            add("undecided")
            add(part)
        }
    }

    private mutating func add(_ term: Predicate.Term) {
        switch term {
        case .field(let name, let kind): add("field", name, kind.rawValue)
        case .literal(let value, let kind): add("literal", value, kind.rawValue)
        case .folded(let part):
            add("folded")
            add(part)
        case .arithmetic(let operation, let left, let right):
            add("arithmetic", operation.rawValue)
            add(left)
            add(right)
        }
    }
}
