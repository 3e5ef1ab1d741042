import Model

/// What a mapping does to a value before it is checked: its steps in their order.
final class Treatment: Sendable {
    private let steps: [ValueStep]
    /// The only step, where it is one that can be done without this object.
    let shortTokens: ShortTokens?

    init(_ steps: [ValueStep]) {
        self.steps = steps
        if steps.count == 1, case .shortMissing(let tokens) = steps[0] { shortTokens = tokens } else { shortTokens = nil }
    }

    /// - Parameters:
    ///   - raw: the value as it stands in the file.
    ///   - scratch: holds the result where it is not a part of `raw`; valid until the next call.
    func apply(_ raw: UnsafeRawBufferPointer, _ scratch: inout TreatmentScratch) -> Treated {
        var value = raw
        for (index, step) in steps.enumerated() {
            switch step.apply(value, &scratch) {
            case .value(let next): value = next
            case .fault(let code):
                // `NA` is no number, but a later step may say that it means missing.
                let isMissing = steps[(index + 1)...].contains { $0.meansMissing(value) }
                return isMissing ? .value(.nothing) : .fault(code)
            }
        }
        return .value(value)
    }
}

/// A value after its steps, or why it has none.
enum Treated {
    case value(UnsafeRawBufferPointer)
    case fault(FindingCode)
}

/// Memory for values that steps write anew. Two buffers take turns, since a step may read what the one before has written.
struct TreatmentScratch: ~Copyable {
    private var even = RowBytes(capacity: 256)
    private var odd = RowBytes(capacity: 256)
    private var isOdd = false
    var digits = RowBytes(capacity: 256)

    /// Calls `body` with an empty buffer, and gives what it wrote; valid while one more is written.
    mutating func write(_ body: (inout RowBytes) -> Void) -> UnsafeRawBufferPointer {
        isOdd.toggle()
        if isOdd {
            odd.removeAll()
            body(&odd)
            return odd.bytes
        }
        even.removeAll()
        body(&even)
        return even.bytes
    }
}

/// One step on a value.
enum ValueStep: Sendable {
    case shortMissing(ShortTokens)
    case missing([[UInt8]])
    case strip(prefix: [UInt8], suffix: [UInt8])
    case number(NumberFormat)
    case cleanCode(padTo: Int)
    case translate(ByteTable)

    /// - Parameter target: the type of the field that takes the value, where there is one.
    /// - Returns: nil where the step does not work on values.
    init?(_ step: Mapping.Step, target: FieldType?) {
        switch step.kind {
        case .missing:
            let tokens = (step.tokens ?? []).map { Array($0.utf8) }
            self = ShortTokens(tokens).map { .shortMissing($0) } ?? .missing(tokens)
        case .strip: self = .strip(prefix: Array((step.prefix ?? "").utf8), suffix: Array((step.suffix ?? "").utf8))
        case .number: self = .number(NumberFormat(step, isInteger: target == .integer))
        case .cleanCode: self = .cleanCode(padTo: min(step.padTo ?? 0, 64))
        case .translate: self = .translate(ByteTable(step.values ?? [:]))
        case .rename, .constant, .composeDatetime, .unpivot, .ignore: return nil
        }
    }

    func apply(_ value: UnsafeRawBufferPointer, _ scratch: inout TreatmentScratch) -> Treated {
        switch self {
        case .shortMissing, .missing: return .value(meansMissing(value) ? .nothing : value)
        case .strip(let prefix, let suffix):
            var text = value.withoutSpace
            if !prefix.isEmpty, text.hasPrefix(prefix) { text = UnsafeRawBufferPointer(rebasing: text[prefix.count...]).withoutSpace }
            if !suffix.isEmpty, text.hasSuffix(suffix) { text = UnsafeRawBufferPointer(rebasing: text[..<(text.count - suffix.count)]).withoutSpace }
            return .value(text)
        case .number(let format): return format.apply(value.withoutSpace, &scratch)
        case .cleanCode(let width): return .value(Self.cleaned(value.withoutSpace, padTo: width, &scratch))
        case .translate(let table):
            guard let other = table.value(for: value.withoutSpace) else { return .value(value) }
            return .value(scratch.write { $0.append(other) })
        }
    }

    /// Whether the step takes the value for none.
    func meansMissing(_ value: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .shortMissing(let tokens): return tokens.holds(value)
        case .missing(let tokens):
            let trimmed = value.withoutSpace
            return tokens.contains { trimmed.equals($0) }
        case .strip, .number, .cleanCode, .translate: return false
        }
    }

    /// `130631.0` → `130631`, with leading zeros up to a width. What is not digits with nothing but zeros behind the point stays.
    private static func cleaned(_ value: UnsafeRawBufferPointer, padTo width: Int, _ scratch: inout TreatmentScratch) -> UnsafeRawBufferPointer {
        let point = value.firstIndex { !$0.isDigit } ?? value.count
        guard point > 0 else { return value }
        if point < value.count {
            guard value[point] == 0x2E, value[(point + 1)...].allSatisfy({ $0 == 0x30 }) else { return value }
        }
        let digits = UnsafeRawBufferPointer(rebasing: value[..<point])
        if digits.count >= width { return digits }
        return scratch.write { sink in
            for _ in digits.count..<width { sink.append(0x30) }
            sink.append(digits)
        }
    }
}

/// Up to four tokens of up to seven bytes each: what nearly all files use. Compared as words, without memory of their own.
struct ShortTokens: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    init?(_ tokens: [[UInt8]]) {
        guard (1...4).contains(tokens.count), tokens.allSatisfy({ $0.count <= 7 }) else { return nil }
        let all = tokens.map { token in token.withUnsafeBytes { Self.word($0) } }
        func word(_ index: Int) -> UInt64 { all[min(index, all.count - 1)] }
        words = (word(0), word(1), word(2), word(3))
    }

    @inline(__always)
    func holds(_ value: UnsafeRawBufferPointer) -> Bool {
        let trimmed = value.withoutSpace
        guard trimmed.count <= 7, trimmed.count > 0 else { return false }
        let word = Self.word(trimmed)
        return word == words.0 || word == words.1 || word == words.2 || word == words.3
    }

    /// The bytes with their number.
    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let source = bytes.baseAddress else { return 0 }
        return UInt64(littleEndian: ByteWord.short(source, bytes.count)) | UInt64(bytes.count) << 56
    }
}

/// Values by keys, as bytes.
final class ByteTable: Sendable {
    private let entries: [(key: [UInt8], value: String)]

    init(_ values: [String: String]) {
        entries = values.map { (Array($0.key.utf8), $0.value) }.sorted { Self.order($0.key, $1.key) < 0 }
    }

    /// Binary search by length, then bytes.
    func value(for key: UnsafeRawBufferPointer) -> String? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let order = entries[middle].key.withUnsafeBytes { Self.order($0, key) }
            if order == 0 { return entries[middle].value }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private static func order(_ a: some RandomAccessCollection<UInt8>, _ b: some RandomAccessCollection<UInt8>) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for (x, y) in zip(a, b) where x != y { return x < y ? -1 : 1 }
        return 0
    }
}
