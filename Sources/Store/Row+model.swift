internal import Model
internal import Postgres

// Between PostgreSQL's values and the nouns.

extension Timestamp {
    init(_ instant: Instant) { self.init(microseconds: instant.microsecondsSinceEpoch) }
    var instant: Instant { Instant(microsecondsSinceEpoch: microseconds) }
}

extension CalendarDate {
    init?(_ date: CivilDate) { self.init(year: date.year, month: date.month, day: date.day) }
    var civil: CivilDate? { CivilDate(year: year, month: month, day: day) }
}

extension JSONB {
    /// A noun as the document that is stored.
    init(encoding value: some Encodable) throws { self.init(try JSON.encode(value)) }

    /// A noun as the document that is stored, NULL for none.
    static func encoding(_ value: (some Encodable)?) throws -> JSONB? { try value.map { try JSONB(encoding: $0) } }
}

extension Row {
    func timestamp(_ column: String) throws -> Timestamp { Timestamp(try read(Instant.self, column)) }
    func timestampIfPresent(_ column: String) throws -> Timestamp? { try read(Instant?.self, column).map(Timestamp.init) }
    func string(_ column: String) throws -> String { try read(String.self, column) }
    func stringIfPresent(_ column: String) throws -> String? { try read(String?.self, column) }
    func integer(_ column: String) throws -> Int { try read(Int.self, column) }
    func integerIfPresent(_ column: String) throws -> Int? { try read(Int?.self, column) }

    /// A stored document as a noun.
    func document<T: Decodable>(_ type: T.Type, _ column: String) throws -> T {
        try JSON.decode(type, try read(JSONB.self, column).text)
    }

    func documentIfPresent<T: Decodable>(_ type: T.Type, _ column: String) throws -> T? {
        try read(JSONB?.self, column).map { try JSON.decode(type, $0.text) }
    }

    /// A text in both languages, from `<prefix>_zh` and `<prefix>_en`.
    func localized(_ prefix: String) throws -> LocalizedText {
        LocalizedText(zh: try string("\(prefix)_zh"), en: try stringIfPresent("\(prefix)_en"))
    }

    /// A stored word of a closed set.
    func word<Word: RawRepresentable>(_ type: Word.Type, _ column: String) throws -> Word where Word.RawValue == String {
        let text = try string(column)
        guard let word = Word(rawValue: text) else { throw UnknownWord(column: column, text: text) }
        return word
    }

    /// The profile that `profile_id` and `profile_version` name.
    func profileReference() throws -> ProfileReference? {
        try stringIfPresent("profile_id").map { ProfileReference(id: $0, version: try integerIfPresent("profile_version")) }
    }
}

/// A stored word that this program does not know: the schema and the program do not belong together.
struct UnknownWord: Error {
    let column: String
    let text: String
}
