/// The tree over a version's rows as it is kept: its head, and the nodes from which one row can be proven without the others.
public struct RowTree: Sendable, Hashable {
    /// The head over some rows in a stretch: those of a block, or of up to 256 nodes of the level below.
    public struct Node: Sendable, Hashable {
        /// 1 for blocks of up to 256 rows, 2 for up to 256 blocks, and so on.
        public var level: Int
        /// Its place on the level, from 0. Each but the last of a level is full.
        public var number: Int
        /// 32 bytes.
        public var hash: [UInt8]
        /// The key of its first row: canonical values in key order.
        public var firstKey: [String]
        /// The key of its last row, where no node of the level follows.
        public var lastKey: [String]?

        public init(level: Int, number: Int, hash: [UInt8], firstKey: [String], lastKey: [String]? = nil) {
            self.level = level
            self.number = number
            self.hash = hash
            self.firstKey = firstKey
            self.lastKey = lastKey
        }
    }

    /// Rows of a block, and nodes that one node of the next level is over.
    public static let width = 256

    /// The number of rows.
    public var size: Int
    /// 32 bytes.
    public var head: [UInt8]
    /// Level by level; none of a level with a single node, but for the first. Empty where rows cannot be addressed by key.
    public var nodes: [Node]

    public init(size: Int, head: [UInt8], nodes: [Node]) {
        self.size = size
        self.head = head
        self.nodes = nodes
    }

    /// How many levels of nodes a tree of this size keeps.
    public static func levels(size: Int) -> Int {
        var (count, levels) = ((size + width - 1) / width, size > 0 ? 1 : 0)
        while count > width {
            count = (count + width - 1) / width
            levels += 1
        }
        return levels
    }
}
