import Foundation
import TestSupport
import Testing

/// Every environment variable that the program reads is documented, and no other.
@Suite struct ConfigurationTests {
    @Test func everyVariableIsDocumented() throws {
        var read: Set<String> = []
        let sources = try #require(FileManager.default.enumerator(at: Project.file("Sources"), includingPropertiesForKeys: nil))
        for case let file as URL in sources where file.pathExtension == "swift" {
            // The keys that the demonstration writes into its file are no settings.
            if file.path.contains("/Demo/") { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /"(DATABASE_URL|DAYLIGHT_[A-Z_]+)"/) { read.insert(String(match.output.1)) }
        }
        let documented = try Project.tableRows(in: "docs/configuration.md", firstCell: #"`?(DATABASE_URL|DAYLIGHT_[A-Z_]+)`?"#).filter { $0.count == 4 }.map { $0[0] }
        #expect(read.count > 10)
        #expect(Set(documented) == read)
    }
}
