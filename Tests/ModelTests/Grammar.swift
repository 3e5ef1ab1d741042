/// A grammar in the notation of OGC's `cql2.bnf`, and random sentences of it.
struct Grammar {
    private indirect enum Part {
        case choice([Part])
        case sequence([Part])
        case optional(Part)
        /// Once or more.
        case repeated(Part)
        case rule(String)
        case text(String)
        case range(UInt32, UInt32)
    }

    private var rules: [String: Part] = [:]
    /// How deep the shallowest sentence of a rule is; none where it leads only to what is left out.
    private var heights: [String: Int] = [:]
    private let without: Set<String>
    /// What stands for a rule's sentence instead.
    private let instead: [String: @Sendable (inout Generator) -> String]
    /// Rules in whose sentences no spaces stand.
    private let words: Set<String>

    /// - Parameter without: rules and words that no sentence has.
    init(_ text: String, words: Set<String>, without: Set<String>, instead: [String: @Sendable (inout Generator) -> String]) {
        (self.words, self.without, self.instead) = (words, without, instead)
        var tokens = Self.tokens(text)[...]
        while let name = tokens.popFirst() {
            tokens.removeFirst()
            rules[name] = Self.choice(&tokens)
            tokens.removeFirst()
        }
        while true {
            let found = rules.compactMapValues { height($0) }
            if found == heights { return }
            heights = found
        }
    }

    // MARK: reading

    private static func tokens(_ text: String) -> [String] {
        var tokens: [String] = []
        for line in text.split(separator: "\n") {
            var rest = line.unicodeScalars[...]
            while let first = rest.first, first != "#" {
                if first == " " || first == "\t" || first == "\r" {
                    rest.removeFirst()
                } else if first == "\"" {
                    var end = rest.index(after: rest.startIndex)
                    while rest[end] != "\"" { end = rest.index(end, offsetBy: rest[end] == "\\" ? 2 : 1) }
                    tokens.append(String(rest[...end]))
                    rest = rest[rest.index(after: end)...]
                } else if rest.starts(with: "..".unicodeScalars) {
                    tokens.append("..")
                    rest = rest.dropFirst(2)
                } else {
                    let word = rest.prefix { $0.properties.isAlphabetic }
                    tokens.append(word.isEmpty ? String(first) : String(word))
                    rest = rest.dropFirst(max(word.count, 1))
                }
            }
        }
        return tokens
    }

    private static func choice(_ tokens: inout ArraySlice<String>) -> Part {
        var parts = [sequence(&tokens)]
        while tokens.first == "|" {
            tokens.removeFirst()
            parts.append(sequence(&tokens))
        }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private static func sequence(_ tokens: inout ArraySlice<String>) -> Part {
        var parts: [Part] = []
        while let token = tokens.first, !["|", ";", "]", "}"].contains(token) {
            tokens.removeFirst()
            switch token {
            case "[":
                parts.append(.optional(choice(&tokens)))
                tokens.removeFirst()
            case "{":
                parts.append(.repeated(choice(&tokens)))
                tokens.removeFirst()
            case _ where token.hasPrefix("\""):
                let text = unquoted(token)
                if tokens.first == ".." {
                    tokens.removeFirst()
                    parts.append(.range(text.unicodeScalars.first!.value, unquoted(tokens.removeFirst()).unicodeScalars.first!.value))
                } else {
                    parts.append(.text(text))
                }
            default: parts.append(.rule(token))
            }
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private static func unquoted(_ token: String) -> String {
        let inner = token.dropFirst().dropLast()
        if inner.hasPrefix("\\x"), let value = UInt32(inner.dropFirst(2), radix: 16), let scalar = Unicode.Scalar(value) { return String(Character(scalar)) }
        return String(inner.replacing("\\\"", with: "\"").replacing("\\\\", with: "\\"))
    }

    // MARK: writing

    private func height(_ part: Part) -> Int? {
        switch part {
        case .choice(let parts): return parts.compactMap(height).min()
        case .sequence(let parts):
            let heights = parts.map(height)
            return heights.contains { $0 == nil } ? nil : heights.compactMap { $0 }.max() ?? 0
        case .optional: return 0
        case .repeated(let part): return height(part)
        case .rule(let name): return without.contains(name) ? nil : instead[name] != nil ? 1 : heights[name].map { $0 + 1 }
        case .text(let text): return without.contains(text) ? nil : 0
        case .range: return 0
        }
    }

    /// - Parameter depth: rules within rules, as far as it can be kept.
    func sentence(of rule: String, depth: Int, _ random: inout Generator) -> String {
        var output = ""
        write(.rule(rule), depth, " ", &random, &output)
        return output
    }

    private func write(_ part: Part, _ depth: Int, _ space: String, _ random: inout Generator, _ output: inout String) {
        func add(_ text: String) { output += (output.isEmpty ? "" : space) + text }
        switch part {
        case .choice(let parts):
            let possible = parts.filter { height($0) != nil }
            let fitting = possible.filter { height($0)! < depth }
            let least = possible.min { height($0)! < height($1)! }!
            write(fitting.isEmpty ? least : fitting[random.below(fitting.count)], depth, space, &random, &output)
        case .sequence(let parts): for part in parts { write(part, depth, space, &random, &output) }
        case .optional(let part):
            if let height = height(part), height < depth, random.below(2) == 0 { write(part, depth, space, &random, &output) }
        case .repeated(let part): for _ in 0...random.below(3) { write(part, depth, space, &random, &output) }
        case .text(let text): add(text)
        case .range(let low, let high):
            let value = low + UInt32(random.below(Int(high - low) + 1))
            add(String(Character(Unicode.Scalar(value == 0x5C ? 0x2F : value) ?? "x")))
        case .rule(let name):
            if let make = instead[name] { return add(make(&random)) }
            guard let body = rules[name] else { return add("?\(name)?") }
            guard space != "", words.contains(name) else { return write(body, depth - 1, space, &random, &output) }
            var word = ""
            write(body, depth - 1, "", &random, &word)
            add(word)
        }
    }
}

/// Random numbers that are the same in every run.
struct Generator {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
