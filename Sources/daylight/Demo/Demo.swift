import ArgumentParser
import Catalogue
import Foundation
import Logging
import Migrator
import Model
import NIOCore
import NIOPosix
import Publishing
import Store

/// `daylight demo load`: departments, keys and released datasets of all four domains, from a deterministic generator.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Demonstration data. 演示数据。", subcommands: [Load.self])

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load the demonstration's departments, keys and datasets. What is there already stays as it is.")

        @Option(help: "Where the new keys are written, readable by the owner alone (mode 600).", completion: .file())
        var keysFile: String

        func run() async throws {
            let settings = try Settings()
            let file = settings.schema.appending(path: "demo/demo.json")
            guard let data = try? Data(contentsOf: file) else { throw Failure("cannot read \(file.path)") }
            let plan = try JSON.decoder().decode(DemoPlan.self, from: data)
            try await withStore(settings) { store, logger in
                let loader = DemoLoader(
                    store: store, catalogue: Catalogue(store: store, seal: try await CursorSeal.load(from: store)),
                    publishing: Publishing(store: store, logger: logger))
                try await loader.load(plan, keysFile: keysFile)
            }
        }
    }
}

/// Opens the store for one command and closes it afterwards; problems become messages for the operator.
func withStore(_ settings: Settings, _ body: (Store, Logger) async throws -> Void) async throws {
    var logger = Logger(label: "daylight")
    logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
    let store = Store(settings.store, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    do {
        try await store.start()
        try await body(store, logger)
        await store.close()
    } catch let problem as Problem {
        await store.close()
        let places = problem.places.map { "\n  \($0.place): \($0.message.en ?? $0.message.zh)" }.joined()
        throw Failure("\(problem.detail.en ?? problem.detail.zh)\(places)")
    } catch {
        await store.close()
        throw error
    }
}
