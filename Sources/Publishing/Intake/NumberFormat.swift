import Model

/// How a department writes numbers, and what is done to them: exact, on digits, without floating point.
///
/// A number that is not written so is a fault, never a guess: where the point marks thousands, `1.5` is none. Thousands stand in groups of three.
struct NumberFormat: Sendable {
    private let thousands: [UInt8]
    private let decimal: [UInt8]
    private let unit: [UInt8]
    private let power: Int
    private let round: Int?
    /// Zeros behind the point are left out.
    private let isInteger: Bool
    /// No field holds numbers of so many digits.
    private static let mostDigits = 200

    init(_ step: Mapping.Step, isInteger: Bool) {
        thousands = Array((step.thousands ?? "").utf8)
        decimal = step.decimal.flatMap { $0.isEmpty ? nil : Array($0.utf8) } ?? [0x2E]
        unit = Array((step.unit ?? "").utf8)
        power = min(max(step.power ?? 0, -Self.mostDigits), Self.mostDigits)
        round = step.round.map { max($0, 0) }
        self.isInteger = isInteger
    }

    /// - Parameter raw: without white space around it; nothing stays nothing.
    func apply(_ raw: UnsafeRawBufferPointer, _ scratch: inout TreatmentScratch) -> Treated {
        var text = raw
        if !unit.isEmpty {
            if text.hasSuffix(unit) {
                text = UnsafeRawBufferPointer(rebasing: text[..<(text.count - unit.count)]).withoutSpace
            } else if text.hasPrefix(unit) {
                text = UnsafeRawBufferPointer(rebasing: text[unit.count...]).withoutSpace
            }
        }
        if raw.count == 0 { return .value(.nothing) }
        guard let parsed = parse(text, &scratch.digits) else { return .fault(isInteger ? .notInteger : .notDecimal) }
        let point = parsed.point + power
        guard scratch.digits.count <= Self.mostDigits, abs(point) <= Self.mostDigits else { return .fault(.tooManyDigits) }
        var digits = Array(scratch.digits.bytes)
        let whole = normalise(&digits, point)
        return .value(scratch.write { write(digits, whole, isNegative: parsed.isNegative, into: &$0) })
    }

    /// Reads the digits, without marks, and where the point stands among them.
    private func parse(_ text: UnsafeRawBufferPointer, _ digits: inout RowBytes) -> (isNegative: Bool, point: Int)? {
        digits.removeAll()
        digits.reserve(text.count)
        var place = 0
        let isNegative = text.count > 0 && text[0] == 0x2D
        if text.count > 0, isNegative || text[0] == 0x2B { place = 1 }
        var group = 0
        var isGrouped = false
        while place < text.count {
            if text[place].isDigit {
                digits.put(text[place])
                group += 1
                place += 1
            } else if !thousands.isEmpty, starts(thousands, text, place) {
                guard isGrouped ? group == 3 : (1...3).contains(group) else { return nil }
                isGrouped = true
                group = 0
                place += thousands.count
            } else {
                break
            }
        }
        if isGrouped, group != 3 { return nil }
        var point = digits.count
        if place < text.count, starts(decimal, text, place) {
            place += decimal.count
            while place < text.count, text[place].isDigit {
                digits.put(text[place])
                place += 1
            }
        }
        guard digits.count > 0 else { return nil }
        if place < text.count {
            guard let exponent = exponent(text, place) else { return nil }
            point += exponent
        }
        return (isNegative, point)
    }

    private func starts(_ mark: [UInt8], _ text: UnsafeRawBufferPointer, _ place: Int) -> Bool {
        text[place] == mark[0] && UnsafeRawBufferPointer(rebasing: text[place...]).hasPrefix(mark)
    }

    /// `e+7`, which must end the text.
    private func exponent(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        guard text[start] | 0x20 == 0x65 else { return nil }
        var place = start + 1
        let isDown = place < text.count && text[place] == 0x2D
        if place < text.count, isDown || text[place] == 0x2B { place += 1 }
        guard place < text.count else { return nil }
        var value = 0
        while place < text.count {
            guard text[place].isDigit else { return nil }
            // Far beyond what any field holds.
            value = min(value * 10 + Int(text[place] - 0x30), 100_000)
            place += 1
        }
        return isDown ? -value : value
    }

    /// Moves the point into the digits and rounds half to even.
    ///
    /// - Returns: how many digits stand before the point, at least one.
    private func normalise(_ digits: inout [UInt8], _ point: Int) -> Int {
        var whole = point
        if whole < 1 {
            digits.insert(contentsOf: repeatElement(0x30, count: 1 - whole), at: 0)
            whole = 1
        }
        if whole > digits.count { digits.append(contentsOf: repeatElement(0x30, count: whole - digits.count)) }
        guard let round, digits.count > whole + round else { return whole }
        let dropped = digits[whole + round]
        let rest = digits[(whole + round + 1)...].contains { $0 != 0x30 }
        digits.removeSubrange((whole + round)...)
        guard dropped > 0x35 || (dropped == 0x35 && (rest || digits[digits.count - 1] & 1 == 1)) else { return whole }
        var place = digits.count - 1
        while place >= 0, digits[place] == 0x39 {
            digits[place] = 0x30
            place -= 1
        }
        if place >= 0 {
            digits[place] += 1
        } else {
            digits.insert(0x31, at: 0)
            whole += 1
        }
        return whole
    }

    private func write(_ digits: [UInt8], _ whole: Int, isNegative: Bool, into sink: inout RowBytes) {
        sink.reserve(digits.count + 2)
        if isNegative { sink.put(0x2D) }
        for place in (digits[..<whole].firstIndex { $0 != 0x30 } ?? whole - 1)..<whole { sink.put(digits[place]) }
        guard digits.count > whole, !(isInteger && digits[whole...].allSatisfy { $0 == 0x30 }) else { return }
        sink.put(0x2E)
        for place in whole..<digits.count { sink.put(digits[place]) }
    }
}
