import CSV
import Model

/// How a time is composed: of columns that hold its parts, or of one column by a format; what neither gives comes from defaults.
///
/// Hour 24 with nothing behind it is the midnight that ends the day (ISO 8601-1:2019, 4.3.8).
final class DatetimeRecipe: Sendable {
    /// A column that gives a part, or the whole text.
    struct Part: Sendable {
        let column: Int
        let treatment: Treatment?
    }

    private enum Input {
        /// By place in `names`.
        case parts([(place: Int, part: Part)])
        case text(Part, DatetimeFormat)
    }

    private static let names = ["year", "month", "day", "hour", "minute", "second"]

    private let input: Input
    /// Unknown where the part must be given.
    private let defaults: TimeParts
    private let type: FieldType
    private let offset: [UInt8]
    /// A time with a month; periods may be years.
    private let hasMonth: Bool

    /// - Parameters:
    ///   - step: a `compose_datetime` that `Mapping.validate` found nothing wrong with.
    ///   - type: datetime, date or period.
    ///   - column: finds a column of the file.
    /// - Returns: nil where the file lacks a column that nothing stands in for.
    init?(_ step: Mapping.Step, type: FieldType, column: (String) -> Part?) {
        self.type = type
        // Mappings of old may have none: then the check of the value says so.
        offset = Array((step.offset ?? "").utf8)
        let given = Self.names.map { step.defaults?[$0] }
        if let from = step.from {
            guard let part = column(from), let format = DatetimeFormat(step.format ?? "") else { return nil }
            input = .text(part, format)
            hasMonth = true
        } else {
            let parts = Self.names.map { step.parts?[$0].flatMap(column) }
            guard parts.contains(where: { $0 != nil }), parts[0] != nil || given[0] != nil else { return nil }
            input = .parts(parts.enumerated().compactMap { place, part in part.map { (place, $0) } })
            hasMonth = parts[1] != nil || given[1] != nil
            // A day needs its month, a period may do without both.
            if type != .period {
                for place in 1...2 where parts[place] == nil && given[place] == nil { return nil }
            }
        }
        var defaults = TimeParts()
        for (place, value) in given.enumerated() { defaults[place] = value ?? (place >= 3 ? 0 : type == .period ? 1 : TimeParts.unknown) }
        self.defaults = defaults
    }

    /// - Returns: the time in a spelling that checks read, nothing where the columns hold nothing, or the code of the type's spelling.
    func compose(_ record: borrowing Record, _ scratch: inout TreatmentScratch) -> Treated {
        var values = defaults
        switch input {
        case .parts(let parts):
            var isMissing = true
            for (place, part) in parts {
                guard let bytes = part.read(record, &scratch) else { return fault }
                if bytes.count == 0 { continue }
                isMissing = false
                guard let number = Self.number(bytes, longest: place == 0 ? 4 : 2) else { return fault }
                values[place] = number
            }
            if isMissing { return .value(.nothing) }
        case .text(let part, let format):
            guard let bytes = part.read(record, &scratch) else { return fault }
            if bytes.count == 0 { return .value(.nothing) }
            guard format.read(bytes, into: &values) else { return fault }
        }
        return spell(values, &scratch)
    }

    /// What the columns hold, as it stands in the file.
    func raw(_ record: borrowing Record) -> String {
        switch input {
        case .parts(let parts):
            var texts: [String] = []
            for (_, part) in parts { texts.append(record.string(part.column)) }
            return texts.joined(separator: " ")
        case .text(let part, _): return record.string(part.column)
        }
    }

    private var fault: Treated { .fault(type == .date ? .notDate : type == .period ? .notPeriod : .notDatetime) }

    private func spell(_ values: TimeParts, _ scratch: inout TreatmentScratch) -> Treated {
        let (hour, minute, second) = (values.hour, values.minute, values.second)
        guard var date = CalendarDate(year: values.year, month: values.month, day: values.day),
            (0..<24).contains(hour) || (hour == 24 && minute == 0 && second == 0), (0..<60).contains(minute), (0..<60).contains(second)
        else { return fault }
        if hour == 24 {
            date = CalendarDate(daysSince1970: date.daysSince1970 + 1)
            guard date.year <= 9999 else { return fault }
        }
        return .value(
            scratch.write { sink in
                sink.reserve(40)
                sink.put(number: date.year, width: 4)
                if type == .period, !hasMonth { return }
                sink.put(0x2D)
                sink.put(number: date.month, width: 2)
                if type == .period { return }
                sink.put(0x2D)
                sink.put(number: date.day, width: 2)
                if type == .date { return }
                sink.put(0x54)
                sink.put(number: hour % 24, width: 2)
                sink.put(0x3A)
                sink.put(number: minute, width: 2)
                sink.put(0x3A)
                sink.put(number: second, width: 2)
                offset.withUnsafeBytes { sink.append($0) }
            })
    }

    /// A number of at most `longest` digits.
    private static func number(_ bytes: UnsafeRawBufferPointer, longest: Int) -> Int? {
        guard (1...longest).contains(bytes.count) else { return nil }
        var number = 0
        for byte in bytes {
            guard byte.isDigit else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }
}

extension DatetimeRecipe.Part {
    /// - Returns: nil where the column's own steps do not understand the value.
    fileprivate func read(_ record: borrowing Record, _ scratch: inout TreatmentScratch) -> UnsafeRawBufferPointer? {
        let raw = record[column]
        guard let treatment else { return raw.withoutSpace }
        guard case .value(let value) = treatment.apply(raw, &scratch) else { return nil }
        return value.withoutSpace
    }
}

/// The parts of a time, by name and by place.
struct TimeParts {
    /// Stands for a part that is not known.
    static let unknown = -1

    var year = unknown, month = unknown, day = unknown, hour = unknown, minute = unknown, second = unknown

    subscript(place: Int) -> Int {
        get {
            switch place {
            case 0: year
            case 1: month
            case 2: day
            case 3: hour
            case 4: minute
            default: second
            }
        }
        set {
            switch place {
            case 0: year = newValue
            case 1: month = newValue
            case 2: day = newValue
            case 3: hour = newValue
            case 4: minute = newValue
            default: second = newValue
            }
        }
    }
}

/// A format of times such as `yyyy/M/d H:mm`: letters stand for parts, everything else for itself.
struct DatetimeFormat: Sendable {
    private enum Token {
        /// Which part, and how many digits it has.
        case part(Int, least: Int, most: Int)
        case literal([UInt8])
    }

    private let tokens: [Token]

    /// - Returns: nil where a letter stands for nothing.
    init?(_ format: String) {
        var tokens: [Token] = []
        var rest = Substring(format)
        while let letter = rest.first {
            guard letter.isASCII, letter.isLetter, letter != "T" else {
                tokens.append(.literal(Array(String(rest.removeFirst()).utf8)))
                continue
            }
            let run = rest.prefix { $0 == letter }.count
            rest = rest.dropFirst(run)
            guard let part = Array("yMdHms").firstIndex(of: letter), part == 0 ? run == 4 : run <= 2 else { return nil }
            // One letter stands for one digit or two.
            tokens.append(.part(part, least: run, most: part == 0 ? 4 : 2))
        }
        self.tokens = tokens
    }

    /// - Returns: whether the whole text is written so.
    func read(_ text: UnsafeRawBufferPointer, into values: inout TimeParts) -> Bool {
        var place = 0
        for token in tokens {
            switch token {
            case .literal(let bytes):
                guard UnsafeRawBufferPointer(rebasing: text[place...]).hasPrefix(bytes) else { return false }
                place += bytes.count
            case .part(let part, let least, let most):
                var (number, digits) = (0, 0)
                while digits < most, place < text.count, text[place].isDigit {
                    number = number * 10 + Int(text[place] - 0x30)
                    digits += 1
                    place += 1
                }
                guard digits >= least else { return false }
                values[part] = number
            }
        }
        return place == text.count
    }
}
