import Model
import Testing

@Suite struct NumberTests {
    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("+7", "7"), ("007", "7"), ("-007", "-7"), (" 42 ", "42"), ("000", "0"), ("12", "12"), ("-12", "-12"),
        ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"), ("\u{3000}5\u{A0}", "5"),
    ])
    func integersHaveOneSpelling(_ input: String, _ canonical: String) {
        #expect(read(input, as: "integer") == .canonical(canonical))
    }

    @Test(arguments: [
        ("1.0", FindingCode.notInteger), ("1e3", .notInteger), ("", .required), ("-", .notInteger), ("+", .notInteger), ("1 2", .notInteger), ("１", .notInteger),
        ("1,000", .notInteger), ("0x10", .notInteger), ("9223372036854775808", .tooManyDigits), ("-9223372036854775809", .tooManyDigits),
        ("10000000000000000000", .tooManyDigits), ("99999999999999999999999999", .tooManyDigits), ("--1", .notInteger), ("1-", .notInteger),
    ])
    func whatIsNoIntegerOf64BitsIsRefused(_ input: String, _ code: FindingCode) {
        #expect(read(input, as: field("integer") { $0.required = true }) == .wrong(code))
    }

    @Test(arguments: [
        ("1", "1.00"), ("1.5", "1.50"), ("1.50", "1.50"), ("1.500", "1.50"), ("-0.00", "0.00"), ("-0", "0.00"), ("+3.1", "3.10"), ("007.25", "7.25"),
        (".5", "0.50"), ("5.", "5.00"), ("-.5", "-0.50"), ("1.0E7", "10000000.00"), ("1e-2", "0.01"), ("1E+2", "100.00"), ("123.4500e1", "1234.50"),
        ("0e5", "0.00"), ("0.001e1", "0.01"), ("00.05e1", "0.50"), ("-1.20e0", "-1.20"), ("99999999.99", "99999999.99"), ("-99999999.99", "-99999999.99"),
        ("0000000000000000000000000000099999999.990000000000000000000", "99999999.99"), ("0e99999999999999999999", "0.00"), ("1200e-4", "0.12"),
    ])
    func decimalsHaveExactlyTheirScale(_ input: String, _ canonical: String) {
        #expect(read(input, as: "decimal(10,2)") == .canonical(canonical))
    }

    @Test(arguments: [
        ("1.005", FindingCode.tooManyDigits), ("100000000", .tooManyDigits), ("1e8", .tooManyDigits), ("1e-3", .tooManyDigits), ("1e999999999999", .tooManyDigits),
        ("1e-999999999999", .tooManyDigits), ("NaN", .notDecimal), ("Infinity", .notDecimal), ("1,5", .notDecimal), ("1.2.3", .notDecimal), (".", .notDecimal),
        ("-", .notDecimal), ("e5", .notDecimal), ("1e", .notDecimal), ("1e+", .notDecimal), ("1e1.5", .notDecimal), ("0x1p3", .notDecimal), ("12 元", .notDecimal),
        ("1_000", .notDecimal), (".e1", .notDecimal), ("1e5x", .notDecimal),
    ])
    func decimalsThatDoNotFitAreRefusedNotRounded(_ input: String, _ code: FindingCode) {
        #expect(read(input, as: "decimal(10,2)") == .wrong(code))
    }

    @Test func extremesOfPrecisionAreExact() {
        let nines = String(repeating: "9", count: 38)
        #expect(read(nines, as: "decimal(38,0)") == .canonical(nines))
        #expect(read(nines + "9", as: "decimal(38,0)") == .wrong(.tooManyDigits))
        #expect(read("0." + nines, as: "decimal(38,38)") == .canonical("0." + nines))
        #expect(read("-" + nines + "e-38", as: "decimal(38,38)") == .canonical("-0." + nines))
        #expect(read("1", as: "decimal(38,38)") == .wrong(.tooManyDigits))
        #expect(read("0", as: "decimal(38,38)") == .canonical("0." + String(repeating: "0", count: 38)))
    }

    @Test(arguments: ["integer", "decimal(20,2)", "decimal(38,10)"])
    func boundsAreInclusiveAndExact(_ type: String) {
        let bounded = field(type) { ($0.minimum, $0.maximum) = ("-5", "100") }
        #expect(read("-5", as: bounded).isCanonical)
        #expect(read("100", as: bounded).isCanonical)
        #expect(read("-6", as: bounded) == .wrong(.belowMinimum))
        #expect(read("101", as: bounded) == .wrong(.aboveMaximum))
        if type != "integer" {
            #expect(read("100.01", as: bounded) == .wrong(.aboveMaximum))
            #expect(read("-5.01", as: bounded) == .wrong(.belowMinimum))
            #expect(read("99.99", as: bounded).isCanonical)
        }
    }

    @Test func aBoundBeyondWhatDoubleCanTellIsStillKept() {
        let bounded = field("decimal(38,2)") { $0.maximum = "9007199254740993.01" }
        #expect(read("9007199254740993.01", as: bounded).isCanonical)
        #expect(read("9007199254740993.02", as: bounded) == .wrong(.aboveMaximum))
    }

    /// The rules again, written for clearness on digit strings: what the fast reader must agree with on any input.
    private func slowDecimal(_ text: String, precision: Int, scale: Int) -> Reading {
        var rest = Substring(text)
        var sign = ""
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            rest = rest.dropFirst()
        }
        var exponent = 0
        if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            guard let value = Int(rest[rest.index(after: mark)...]) else { return .wrong(.notDecimal) }
            exponent = max(-200, min(200, value))
            rest = rest[..<mark]
        }
        let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, rest.contains(where: \.isNumber), parts.allSatisfy({ $0.allSatisfy { ("0"..."9").contains($0) } }) else { return .wrong(.notDecimal) }
        var whole = String(parts[0])
        var fraction = parts.count == 2 ? String(parts[1]) : ""
        while exponent > 0 {
            whole.append(fraction.isEmpty ? "0" : fraction.removeFirst())
            exponent -= 1
        }
        while exponent < 0 {
            fraction.insert(whole.isEmpty ? "0" : whole.removeLast(), at: fraction.startIndex)
            exponent += 1
        }
        while whole.first == "0" { whole.removeFirst() }
        while fraction.last == "0" { fraction.removeLast() }
        guard whole.count <= precision - scale, fraction.count <= scale else { return .wrong(.tooManyDigits) }
        if whole.isEmpty, fraction.isEmpty { sign = "" }
        fraction += String(repeating: "0", count: scale - fraction.count)
        return .canonical(sign + (whole.isEmpty ? "0" : whole) + (scale > 0 ? "." + fraction : ""))
    }

    @Test func anyDecimalReadsAsTheSlowReferenceReadsIt() {
        var random = SplitMix(seed: 20_260_301)
        let alphabet = Array("0000012345678999..--+eE")
        for round in 0..<60_000 {
            let text: String
            if round.isMultiple(of: 3) {
                text = String((0..<Int(random.next() % 9) + 1).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
            } else {
                let whole = random.digits(upTo: 7)
                let fraction = random.digits(upTo: 6)
                let power = round.isMultiple(of: 2) ? "e\(Int(random.next() % 13) - 6)" : ""
                text = ["", "-", "+"][Int(random.next() % 3)] + whole + (fraction.isEmpty ? "" : "." + fraction) + power
            }
            let (precision, scale) = [(5, 2), (8, 0), (6, 6), (12, 3)][Int(random.next() % 4)]
            let fast = read(text, as: "decimal(\(precision),\(scale))")
            let slow = text.isEmpty ? .canonical("") : slowDecimal(text, precision: precision, scale: scale)
            #expect(fast == slow, "\(text) as decimal(\(precision),\(scale))")
        }
    }
}

extension Reading {
    var isCanonical: Bool { if case .canonical = self { true } else { false } }
}

/// A small generator with a fixed seed, so that a failure can be repeated.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func digits(upTo count: Int) -> String {
        String((0..<Int(next() % UInt64(count + 1))).map { _ in Character(String(next() % 3 == 0 ? 0 : next() % 10)) })
    }
}
