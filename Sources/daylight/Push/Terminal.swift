import Foundation
import Model

/// Where a command talks to a person: results on standard output, progress and warnings on standard error.
struct Terminal: Sendable {
    /// Whether standard error is a terminal, so that a line can be drawn over.
    let isInteractive: Bool
    /// Chinese where the locale says so (`LC_ALL`, `LC_MESSAGES`, `LANG`), else English.
    let language: Language

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        isInteractive = isatty(2) == 1 && environment["TERM"] != "dumb"
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        language = locale.hasPrefix("zh") ? .zh : .en
    }

    func print(_ text: String) {
        guard !text.isEmpty else { return }
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    func warn(_ text: String) { raw(text + "\n") }

    /// Writes to standard error as it is.
    func raw(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
