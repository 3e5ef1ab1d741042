import Foundation
import Model

/// What `schema/demo/demo.json` says: the departments and datasets of the demonstration.
struct DemoPlan: Decodable, Sendable {
    struct Office: Decodable, Sendable {
        /// How the datasets name it.
        var reference: String
        /// The first 17 characters of its credit code; the check character is computed.
        var body: String
        var name: LocalizedText
        var level: Department.Level
        var region: String

        func department() throws -> Department {
            guard let code = Identifiers.creditCode(body: body) else { throw Failure("demo.json: '\(body)' are not 17 characters of a credit code") }
            return Department(uscc: code, name: name, level: level, region: region)
        }
    }

    struct Entry: Decodable, Sendable {
        var id: String
        /// Its `department` is a reference to one of the offices.
        var generator: DemoGenerator
        var description: DatasetDescription
        var mapping: Mapping?
    }

    var departments: [Office]
    var datasets: [Entry]
}
