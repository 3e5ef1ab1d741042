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
            let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            return DatasetPage.FacetCounts(
                name: name, values: sorted.prefix(limit).map { DatasetPage.FacetValue(value: $0.key, title: titles[$0.key], count: $0.value) },
                isCut: sorted.count > limit)
        }
    }

    private func values(_ name: String, _ answer: Answer) -> ([String: Int], [String: LocalizedText]) {
        func counts(_ facet: Facet, _ keys: (String) -> [String] = { [$0] }) -> [String: Int] {
            answer.counts[facet, default: []].reduce(into: [:]) { sums, count in for key in keys(count.value) { sums[key, default: 0] += count.count } }
        }
        switch name {
        case "department": return (counts(.department), reference.departments)
        case "theme": return (counts(.theme), [:])
        case "region_level": return (counts(.region) { Department.Level(ofRegion: $0).map { [$0.rawValue] } ?? [] }, Self.levels)
        case "region": return (counts(.region), reference.codes["divisions"] ?? [:])
        case "profile": return (counts(.profile), reference.profiles)
        case "format": return (counts(.formats) { $0.split(separator: ",").map(String.init) }, [:])
        case "update_cycle": return (counts(.updateCycle), reference.codes["update-cycles"] ?? [:])
        case "share_type": return (counts(.shareType), Self.shareTypes)
        case "openness": return (counts(.openness), reference.codes["openness"] ?? [:])
        default: return (Dictionary(uniqueKeysWithValues: answer.years.map { (String($0.year), $0.count) }), [:])
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
        guard code.utf8.count == 6 else { return nil }
        self = code.hasSuffix("0000") ? .region : code.hasSuffix("00") ? .prefecture : .county
    }
}
