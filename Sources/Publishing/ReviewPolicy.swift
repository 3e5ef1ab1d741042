import Profiles

/// What a dataset's profile asks of its reviewers; a dataset without a profile has every version reviewed.
struct ReviewPolicy: Sendable, Hashable {
    private let policy: Profile.ReviewPolicy

    /// - Parameter word: as it stands in the profile; nil where there is none.
    init(_ word: String?) {
        policy = word.flatMap(Profile.ReviewPolicy.init(rawValue:)) ?? .eachVersion
    }

    /// - Parameter isFirst: whether the version is the first of its shape.
    func needsReview(isFirst: Bool) -> Bool {
        switch policy {
        case .eachVersion: true
        case .firstVersion: isFirst
        case .preApprovedFeed: false
        }
    }
}
