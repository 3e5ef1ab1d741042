public import Hummingbird

/// The HTTP interface: one router of record, and the server that carries it.
public struct API: Sendable {
    /// What it is set to.
    public let configuration: Configuration
    /// What it stands on.
    public let dependencies: Dependencies

    let gate: Gate

    /// - Parameters:
    ///   - configuration: what it is set to.
    ///   - dependencies: what it stands on.
    public init(configuration: Configuration, dependencies: Dependencies) {
        self.configuration = configuration
        self.dependencies = dependencies
        gate = Gate(configuration: configuration, dependencies: dependencies)
    }

    /// The router of record, with every route of every noun.
    public func makeRouter() -> Router<AppContext> {
        let router = Router(context: AppContext.self, options: [.autoGenerateHeadEndpoints])
        let routes = Routes(router: router, gate: gate)
        addHealthRoutes(routes)
        addDocumentRoutes(routes)
        addProblemRoutes(routes)
        addLimitsRoutes(routes)
        addKeysRoutes(routes)
        addUsageRoute(routes)
        addConformanceRoutes(routes)
        if let rows = dependencies.rows {
            addRowsRoutes(routes, rows)
            addQueryablesRoutes(routes, rows)
            addAggregateRoutes(routes, rows)
            addDifferenceRoutes(routes, rows)
            addHistoryRoutes(routes, rows)
        }
        if let bulk = dependencies.bulk {
            addDownloadRoutes(routes, bulk)
            addDownloadPageRoutes(routes, bulk)
            if let rows = dependencies.rows {
                addRowStreamRoutes(routes, rows, bulk)
                addDifferenceStreamRoutes(routes, rows, bulk)
            }
        }
        if let catalogue = dependencies.catalogue {
            addDatasetRoutes(routes, catalogue)
            addRevisionRoutes(routes, catalogue)
            addCatalogueFileRoutes(routes, catalogue)
            addMappingRoutes(routes, catalogue)
            addDepartmentRoutes(routes, catalogue)
            addProfileRoutes(routes, catalogue)
            addNodeRoute(routes, catalogue)
            if let changes = dependencies.changes { addChangeRoutes(routes, changes, catalogue) }
        }
        if let publishing = dependencies.publishing, let seal = dependencies.cursors {
            addPushRoutes(routes, publishing, seal)
            addReviewRoutes(routes, publishing)
            addReleaseRoutes(routes, publishing)
            addVersionRoutes(routes, publishing, seal)
            addWithdrawalRoutes(routes, publishing, seal)
            addOpeningRoutes(routes, publishing)
            if let notary = dependencies.notary { addProofRoutes(routes, notary, publishing) }
        }
        if let notary = dependencies.notary {
            addLedgerRoutes(routes, notary)
            if let seal = dependencies.cursors { addLeafRoutes(routes, notary, seal) }
            addIntegrityRoute(routes, notary)
            if let rows = dependencies.rows { addRowProofRoute(routes, notary, rows) }
        }
        if let sharing = dependencies.sharing, let seal = dependencies.cursors {
            addExchangeRoutes(routes, sharing, ExchangeParts(seal: seal, notary: dependencies.notary))
        }
        return router
    }

    /// Routes that are answered on the event loop where they can be; each is also in the router of record.
    func makeHotRoutes() -> [any HotRoute] {
        dependencies.rows.map { [HotRow(reader: $0), HotRows(reader: $0)] } ?? []
    }
}
