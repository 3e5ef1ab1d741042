import ArgumentParser
import Catalogue
import Foundation
import Migrator
import Model
import Publishing

/// `daylight demo load`: departments, keys and released datasets of all four domains, from a deterministic generator.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Demonstration data. 演示数据。", subcommands: [Load.self])

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load the demonstration's departments, keys and datasets. What is there already stays as it is.")

        @Option(help: "Where the new keys are written, readable by the owner alone (mode 600).", completion: .file())
        var keysFile: String

        func run() async throws {
            let file = try SchemaDirectory.locate().appending(path: "demo/demo.json")
            guard let data = try? Data(contentsOf: file) else { throw Failure("cannot read \(file.path)") }
            let plan = try JSON.decoder().decode(DemoPlan.self, from: data)
            try await Operator.withStore { store in
                let loader = DemoLoader(
                    store: store, catalogue: Catalogue(store: store, seal: try await CursorSeal.load(from: store)),
                    publishing: Publishing(store: store, logger: Operator.logger))
                try await loader.load(plan, keysFile: keysFile)
            }
        }
    }
}
