/// The routes by their templates: finds at once what the router will find, for what has to be said before the router is asked.
struct RouteIndex: Sendable {
    /// By method and the number of segments.
    private var routes: [String: [[Route]]] = [:]
    /// Routes whose last segment stands for all that follow.
    private var openEnded: [Route] = []

    init(_ all: [Route]) {
        for route in all {
            guard !route.pattern.hasOpenEnd else {
                openEnded.append(route)
                continue
            }
            let count = route.pattern.segments.count
            var ofMethod = routes[route.method, default: []]
            while ofMethod.count <= count { ofMethod.append([]) }
            ofMethod[count].append(route)
            routes[route.method] = ofMethod
        }
        // What is named beats what is left open.
        for (method, lists) in routes { routes[method] = lists.map { $0.sorted { $0.pattern.openSegments < $1.pattern.openSegments } } }
    }

    /// The route of a method and an encoded path.
    func route(_ method: String, _ path: Substring) -> Route? {
        let segments = PathPattern.segments(path)
        let candidates = routes[method].flatMap { segments.count < $0.count ? $0[segments.count] : nil } ?? []
        return candidates.first { $0.pattern.matches(segments) } ?? openEnded.first { $0.method == method && $0.pattern.matches(segments) }
    }

    /// Methods that some route has for a path; empty when there is no such path.
    func methods(at path: Substring) -> [String] {
        let segments = PathPattern.segments(path)
        let all = routes.values.joined().joined().filter { $0.pattern.matches(segments) } + openEnded.filter { $0.pattern.matches(segments) }
        guard !all.isEmpty else { return [] }
        var methods = Set(all.map(\.method))
        if methods.contains("GET") { methods.insert("HEAD") }
        methods.insert("OPTIONS")
        return methods.sorted()
    }
}

/// A route's template taken apart.
struct PathPattern: Sendable {
    /// A segment: as it is, or with a part that stands for anything, at least one character.
    enum Segment: Sendable {
        case named([UInt8])
        case open(prefix: [UInt8], suffix: [UInt8])
    }

    let segments: [Segment]
    /// Whether `**` at the end stands for one segment and all that follow.
    let hasOpenEnd: Bool
    let openSegments: Int

    init(_ template: String) {
        var parts = template.split(separator: "/")
        hasOpenEnd = parts.last == "**"
        if hasOpenEnd { parts.removeLast() }
        segments = parts.map { part in
            guard let open = part.firstIndex(of: "{"), let close = part.lastIndex(of: "}") else { return .named(Array(part.utf8)) }
            return .open(prefix: Array(part[..<open].utf8), suffix: Array(part[part.index(after: close)...].utf8))
        }
        openSegments = segments.count { if case .open = $0 { true } else { false } }
    }

    static func segments(_ path: Substring) -> [Substring.UTF8View] { path.utf8.split(separator: UInt8(ascii: "/")) }

    func matches(_ path: [Substring.UTF8View]) -> Bool {
        guard hasOpenEnd ? path.count > segments.count : path.count == segments.count else { return false }
        for (pattern, segment) in zip(segments, path) {
            switch pattern {
            case .named(let name):
                guard segment.elementsEqual(name) else { return false }
            case .open(let prefix, let suffix):
                guard segment.count > prefix.count + suffix.count, segment.starts(with: prefix), segment.suffix(suffix.count).elementsEqual(suffix) else { return false }
            }
        }
        return true
    }
}
