import Model

/// How the rows of one file are made: a mapping resolved against the file's header.
struct RowPlan {
    /// Where a field's values come from.
    enum Source {
        /// Nothing provides the field.
        case absent
        case column(Int, Treatment?)
        case constant([UInt8])
        case composed(DatetimeRecipe)
        case unpivotName
        case unpivotValue
    }

    /// Columns of which each becomes a row.
    struct Unpivot {
        struct Column {
            let index: Int
            /// What stands in the name field.
            let name: [UInt8]
            let treatment: Treatment?
        }

        let nameField: Int
        let valueField: Int
        let columns: [Column]
    }

    /// One for each field of the schema.
    var sources: [Source]
    var unpivot: Unpivot?
    /// Minutes east of UTC of times that carry no offset, by field; without one they are refused.
    var offsets: [Int: Int] = [:]
}

/// Which of a mapping's steps work on a value, by the field that it goes to and the column that it stands in.
struct TreatmentRules {
    let schema: TableSchema
    let steps: [Mapping.Step]

    /// - Parameters:
    ///   - field: index of the field that takes the value; nil where the value is a part of one.
    ///   - column: the column's name, trimmed; nil where the value stands in none.
    /// - Returns: nil where the value is taken as it stands.
    func treatment(field: Int?, column: String?) -> Treatment? {
        let type = field.map { schema.fields[$0].type }
        let chosen = steps.filter { applies($0, field: field, column: column) }.compactMap { ValueStep($0, target: type) }
        return chosen.isEmpty ? nil : Treatment(chosen)
    }

    private func applies(_ step: Mapping.Step, field: Int?, column: String?) -> Bool {
        guard let names = step.fields?.map(\.trimmedName) else {
            if column == nil { return false }
            guard step.kind == .number else { return true }
            // Without names only numbers are numbers.
            switch field.map({ schema.fields[$0].type }) {
            case .integer, .decimal: return true
            default: return false
            }
        }
        return names.contains { name in
            if let field, schema.fields[field].answers(to: name) { return true }
            // A field's name means the field, not a column of that name that feeds another one.
            return name == column && (field == nil || schema.field(name) == nil)
        }
    }
}

extension Field {
    /// Whether a file may call the field so.
    func answers(to name: String) -> Bool { name == self.name || name == title.zh || name == title.en || aliases.contains(name) }
}

extension String {
    /// A column's name without white space and byte order marks around it; line breaks inside it stay.
    var trimmedName: String {
        var text = Substring(self)
        func isSpace(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { $0.properties.isWhitespace || $0 == "\u{FEFF}" } ?? false }
        while isSpace(text.unicodeScalars.first) { text.unicodeScalars.removeFirst() }
        while isSpace(text.unicodeScalars.last) { text.unicodeScalars.removeLast() }
        return String(text)
    }
}
