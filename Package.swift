// swift-tools-version: 6.1
import Foundation
import PackageDescription

// Every room follows the same rules. CI adds DAYLIGHT_STRICT=1, which turns warnings into errors.
// Tests run in the release configuration too, from the same build as the server: hence -enable-testing there.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .unsafeFlags(["-enable-testing"], .when(configuration: .release)),
    ]
    + (ProcessInfo.processInfo.environment["DAYLIGHT_STRICT"] == "1" ? [.unsafeFlags(["-warnings-as-errors"])] : [])

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioFoundation: Target.Dependency = .product(name: "NIOFoundationCompat", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let collections: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let client: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "daylight",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "daylight", targets: ["daylight"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // floor 0
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .systemLibrary(name: "CXlsxWriter", pkgConfig: "xlsxwriter", providers: [.apt(["libxlsxwriter-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // floor 1
        room("Postgres", ["CLibpq", nio, nioPosix, nioLocks, log, collections]),
        room("Model"),
        room("CSV", ["CZlib"]),
        room("RateLimit"),
        room("SearchIndex"),
        room("WorkCalendar"),
        // floor 2
        room("Store", ["Model", "Postgres", "RateLimit", nio, nioLocks, collections, crypto, log]),
        room("Profiles", ["Model"]),
        room("Migrator", ["Postgres", crypto]),
        room("Ledger", ["CNettle", "Model", crypto]),
        room("Copies", ["Model", "Postgres", crypto, log, nio]),
        // floor 3
        room("Catalogue", ["Model", "Profiles", "SearchIndex", "Store", "Ledger", "CSV", nio, nioPosix, crypto, log, nioLocks]),
        room("Notary", ["Model", "Ledger", "Store", nio, crypto, log]),
        room("Exchange", ["Model", "RateLimit", "WorkCalendar", "Store", "Ledger", client, nio, nioHTTP1, nioLocks, nioPosix, crypto, log]),
        room("Jobs", ["Model", "Store", log]),
        room("Mirror", ["Model", "Profiles", "Store", "Ledger", nio, crypto, log]),
        room("Witness", ["Ledger", log]),
        room("Publishing", ["Model", "Profiles", "Store", "Ledger", "CSV", nio, nioLocks, crypto, log]),
        room("Bulk", ["CXlsxWriter", "Model", "Profiles", "Store", "CSV", nio, nioPosix, nioLocks, crypto, log]),
        // floor 4
        room("API", ["Model", "CSV", "Profiles", "Catalogue", "Exchange", "Publishing", "Bulk", "Ledger", "Notary", "RateLimit", "Witness", nio, nioPosix, nioHTTP1, nioLocks, log, crypto] + hummingbird),
        // floor 5
        .executableTarget(
            name: "daylight",
            dependencies: [
                "API", "Bulk", "Catalogue", "Copies", "CSV", "Exchange", "Jobs", "Ledger", "Migrator", "Mirror", "Model", "Notary", "Postgres", "Profiles", "Publishing", "RateLimit", "Store", "Witness",
                arguments, client, crypto, log, nio, nioFoundation, nioHTTP1, nioLocks, nioPosix,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"), .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Model", "Postgres", "Migrator", "Store", client, yaml, crypto, nio, nioPosix, nioLocks, log, nioHTTP1],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        tests("BulkTests", ["Bulk", "CSV", "Model", "Store", "TestSupport", crypto, log, nio]),
        tests("CSVTests", ["CSV"]),
        tests("CopiesTests", ["Copies", "Model", "Postgres", "TestSupport", crypto, log, nio, nioPosix]),
        tests("CatalogueTests", ["Catalogue", "Model", "Postgres", "Profiles", "Store", "TestSupport", nio, nioPosix, log]),
        tests("JobsTests", ["Jobs", "Postgres", "Store", "TestSupport", log, nioPosix]),
        tests("ExchangeTests", ["Exchange", "Jobs", "Ledger", "Model", "Postgres", "Publishing", "RateLimit", "Store", "WorkCalendar", "TestSupport", client, crypto, log, nio, nioHTTP1, nioLocks, nioPosix]),
        tests("LedgerTests", ["Ledger", "Model", "TestSupport", crypto]),
        tests("ModelTests", ["Model"]),
        tests("MigratorTests", ["Migrator", "Postgres", "TestSupport"]),
        tests("ProfilesTests", ["Profiles", "Model"]),
        tests(
            "APITests",
            ["API", "Bulk", "Catalogue", "Ledger", "Model", "Notary", "Postgres", "Publishing", "RateLimit", "Store", "TestSupport", client, crypto, log, nio, nioPosix, nioHTTP1,
                .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "NIOFoundationCompat", package: "swift-nio")] + hummingbird),
        tests("ContractTests", ["API", "Bulk", "Catalogue", "Exchange", "Ledger", "Model", "Notary", "Postgres", "Publishing", "RateLimit", "Store", "TestSupport", crypto, nio, nioPosix, nioHTTP1, log, client] + hummingbird),
        tests("NotaryTests", ["Ledger", "Model", "Notary", "Postgres", "Store", "TestSupport", "Witness", log, nioPosix]),
        tests("PublishingTests", ["Publishing", "CSV", "Ledger", "Model", "Notary", "Postgres", "Profiles", "Store", "TestSupport", crypto, log, nio, nioPosix]),
        tests("AcceptanceTests", ["daylight", "Ledger", "Model", "Postgres", "TestSupport", client, crypto, nio, nioHTTP1, nioLocks, nioPosix]),
        tests("RateLimitTests", ["RateLimit"]),
        tests("SearchIndexTests", ["SearchIndex"]),
        tests("WorkCalendarTests", ["WorkCalendar", "TestSupport"]),
        tests("StoreTests", ["Migrator", "Model", "Postgres", "RateLimit", "Store", "TestSupport", nio, nioPosix, log]),
        tests("PostgresTests", ["Postgres", "TestSupport", nio, nioPosix, log]),
        tests("WitnessTests", ["Ledger", "Witness", "TestSupport", log]),
    ]
)
