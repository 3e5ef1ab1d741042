import Foundation

/// Decimal arithmetic as plain as it can be, to hold PostgreSQL's against.
enum ExactNumber {
    /// - Returns: nil where there is no such number.
    static func result(_ operation: String, _ left: String, _ right: String) -> String? {
        guard let a = Decimal(string: left), let b = Decimal(string: right) else { return nil }
        switch operation {
        case "+": return "\(a + b)"
        case "-": return "\(a - b)"
        case "*": return "\(a * b)"
        case "/": return b == 0 ? nil : "\(a / b)"
        case "%": return b == 0 ? nil : "\(a - whole(a / b) * b)"
        case "div": return b == 0 ? nil : "\(whole(a / b))"
        // Of powers, only these three are asked for.
        default: return b == 0 ? "1" : b == 1 ? "\(a)" : "\(a * a)"
        }
    }

    static func order(_ left: String, _ right: String) -> Int {
        let (a, b) = (Decimal(string: left) ?? .nan, Decimal(string: right) ?? .nan)
        return a < b ? -1 : a > b ? 1 : 0
    }

    private static func whole(_ number: Decimal) -> Decimal {
        var (from, to) = (number, Decimal())
        NSDecimalRound(&to, &from, 0, number < 0 ? .up : .down)
        return to
    }
}
