extension Route {
    /// Whether a path is one of this route's: `{name}` stands for one segment, or for a part of one; `**` at the end for one and all that follow.
    func matches(_ path: some StringProtocol) -> Bool {
        let segments = path.split(separator: "/", omittingEmptySubsequences: true)
        let pattern = template.split(separator: "/", omittingEmptySubsequences: true)
        let hasOpenEnd = pattern.last == "**"
        guard hasOpenEnd ? segments.count >= pattern.count : segments.count == pattern.count else { return false }
        return zip(pattern, segments).allSatisfy { pattern, segment in
            if hasOpenEnd, pattern == "**" { return true }
            guard let open = pattern.firstIndex(of: "{"), let close = pattern.lastIndex(of: "}") else { return pattern == segment }
            let prefix = pattern[..<open], suffix = pattern[pattern.index(after: close)...]
            return segment.count > prefix.count + suffix.count && segment.hasPrefix(prefix) && segment.hasSuffix(suffix)
        }
    }
}
