public import Foundation

/// Where the project's files stand, found from this source file.
public enum Project {
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// - Parameter path: relative to the project's folder, for example `docs/errors.md`.
    public static func file(_ path: String) -> URL { root.appending(path: path) }

    public static func text(_ path: String) throws -> String {
        try String(contentsOf: file(path), encoding: .utf8)
    }

    /// The cells of every table row in a Markdown document whose first cell matches, without back quotes around a cell.
    ///
    /// - Parameter pattern: a regular expression for the whole first cell, for example `DL\d{4}`.
    public static func tableRows(in path: String, firstCell pattern: String) throws -> [[String]] {
        let expression = try Regex(pattern)
        return try text(path).split(separator: "\n").compactMap { line in
            guard line.hasPrefix("|"), line.hasSuffix("|") else { return nil }
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces.union(CharacterSet(charactersIn: "`")))
            }
            guard let first = cells.first, first.wholeMatch(of: expression) != nil else { return nil }
            return cells
        }
    }
}
