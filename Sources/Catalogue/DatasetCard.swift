public import Model
import Synchronization

/// What lists show of a dataset, kept in memory with the text that it was made into.
public final class DatasetCard: Sendable {
    public let overview: DatasetOverview
    private let text = Mutex<[UInt8]?>(nil)

    init(_ overview: DatasetOverview) { self.overview = overview }

    /// The text that a caller makes of it; made once.
    public func text(_ make: (DatasetOverview) throws -> [UInt8]) rethrows -> [UInt8] {
        if let known = text.withLock({ $0 }) { return known }
        let made = try make(overview)
        text.withLock { $0 = made }
        return made
    }
}
