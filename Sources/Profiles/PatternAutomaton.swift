/// A deterministic automaton for a whole-value match: Thompson's construction, then subsets of its states.
struct Automaton {
    private static let mostNodes = 5000
    private static let mostStates = 2000

    /// `state * classCount + class` → state. State 0 is dead, state 1 the start.
    private(set) var next: [UInt16] = []
    private(set) var accepts: [Bool] = []

    /// - Throws: when the tables would grow beyond reason.
    init(_ tree: PatternTree, _ alphabet: Alphabet) throws(Pattern.Failure) {
        var network = Network(alphabet: alphabet, mostNodes: Self.mostNodes)
        let final = network.add(.final)
        let start = network.build(tree, then: final)
        guard network.nodes.count <= Self.mostNodes else { throw Self.tooLarge }

        var numbers: [[Int]: Int] = [[]: 0]
        var subsets: [[Int]] = [[]]
        func number(of subset: [Int]) -> Int {
            if let known = numbers[subset] { return known }
            numbers[subset] = subsets.count
            subsets.append(subset)
            return subsets.count - 1
        }
        _ = number(of: network.closure([start]))
        var state = 0
        while state < subsets.count {
            guard subsets.count <= Self.mostStates else { throw Self.tooLarge }
            let subset = subsets[state]
            var targets = [[Int]](repeating: [], count: alphabet.count)
            for node in subset {
                if case .step(let classes, let target) = network.nodes[node] { for each in classes { targets[each].append(target) } }
            }
            for target in targets { next.append(UInt16(number(of: network.closure(target)))) }
            accepts.append(subset.contains(final))
            state += 1
        }
    }

    private static var tooLarge: Pattern.Failure {
        Pattern.Failure(place: nil, zh: "正则表达式过于复杂，请减小重复次数", en: "the expression is too complex; lower its repeat counts")
    }
}

/// Thompson's network: each node steps over one character, forks, or is the end.
private struct Network {
    enum Node {
        case step([Int], Int)
        case fork([Int])
        case final
    }

    let alphabet: Alphabet
    let mostNodes: Int
    private(set) var nodes: [Node] = []

    mutating func add(_ node: Node) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    /// Adds the tree before `target` and gives its first node. Stops growing once there are too many.
    mutating func build(_ tree: PatternTree, then target: Int) -> Int {
        guard nodes.count <= mostNodes else { return target }
        switch tree {
        case .empty: return target
        case .set(let set): return add(.step(alphabet.classes(of: set), target))
        case .sequence(let parts): return parts.reversed().reduce(target) { build($1, then: $0) }
        case .choice(let options): return add(.fork(options.map { build($0, then: target) }))
        case .repetition(let part, let minimum, let maximum):
            var first = target
            if let maximum {
                for _ in minimum..<maximum { first = add(.fork([build(part, then: first), target])) }
            } else {
                let loop = add(.fork([]))
                nodes[loop] = .fork([build(part, then: loop), target])
                first = loop
            }
            for _ in 0..<minimum { first = build(part, then: first) }
            return first
        }
    }

    /// The nodes that can be reached without a character, forks left out, sorted.
    func closure(_ starts: [Int]) -> [Int] {
        var seen: Set<Int> = []
        var pending = starts
        while let node = pending.popLast() {
            guard seen.insert(node).inserted else { continue }
            if case .fork(let branches) = nodes[node] { pending += branches }
        }
        return seen.filter { if case .fork = nodes[$0] { false } else { true } }.sorted()
    }
}
