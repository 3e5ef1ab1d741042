/// The address of one file of the log: up to 256 hashes of one level, or up to 256 entries (C2SP tlog-tiles).
public struct Tile: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        /// Hashes of subtrees with 256^level leaves, at level 0 the leaves' own; 0 to 63.
        case hashes(level: Int)
        /// The entries themselves.
        case entries
    }

    public static let fullWidth = 256

    public let content: Content
    /// From 0.
    public let index: Int
    /// How many hashes or entries: 256 of a full tile, fewer of a partial one.
    public let width: Int

    /// - Parameters:
    ///   - index: from 0.
    ///   - width: 1 to 256.
    public init(_ content: Content, index: Int, width: Int = Tile.fullWidth) {
        self.content = content
        self.index = index
        self.width = width
    }

    /// Reads an address below `/tile/`, such as `0/x001/234` or `entries/067.p/8`.
    ///
    /// - Returns: nil where it is not spelled as the specification says.
    public init?(path: some StringProtocol) {
        var parts = String(path).split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count >= 2 else { return nil }
        let first = parts.removeFirst()
        if first == "entries" {
            content = .entries
        } else {
            guard let level = Self.decimal(first), level <= 63 else { return nil }
            content = .hashes(level: level)
        }
        var width = Tile.fullWidth
        if parts.count >= 2, parts[parts.count - 2].hasSuffix(".p") {
            guard let partial = Self.decimal(parts.removeLast()), (1...255).contains(partial) else { return nil }
            width = partial
            parts[parts.count - 1].removeLast(2)
        }
        self.width = width
        // Six elements: 10^18 is below 2^63.
        guard (1...6).contains(parts.count) else { return nil }
        var index = 0
        for (place, part) in parts.enumerated() {
            let isLast = place == parts.count - 1
            let digits = part.dropFirst(isLast ? 0 : 1)
            guard isLast || part.hasPrefix("x"), digits.utf8.count == 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(digits) else { return nil }
            // One spelling for each index: no leading element of zeroes.
            if place == 0, parts.count > 1, value == 0 { return nil }
            index = index * 1000 + value
        }
        self.index = index
    }

    /// Its address below the log's, for example `tile/0/x001/234.p/8`.
    public var path: String {
        let first = switch content {
        case .hashes(let level): String(level)
        case .entries: "entries"
        }
        var parts: [String] = []
        var rest = index
        repeat {
            let digits = String(rest % 1000)
            parts.insert((parts.isEmpty ? "" : "x") + String(repeating: "0", count: 3 - digits.count) + digits, at: 0)
            rest /= 1000
        } while rest > 0
        return "tile/\(first)/" + parts.joined(separator: "/") + (width == Self.fullWidth ? "" : ".p/\(width)")
    }

    /// Whether a tree has all that the tile holds. The sizes of partial tiles are not held to checkpoints: any that fits is there.
    public func isWithin(size: Int) -> Bool {
        let shift = if case .hashes(let level) = content { 8 * level } else { 0 }
        // A tree has less than 2^63 leaves.
        guard shift < 63, index < 1 << 54 else { return false }
        return index * Self.fullWidth + width <= size >> shift
    }

    /// How many levels a tree of this size has hashes on.
    public static func levels(size: Int) -> Int { size == 0 ? 0 : (Int.bitWidth - 1 - size.leadingZeroBitCount) / 8 + 1 }

    /// The partial tile at the right edge of a level; nil where the size leaves none there.
    public static func unfinished(level: Int, size: Int) -> Tile? {
        let count = size >> (8 * level)
        return count % fullWidth == 0 ? nil : Tile(.hashes(level: level), index: count / fullWidth, width: count % fullWidth)
    }

    private static func decimal(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || text.utf8.first != 0x30 else { return nil }
        return Int(text)
    }
}

extension Subtree {
    /// Where its hash comes from: nodes of one tile level that are folded into it, one of them where its height is a multiple of 8.
    public var tileNodes: (level: Int, range: Range<Int>) {
        let level = height / 8, within = height % 8
        return (level, index << within..<(index + 1) << within)
    }
}

/// Entries one behind another, each after its length in two bytes, the higher first (C2SP tlog-tiles).
public enum EntryBundle {
    /// The longest entry.
    public static let longest = 65535

    /// - Parameter entries: none longer than ``longest``.
    public static func encode(_ entries: [[UInt8]]) -> [UInt8] {
        entries.reduce(into: []) { bundle, entry in
            precondition(entry.count <= longest, "entries fit their length")
            bundle += [UInt8(entry.count >> 8), UInt8(entry.count & 255)]
            bundle += entry
        }
    }

    /// - Returns: nil where the last entry is cut off.
    public static func decode(_ bundle: [UInt8]) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        var rest = bundle[...]
        while !rest.isEmpty {
            guard rest.count >= 2 else { return nil }
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard rest.count >= length else { return nil }
            entries.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return entries
    }
}
