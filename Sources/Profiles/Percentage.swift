/// Shares and changes in percent, exact until the last place, which is rounded half to even (GB/T 8170).
public enum Percentage {
    /// - Parameters:
    ///   - part: in the same units as `base`.
    ///   - change: the growth of `part` over `base` instead of its share in it.
    ///   - scale: decimal places of the result.
    /// - Returns: the percentage in units of ten to the minus `scale`; nil where the base is not positive, or the numbers are beyond 128 bits.
    public static func of(_ part: Int128, base: Int128, change: Bool, scale: Int) -> Int128? {
        guard base > 0, scale >= 0, scale <= 10 else { return nil }
        let (numerator, overflow) = (change ? part &- base : part).multipliedReportingOverflow(by: 100 * Quantity.power(scale))
        guard !overflow else { return nil }
        let magnitude = numerator.magnitude
        let divisor = base.magnitude
        let quotient = magnitude / divisor
        let rest = magnitude % divisor
        let up = rest > divisor - rest || (rest == divisor - rest && quotient % 2 == 1)
        let result = Int128(truncatingIfNeeded: quotient + (up ? 1 : 0))
        return numerator < 0 ? -result : result
    }
}
