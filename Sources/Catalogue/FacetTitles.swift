internal import Model
internal import SearchIndex
internal import Store

extension Catalogue {
    /// The names of the facets, as they stand in answers.
    public static let facets = [
        "department", "theme", "region_level", "region", "profile", "format", "update_cycle", "share_type", "openness", "year",
    ]
}

/// Turns counts into facets with titles.
struct FacetTitles {
    private let reference: SearchReference

    init(_ reference: SearchReference) { self.reference = reference }

    func facets(of answer: Answer, limit: Int) -> [DatasetPage.FacetCounts] {
        Catalogue.facets.map { name in
            let (counts, titles) = values(name, answer)
            return DatasetPage.FacetCounts(
                name: name, values: Self.most(counts, limit).map { DatasetPage.FacetValue(value: $0.value, title: titles[$0.value], count: $0.count) },
                isCut: counts.count > limit)
        }
    }

    /// The most frequent values, equal ones by their spelling. Spellings are compared only where they decide what is listed and where.
    private static func most(_ counts: [Answer.Count], _ limit: Int) -> [Answer.Count] {
        var listed = counts
        if counts.count > limit {
            let bar = counts.map(\.count).sorted(by: >)[limit - 1]
            listed.removeAll { $0.count < bar }
        }
        listed.sort { $0.count != $1.count ? $0.count > $1.count : $0.value < $1.value }
        return Array(listed.prefix(limit))
    }

    private func values(_ name: String, _ answer: Answer) -> ([Answer.Count], [String: LocalizedText]) {
        func counts(_ facet: Facet) -> [Answer.Count] { answer.counts[facet, default: []] }
        func sums(_ facet: Facet, _ keys: (String) -> [String]) -> [Answer.Count] {
            let sums = counts(facet).reduce(into: [String: Int]()) { sums, count in for key in keys(count.value) { sums[key, default: 0] += count.count } }
            return sums.map { Answer.Count(value: $0.key, count: $0.value) }
        }
        switch name {
        case "department": return (counts(.department), reference.departments)
        case "theme": return (counts(.theme), [:])
        case "region_level": return (sums(.region) { Department.Level(ofRegion: $0).map { [$0.rawValue] } ?? [] }, Self.levels)
        case "region": return (counts(.region), reference.codes["divisions"] ?? [:])
        case "profile": return (counts(.profile), reference.profiles)
        case "format": return (sums(.formats) { Array(Set($0.split(separator: ",").map(String.init))) }, [:])
        case "update_cycle": return (counts(.updateCycle), reference.codes["update-cycles"] ?? [:])
        case "share_type": return (counts(.shareType), Self.shareTypes)
        case "openness": return (counts(.openness), reference.codes["openness"] ?? [:])
        default: return (answer.years.map { Answer.Count(value: String($0.year), count: $0.count) }, [:])
        }
    }

    private static let shareTypes: [String: LocalizedText] = [
        ShareType.unconditional.rawValue: LocalizedText(zh: "无条件共享", en: "Shared without conditions"),
        ShareType.conditional.rawValue: LocalizedText(zh: "有条件共享", en: "Shared on conditions"),
        ShareType.notShared.rawValue: LocalizedText(zh: "不予共享", en: "Not shared"),
    ]

    private static let levels: [String: LocalizedText] = [
        Department.Level.region.rawValue: LocalizedText(zh: "省级", en: "Region"),
        Department.Level.prefecture.rawValue: LocalizedText(zh: "地市级", en: "Prefecture"),
        Department.Level.county.rawValue: LocalizedText(zh: "县级", en: "County"),
    ]
}

extension Department.Level {
    /// The level of a division by its code: provinces end in 0000, prefectures in 00 (GB/T 2260). Nil for what is no code.
    init?(ofRegion code: String) {
        let digits = code.utf8
        guard digits.count == 6 else { return nil }
        let zeros = digits.reversed().prefix { $0 == UInt8(ascii: "0") }.count
        self = zeros >= 4 ? .region : zeros >= 2 ? .prefecture : .county
    }
}
