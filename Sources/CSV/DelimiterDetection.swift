/// Finds the delimiter in the first record that is not blank, by counting the candidates outside quotes.
///
/// It goes on where it stopped, so that a header that comes byte by byte is read once.
struct DelimiterDetection {
    private var position = 0
    private var inQuotes = false
    private var atFieldStart = true
    private var sawContent = false
    private var commas = 0
    private var semicolons = 0
    private var tabs = 0

    /// The candidate seen most often; the comma when no other is ahead of it, the semicolon before the tab.
    var winner: Dialect.Delimiter {
        if commas >= semicolons, commas >= tabs { return .comma }
        return semicolons >= tabs ? .semicolon : .tab
    }

    /// Reads on in what has been collected.
    ///
    /// - Parameters:
    ///   - collected: the input from its beginning.
    ///   - limit: bytes after which the decision falls on what was seen.
    ///   - final: whether no more will come.
    /// - Returns: whether the decision has fallen.
    @discardableResult
    mutating func advance(_ collected: borrowing ByteSink, limit: Int, final: Bool) -> Bool {
        let bytes = collected.base
        let end = min(collected.count, limit)
        while position < end {
            let byte = bytes[position]
            if inQuotes {
                if byte == Byte.quote {
                    if position + 1 >= end { break }
                    if bytes[position + 1] == Byte.quote { position += 1 } else { inQuotes = false }
                }
                position += 1
                continue
            }
            switch byte {
            case Byte.lineFeed, Byte.carriageReturn:
                if sawContent { return true }
            case Byte.quote:
                inQuotes = atFieldStart
                atFieldStart = false
                sawContent = true
            default:
                atFieldStart = count(byte)
                sawContent = true
            }
            position += 1
        }
        return final || collected.count >= limit
    }

    /// Counts a candidate; says whether the byte is one.
    private mutating func count(_ byte: UInt8) -> Bool {
        switch Dialect.Delimiter(rawValue: byte) {
        case .comma: commas += 1
        case .semicolon: semicolons += 1
        case .tab: tabs += 1
        case nil: return false
        }
        return true
    }
}
