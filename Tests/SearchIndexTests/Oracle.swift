import Foundation

@testable import SearchIndex

/// The same questions answered by looking at every document: slow, and simple enough to be right.
struct Oracle {
    private(set) var documents: [Int32: Document] = [:]
    private var fields: [Int32: [[Folding.Token]]] = [:]
    let departments: [String: String]

    init(departments: [String: String] = [:]) { self.departments = departments }

    mutating func put(_ document: Document) {
        documents[document.number] = document
        let lines = String(decoding: document.text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let name = departments[document.values[.department] ?? ""] ?? ""
        fields[document.number] = (lines + [name]).map(Folding.tokens)
    }

    mutating func remove(_ number: Int32) { documents[number] = nil }

    private func holds(_ tokens: [Folding.Token], _ atom: Question.Atom) -> Bool {
        tokens.contains { token in
            switch (token, atom) {
            case (.run(let run), .phrase(let phrase)):
                return String(decoding: run, as: UTF16.self).contains(String(decoding: phrase, as: UTF16.self))
            case (.word(let word), .word(let wanted, let isPrefix)):
                return isPrefix ? word.hasPrefix(wanted) : word == wanted
            default: return false
            }
        }
    }

    /// Where a clause stands at best; nil where it does not.
    func level(_ clause: Question.Clause, _ document: Document) -> Level? {
        let fields = fields[document.number] ?? []
        return clause.alternatives.compactMap { alternative -> Level? in
            var worst = Level.title
            for atom in alternative {
                guard let place = fields.firstIndex(where: { holds($0, atom) }) else { return nil }
                worst = min(worst, place == 0 ? .title : place == 1 ? .keywords : .text)
            }
            return worst
        }.max()
    }

    private func isSeen(_ document: Document, _ drafts: Query.Drafts) -> Bool {
        guard document.isDraft else { return true }
        switch drafts {
        case .none: return false
        case .all: return true
        case .department(let department, let numbers): return document.values[.department] == department && numbers?.contains(document.number) ?? true
        }
    }

    func hits(_ query: Query) -> [(place: Query.Place, document: Document)] {
        documents.values.compactMap { document -> (Query.Place, Document)? in
            guard isSeen(document, query.drafts) else { return nil }
            for (facet, condition) in query.conditions {
                guard let value = document.values[facet] else { return nil }
                switch condition {
                case .equals(let wanted): if value != wanted { return nil }
                case .matches(let isAllowed): if !isAllowed(value) { return nil }
                }
            }
            if let year = query.year, document.years?.contains(year) != true { return nil }
            var score: Int32 = 0
            if let question = query.question {
                for clause in question.clauses {
                    guard let level = level(clause, document), !query.inTitlesOnly || level == .title else { return nil }
                    score += Int32(level.rawValue) * 100
                }
                let age = query.day - Ranking.day(of: document.at)
                score += Int32(Ranking.freshness(age: age, cycleDays: Ranking.days(ofCycle: document.values[.updateCycle])))
                score += Int32(Ranking.size(rowCount: document.rowCount)) + Int32(Ranking.completeness(document.completeness))
            }
            return (Query.Place(score: score, at: document.at, number: document.number), document)
        }.sorted { $0.0.comesBefore($1.0) }
    }

    static func counts(_ hits: [Document], _ facet: Facet) -> [String: Int] {
        hits.reduce(into: [:]) { counts, document in
            if let value = document.values[facet] { counts[value, default: 0] += 1 }
        }
    }

    static func years(_ hits: [Document]) -> [Int: Int] {
        hits.reduce(into: [:]) { counts, document in
            for year in document.years.map(Array.init) ?? [] { counts[year, default: 0] += 1 }
        }
    }
}

/// Random numbers that are the same in every run.
struct Dice {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func roll(_ sides: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(sides))
    }

    mutating func pick<T>(_ list: [T]) -> T { list[roll(list.count)] }
}

/// Titles of real catalogues where they stand beside the project, and a few that are always there.
enum Titles {
    static let all: [String] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data/catalogues/tw").standardizedFileURL
        let real = (try? String(contentsOf: folder.appending(path: "data_gov_tw_titles.txt"), encoding: .utf8)) ?? ""
        // Every seventh: of many offices, and quick.
        return fixed + real.split(separator: "\n").enumerated().filter { $0.offset.isMultiple(of: 7) }.map { String($0.element) }
    }()

    private static let fixed = [
        "雅安市空气质量小时数据 Hourly Air Quality", "地表水水质监测；空气与气质、质量", "縣級預決算公開表", "2024年扶贫资金项目台账", "衔接推进乡村振兴补助资金分配",
        "公共资源交易成交公告PM2.5", "ＡＱＩ日报 ｆｕｌｌ", "㎡与℃单位换算", "𠮷野家门店", "サクラの開花", "서울시 공기질", "A股 B股 a b", "水", "数据", "Ya'an budget — naïve café",
    ]
}
