import Catalogue
import Foundation
import Model
import NIOCore

/// A page of the catalogue as JSON text. Written by hand: cards are made into text once and used again, and facets are long.
enum DatasetListText {
    static func text(_ page: DatasetPage, _ links: PageLinks) throws -> ByteBuffer {
        var text = JSONText(capacity: 1024 + page.entries.count * 1024 + (page.facets ?? []).reduce(0) { $0 + $1.values.count * 128 })
        text.raw("{\"data\":[")
        for (index, entry) in page.entries.enumerated() {
            if index > 0 { text.raw(",") }
            var card = try entry.card.text { try Array(JSON.encoder().encode(DatasetSummaryDTO($0))) }
            if entry.highlights == nil, entry.score == nil {
                text.buffer.writeBytes(card)
                continue
            }
            // Members come before the closing brace.
            card.removeLast()
            text.buffer.writeBytes(card)
            if let highlights = entry.highlights { write(highlights, to: &text) }
            if let score = entry.score { write(score, to: &text) }
            text.raw("}")
        }
        text.raw("],\"meta\":{\"total\":\(page.total)")
        if let facets = page.facets { write(facets, to: &text) }
        text.raw("},\"links\":{\"self\":")
        text.string(links.own)
        if let next = links.next {
            text.raw(",\"next\":")
            text.string(next)
        }
        text.raw("}}")
        return text.buffer
    }

    private static func write(_ facets: [DatasetPage.FacetCounts], to text: inout JSONText) {
        text.raw(",\"facets\":{")
        for (index, facet) in facets.enumerated() {
            text.raw(index > 0 ? ",\"\(facet.name)\":[" : "\"\(facet.name)\":[")
            for (index, value) in facet.values.enumerated() {
                text.raw(index > 0 ? ",{\"value\":" : "{\"value\":")
                text.string(value.value)
                if let title = value.title {
                    text.raw(",\"title\":")
                    write(title, to: &text)
                }
                text.raw(",\"count\":\(value.count)}")
            }
            text.raw("]")
        }
        text.raw("}")
        let cut = facets.filter(\.isCut).map { "\"\($0.name)\"" }
        if !cut.isEmpty { text.raw(",\"facets_cut\":[\(cut.joined(separator: ","))]") }
    }

    static func write(_ name: LocalizedText, to text: inout JSONText) {
        text.raw("{\"zh\":")
        text.string(name.zh)
        if let en = name.en {
            text.raw(",\"en\":")
            text.string(en)
        }
        text.raw("}")
    }

    private static func write(_ highlights: DatasetPage.Highlights, to text: inout JSONText) {
        text.raw(",\"highlights\":{")
        var isFirst = true
        for (name, found) in [("title", highlights.title), ("abstract", highlights.abstract)] where found.zh != nil || found.en != nil {
            text.raw(isFirst ? "\"\(name)\":{" : ",\"\(name)\":{")
            isFirst = false
            if let zh = found.zh {
                text.raw("\"zh\":")
                text.string(zh)
            }
            if let en = found.en {
                text.raw(found.zh == nil ? "\"en\":" : ",\"en\":")
                text.string(en)
            }
            text.raw("}")
        }
        for (name, found) in [("keywords", highlights.keywords), ("data_items", highlights.dataItems)] where !found.isEmpty {
            text.raw(isFirst ? "\"\(name)\":[" : ",\"\(name)\":[")
            isFirst = false
            for (index, title) in found.enumerated() {
                if index > 0 { text.raw(",") }
                text.string(title)
            }
            text.raw("]")
        }
        text.raw("}")
    }

    private static func write(_ score: DatasetPage.Score, to text: inout JSONText) {
        text.raw(",\"score\":{\"total\":\(score.total),\"words\":[")
        for (index, word) in score.words.enumerated() {
            text.raw(index > 0 ? ",{\"word\":" : "{\"word\":")
            text.string(word.word)
            text.raw(",\"field\":\"\(word.field)\",\"points\":\(word.points)}")
        }
        text.raw("],\"freshness\":\(score.freshness),\"size\":\(score.size),\"completeness\":\(score.completeness)}")
    }

    /// What was typed goes on with.
    static func text(_ suggestions: [Suggestion], _ links: PageLinks) -> ByteBuffer {
        var text = JSONText(capacity: 4096)
        text.raw("{\"data\":[")
        for (index, suggestion) in suggestions.enumerated() {
            if index > 0 { text.raw(",") }
            switch suggestion {
            case .department(let code, let name):
                text.raw("{\"kind\":\"department\",\"department\":")
                text.string(code)
                text.raw(",\"text\":")
                write(name, to: &text)
            case .word(let word):
                text.raw("{\"kind\":\"word\",\"text\":")
                write(LocalizedText(zh: word), to: &text)
            case .dataset(let id, let title):
                text.raw("{\"kind\":\"dataset\",\"dataset\":")
                text.string(id)
                text.raw(",\"text\":")
                write(title, to: &text)
            }
            text.raw("}")
        }
        text.raw("],\"links\":{\"self\":")
        text.string(links.own)
        text.raw("}}")
        return text.buffer
    }
}
