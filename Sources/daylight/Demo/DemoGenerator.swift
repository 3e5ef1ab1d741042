/// The tables of the demonstration. Which dataset and profile a table belongs to stands in `schema/demo/demo.json`, not here.
enum DemoGenerator: String, Decodable, CaseIterable {
    case budget, transfers, debt, projects, distribution, stations, hours, samples, cases, trades

    /// The table as a department's system would export it: the same bytes at every call.
    var table: DemoTable {
        var random = DemoRandom(rawValue)
        switch self {
        case .budget: return Self.budget(&random)
        case .transfers: return Self.transfers(&random)
        case .debt: return Self.debt(&random)
        case .projects: return Self.projects(&random)
        case .distribution: return Self.distribution(&random)
        case .stations: return Self.stations(&random)
        case .hours: return Self.hours(&random)
        case .samples: return Self.samples(&random)
        case .cases: return Self.cases(&random)
        case .trades: return Self.trades(&random)
        }
    }
}
