internal import Model
public import Store

/// Whether what was read a moment ago still stands: for those who keep answers.
public struct Freshness: Sendable {
    private let released: ReleasedDatasets
    private var announcements: Announcements { released.announcements }

    public init(_ released: ReleasedDatasets) {
        self.released = released
    }

    /// How long what was read of a dataset a moment ago may be given at most: until the next of its rows has to leave public view. Nil for any time.
    public func lifetime(of dataset: String) -> Duration? {
        released.known(dataset)?.expiresAt.map { .microseconds($0.microseconds - Timestamp.now.microseconds) }
    }

    /// Whether every change that was made up to a moment ago has been heard: less than a second.
    public var isCurrent: Bool { announcements.isCurrent }

    /// Has a closure called at each change, with the dataset's identifier; with nil where any may have changed. It must not wait.
    public func onChange(_ body: @escaping @Sendable (String?) -> Void) {
        announcements.onNews { news in
            switch news {
            case .changed(let dataset): body(dataset)
            case .entered: break
            case .mayHaveMissed, .ended: body(nil)
            }
        }
    }
}
