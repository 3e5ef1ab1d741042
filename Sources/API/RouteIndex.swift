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
        var path = path
        return path.withUTF8 { path in
            let count = PathPattern.count(path)
            let candidates = routes[method].flatMap { count < $0.count ? $0[count] : nil } ?? []
            return candidates.first { $0.pattern.matches(path, count) } ?? openEnded.first { $0.method == method && $0.pattern.matches(path, count) }
        }
    }

    /// Methods that some route has for a path; empty when there is no such path.
    func methods(at path: Substring) -> [String] {
        var path = path
        let all = path.withUTF8 { path in
            let count = PathPattern.count(path)
            return routes.values.joined().joined().filter { $0.pattern.matches(path, count) } + openEnded.filter { $0.pattern.matches(path, count) }
        }
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

    /// The number of a path's segments; several slashes count as one.
    static func count(_ path: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0, isInside = false
        for byte in path {
            let isSlash = byte == UInt8(ascii: "/")
            if !isSlash, !isInside { count += 1 }
            isInside = !isSlash
        }
        return count
    }

    /// - Parameter count: of the path's segments.
    func matches(_ path: UnsafeBufferPointer<UInt8>, _ count: Int) -> Bool {
        guard hasOpenEnd ? count > segments.count : count == segments.count else { return false }
        var end = 0
        for pattern in segments {
            var start = end
            while path[start] == UInt8(ascii: "/") { start += 1 }
            end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            switch pattern {
            case .named(let name):
                guard Self.equal(path, start, end, name) else { return false }
            case .open(let prefix, let suffix):
                guard end - start > prefix.count + suffix.count, Self.equal(path, start, start + prefix.count, prefix), Self.equal(path, end - suffix.count, end, suffix) else {
                    return false
                }
            }
        }
        return true
    }

    private static func equal(_ path: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ name: [UInt8]) -> Bool {
        guard end - start == name.count else { return false }
        for index in name.indices where path[start + index] != name[index] { return false }
        return true
    }
}
