import ArgumentParser

/// Which versions are downloaded.
enum Sample: Equatable, ExpressibleByArgument {
    case all
    /// Each with this chance, one at least.
    case share(Double)
    /// So many, each as likely as any other.
    case count(Int)

    /// Reads `5%` or `20`.
    init?(argument: String) {
        if argument.hasSuffix("%") {
            guard let value = Double(argument.dropLast()), value > 0, value <= 100 else { return nil }
            self = .share(value / 100)
        } else {
            guard let value = Int(argument), value >= 0 else { return nil }
            self = .count(value)
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .all: "all"
        case .share(let share): "\(Int(share * 100))%"
        case .count(let count): "\(count)"
        }
    }

    /// How many are kept back to be chosen from when all are known.
    var reserve: Int {
        switch self {
        case .all: 0
        case .share: 1
        case .count(let count): count
        }
    }
}
