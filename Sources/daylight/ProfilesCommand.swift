import ArgumentParser
import Catalogue
import Foundation
import Model
import Profiles
import Store

/// `daylight profiles`: a domain's rules as data.
struct ProfilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles", abstract: "Load and list profiles. 加载、列出领域规范。", subcommands: [Load.self, List.self]
    )

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load profile files.", discussion: "A profile is immutable: the same file again does nothing, another file under the same id and version is refused."
        )

        @Argument(help: "JSON files, or folders of them.", completion: .file(extensions: ["json"]))
        var paths: [String]

        func run() async throws {
            let files = try Operator.files(paths, ending: ".json")
            try await Operator.withStore { store in
                for file in files {
                    do {
                        let (profile, loading) = try await Registry(store: store).loadProfile(Operator.contents(file))
                        let name = "\(profile.id) \(profile.version ?? 0)"
                        switch loading {
                        case .added: print("\(name): added")
                        case .known: print("\(name): known already")
                        case .differs: throw Failure("\(file.path): another file was loaded as \(name) before; profiles are immutable, raise the version")
                        }
                    } catch let error as InvalidDocument {
                        throw Operator.refusal(file, error)
                    }
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the newest version of each profile.")

        func run() async throws {
            try await Operator.withStore { store in
                for (profile, title, loadedAt) in try await Registry(store: store).profiles() {
                    print("\(profile.id)\t\(profile.version ?? 0)\t\(title.zh)\t\(loadedAt)")
                }
            }
        }
    }
}
