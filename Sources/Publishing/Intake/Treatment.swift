import Model

/// What a mapping does to a value before it is checked: its steps in their order.
final class Treatment: Sendable {
    private let steps: [ValueStep]

    init(_ steps: [ValueStep]) {
        self.steps = steps
    }

    /// - Parameters:
    ///   - raw: the value as it stands in the file.
    ///   - scratch: holds the result where it is not a part of `raw`; valid until the next call.
    func apply(_ raw: UnsafeRawBufferPointer, _ scratch: inout TreatmentScratch) -> Treated {
        var value = raw
        for step in steps {
            switch step.apply(value, &scratch) {
            case .value(let next): value = next
            case .fault(let code): return .fault(code)
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
    case missing([[UInt8]])
    case strip(prefix: [UInt8], suffix: [UInt8])
    case number(NumberFormat)
    case cleanCode(padTo: Int)
    case translate(ByteTable)

    /// - Parameter target: the type of the field that takes the value, where there is one.
    /// - Returns: nil where the step does not work on values.
    init?(_ step: Mapping.Step, target: FieldType?) {
        switch step.kind {
        case .missing: self = .missing((step.tokens ?? []).map { Array($0.utf8) })
        case .strip: self = .strip(prefix: Array((step.prefix ?? "").utf8), suffix: Array((step.suffix ?? "").utf8))
        case .number: self = .number(NumberFormat(step, isInteger: target == .integer))
        case .cleanCode: self = .cleanCode(padTo: min(step.padTo ?? 0, 64))
        case .translate: self = .translate(ByteTable(step.values ?? [:]))
        case .rename, .constant, .composeDatetime, .unpivot, .ignore: return nil
        }
    }

    func apply(_ value: UnsafeRawBufferPointer, _ scratch: inout TreatmentScratch) -> Treated {
        switch self {
        case .missing(let tokens):
            let trimmed = value.withoutSpace
            for token in tokens where trimmed.equals(token) { return .value(.nothing) }
            return .value(value)
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
