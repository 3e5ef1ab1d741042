import Model

/// Findings as a table with aligned columns, counting East Asian wide characters as two.
struct FindingsTable {
    let findings: [Finding]
    let language: Language

    /// Empty when there are no findings.
    var text: String {
        guard !findings.isEmpty else { return "" }
        let header = language == .zh ? ["行", "信息项", "代码", "值", "问题"] : ["line", "field", "code", "value", "finding"]
        let rows = findings.map { finding in
            [finding.line.map(String.init) ?? "", finding.field ?? "", finding.code.rawValue, clipped(finding.value ?? ""), finding.message.text(in: language)]
        }
        let widths = header.indices.map { column in ([header] + rows).map { Self.width($0[column]) }.max() ?? 0 }
        return ([header, widths.map { String(repeating: "─", count: $0) }] + rows)
            .map { row in
                zip(row, widths).enumerated()
                    .map { index, cell in index == row.count - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - Self.width(cell.0)) }
                    .joined(separator: "  ")
            }
            .joined(separator: "\n")
    }

    private func clipped(_ value: String) -> String {
        let line = String(value.map { $0.isNewline || $0 == "\t" ? " " : $0 })
        return line.count > 24 ? line.prefix(23) + "…" : line
    }

    /// Columns that a text takes on a terminal (Unicode Standard Annex #11, wide and fullwidth ranges).
    static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
                0x20000...0x3FFFD:
                sum + 2
            default: sum + (scalar.properties.generalCategory == .nonspacingMark ? 0 : 1)
            }
        }
    }
}
