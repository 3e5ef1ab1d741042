import ArgumentParser
import Catalogue
import Foundation
import Profiles
import Store

/// `daylight reference`: code lists and departments.
struct ReferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Load and list reference data. 加载、列出代码表和部门。", subcommands: [Load.self, List.self]
    )

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load CSV files of codes or departments.",
            discussion: """
                The header says which: list,code,title_zh,title_en,parent,valid_from,valid_to for codes, uscc,name_zh,name_en,level,region for departments, \
                which contact_name, contact_phone, contact_email and node may follow. \
                Each file is loaded whole or not at all; entries are added or brought up to date, none is taken away.
                """
        )

        @Argument(help: "CSV files, or folders of them.", completion: .file(extensions: ["csv"]))
        var paths: [String]

        func run() async throws {
            let files = try Operator.files(paths, ending: ".csv")
            try await Operator.withStore { store in
                for file in files {
                    do {
                        for (list, loaded) in try await Registry(store: store).loadReference(Operator.contents(file)).sorted(by: { $0.key < $1.key }) {
                            print("\(list): \(loaded.added) added, \(loaded.changed) changed")
                        }
                    } catch let error as InvalidDocument {
                        throw Operator.refusal(file, error)
                    }
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the code lists and their sizes.")

        func run() async throws {
            try await Operator.withStore { store in
                for list in try await Registry(store: store).codeLists() { print("\(list.id)\t\(list.count)\t\(list.loadedAt)") }
            }
        }
    }
}
