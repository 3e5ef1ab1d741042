/// Names for one thing, as the operator's list has them; used when a question is asked, so that a change of the list needs no change of the index.
public struct Synonyms: Sendable {
    typealias Name = [Folding.Token]

    private var groups: [[Name]] = []
    /// The names as the list has them, and as they are looked up.
    private var spelled: [[(name: String, folded: [UInt16])]] = []
    /// Groups by the first token of a name, where it is a word or a whole run.
    private var byFirst: [Folding.Token: [(group: Int, name: Name)]] = [:]
    /// Names that are one run, longest first: they are found inside longer runs too.
    private var runs: [(group: Int, units: [UInt16])] = []

    /// - Parameter groups: each is a thing with its names.
    public init(_ groups: [[String]] = []) {
        for spellings in groups {
            let names = spellings.map(Folding.tokens).filter { !$0.isEmpty }
            guard names.count > 1 else { continue }
            spelled.append(spellings.map { ($0, Folding.units($0)) })
            let group = self.groups.count
            self.groups.append(names)
            for name in names {
                byFirst[name[0], default: []].append((group, name))
                if name.count == 1, case .run(let units) = name[0], units.count > 1 { runs.append((group, units)) }
            }
        }
        runs.sort { $0.units.count > $1.units.count }
    }

    /// Other names of what somebody has typed, where it is a name or the beginning of one; those of whole names first.
    public func otherNames(of typed: String) -> [String] {
        var typed = Folding.units(typed)[...]
        while typed.first == 0 { typed.removeFirst() }
        while typed.last == 0 { typed.removeLast() }
        guard typed.count > 1 else { return [] }
        var whole: [String] = [], begun: [String] = []
        for names in spelled {
            if names.contains(where: { $0.folded.elementsEqual(typed) }) {
                whole += names.filter { !$0.folded.elementsEqual(typed) }.map(\.name)
            } else if names.contains(where: { $0.folded.starts(with: typed) }) {
                begun += names.map(\.name)
            }
        }
        var seen: Set<String> = []
        return (whole + begun).filter { seen.insert($0).inserted }
    }

    /// Other names for what stands at a place.
    ///
    /// - Returns: how many tokens they are for, 1 where there are none; and each name as what has to be looked up.
    func alternatives(_ tokens: [Folding.Token], at place: Int) -> (used: Int, [[Question.Atom]]) {
        let whole = (byFirst[tokens[place]] ?? []).filter { tokens[place...].starts(with: $0.name) }
        if let longest = whole.map(\.name.count).max() {
            let names = whole.filter { $0.name.count == longest }.flatMap { groups[$0.group] }
            return (longest, names.map { name in name.map { Question.atom($0, isTyped: false) } })
        }
        guard case .run(let units) = tokens[place] else { return (1, []) }
        for (group, name) in runs where name.count < units.count {
            guard let start = (0...(units.count - name.count)).first(where: { units[$0..<$0 + name.count].elementsEqual(name) }) else { continue }
            let (before, after) = (Array(units[..<start]), Array(units[(start + name.count)...]))
            return (1, groups[group].map { Self.inserting($0, between: before, after) })
        }
        return (1, [])
    }

    /// A name in the place of another, in the middle of a run.
    private static func inserting(_ name: Name, between before: [UInt16], _ after: [UInt16]) -> [Question.Atom] {
        if name.count == 1, case .run(let units) = name[0] { return [.phrase(before + units + after)] }
        return [before, after].filter { !$0.isEmpty }.map { .phrase($0) } + name.map { Question.atom($0, isTyped: false) }
    }
}
