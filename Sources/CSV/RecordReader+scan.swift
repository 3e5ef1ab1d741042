/// Where the scan of a record stands. All positions are relative to the record's first byte.
struct ScanState {
    var position = 0
    var fieldStart = 0
    var count = 0
    var inQuotes = false
    /// Whether the present field, and whether any field, has doubled quotes.
    var escaped = false
    var anyEscaped = false
    var lines = LineTally()
    var faultKind: CSVError.Kind?
    var faultField = 0
    var faultPosition = 0
}

/// Line ends inside quotes. What a line end is may not be known before the first record ends, so all are tallied.
struct LineTally {
    var feeds = 0
    var returns = 0
    /// Line feeds right after a carriage return.
    var pairs = 0

    func lines(_ lineEnd: RecordReader.LineEnd) -> Int {
        lineEnd == .carriageReturn ? feeds + returns - pairs : feeds
    }
}

/// A complete record: where its content ends and where the next record begins.
struct ScannedRecord {
    let end: Int
    let next: Int
}

extension RecordReader {
    /// Finds the end of the record at `base`, noting its fields; goes on where the last call for it stopped.
    ///
    /// - Parameters:
    ///   - base: the first byte of the record.
    ///   - end: how many bytes there are.
    ///   - final: whether no more will come.
    /// - Returns: nil when the record is not complete; `state` then says where to go on.
    @inline(__always)
    mutating func scan(_ base: UnsafePointer<UInt8>, _ end: Int, final: Bool) -> ScannedRecord? {
        let delimiter = delimiterByte
        let delimiters = Word.repeating(delimiter)
        let quotes = Word.repeating(Byte.quote)
        let feeds = Word.repeating(Byte.lineFeed)
        let returns = Word.repeating(Byte.carriageReturn)
        let spans = self.spans
        let maxFields = limits.maxFields
        var position = state.position
        var fieldStart = state.fieldStart
        var count = state.count

        while true {
            if state.inQuotes {
                state.count = count
                state.fieldStart = fieldStart
                state.position = position
                switch scanQuoted(base, end, final: final) {
                case .more: return nil
                case .record(let found): return found
                case .field: break
                }
                count = state.count
                fieldStart = state.fieldStart
                position = state.position
            }
            unquoted: while true {
                if position >= end {
                    guard final else {
                        state.position = end
                        state.fieldStart = fieldStart
                        state.count = count
                        return nil
                    }
                    if count < maxFields { spans[count] = FieldSpan(fieldStart, end) }
                    state.count = count &+ 1
                    return ScannedRecord(end: end, next: end)
                }
                let word = Word.load(base, position, end)
                let seven = word & Word.low7
                var mask =
                    ~((Word.differs(seven, delimiters) & Word.differs(seven, feeds)
                    & Word.differs(seven, quotes) & Word.differs(seven, returns)) | word) & Word.top
                while mask != 0 {
                    let index = position &+ Word.first(mask)
                    mask &= mask &- 1
                    let byte = base[index]
                    if byte == delimiter {
                        if count < maxFields { spans[count] = FieldSpan(fieldStart, index) }
                        count &+= 1
                        fieldStart = index &+ 1
                        continue
                    }
                    if byte == Byte.quote {
                        if index == fieldStart {
                            state.inQuotes = true
                            position = index &+ 1
                            break unquoted
                        }
                        if !dialect.lenientQuotes { note(.bareQuote, field: count, at: index) }
                        continue
                    }
                    var next = index &+ 1
                    if byte == Byte.carriageReturn {
                        if next >= end, !final {
                            state.position = index
                            state.fieldStart = fieldStart
                            state.count = count
                            return nil
                        }
                        if next < end, base[next] == Byte.lineFeed {
                            next &+= 1
                        } else if lineEnd == .lineFeed {
                            note(.bareCarriageReturn, field: count, at: index)
                            continue
                        } else {
                            lineEnd = .carriageReturn
                        }
                    }
                    if count < maxFields { spans[count] = FieldSpan(fieldStart, index) }
                    state.count = count &+ 1
                    return ScannedRecord(end: index, next: next)
                }
                position = min(position &+ 8, end)
            }
        }
    }

    private enum QuotedOutcome {
        /// The input ends inside the field.
        case more
        /// The field has ended and another follows, or it goes on unquoted after a fault.
        case field
        case record(ScannedRecord)
    }

    /// Finds the end of the quoted field that the scan is in.
    @inline(never)
    private mutating func scanQuoted(_ base: UnsafePointer<UInt8>, _ end: Int, final: Bool) -> QuotedOutcome {
        let quotes = Word.repeating(Byte.quote)
        let feeds = Word.repeating(Byte.lineFeed)
        let returns = Word.repeating(Byte.carriageReturn)
        var position = state.position
        words: while true {
            if position >= end {
                state.position = end
                guard final else { return .more }
                // Whatever else was wrong in the record came before this; the open quote is why it never ended.
                state.faultKind = nil
                note(.unterminatedQuote, field: state.count, at: state.fieldStart)
                storeField(state.fieldStart, end, flags: 0)
                return .record(ScannedRecord(end: end, next: end))
            }
            let word = Word.load(base, position, end)
            let seven = word & Word.low7
            var mask =
                ~((Word.differs(seven, quotes) & Word.differs(seven, feeds) & Word.differs(seven, returns)) | word)
                & Word.top
            while mask != 0 {
                let index = position &+ Word.first(mask)
                mask &= mask &- 1
                let byte = base[index]
                if byte == Byte.lineFeed {
                    state.lines.feeds &+= 1
                    if base[index &- 1] == Byte.carriageReturn { state.lines.pairs &+= 1 }
                    continue
                }
                if byte == Byte.carriageReturn {
                    state.lines.returns &+= 1
                    continue
                }
                let after = index &+ 1
                if after >= end {
                    state.position = index
                    guard final else { return .more }
                    storeQuoted(index)
                    return .record(ScannedRecord(end: end, next: end))
                }
                let follower = base[after]
                if follower == Byte.quote {
                    state.escaped = true
                    position = after &+ 1
                    continue words
                }
                if follower == delimiterByte {
                    storeQuoted(index)
                    state.fieldStart = after &+ 1
                    state.position = after &+ 1
                    return .field
                }
                if follower == Byte.lineFeed {
                    storeQuoted(index)
                    return .record(ScannedRecord(end: after, next: after &+ 1))
                }
                if follower == Byte.carriageReturn {
                    if after &+ 1 >= end, !final {
                        state.position = index
                        return .more
                    }
                    let pair = after &+ 1 < end && base[after &+ 1] == Byte.lineFeed
                    if pair || lineEnd != .lineFeed {
                        if !pair { lineEnd = .carriageReturn }
                        storeQuoted(index)
                        return .record(ScannedRecord(end: after, next: pair ? after &+ 2 : after &+ 1))
                    }
                }
                note(.textAfterQuote, field: state.count, at: after)
                state.inQuotes = false
                state.escaped = false
                state.position = after
                return .field
            }
            position = min(position &+ 8, end)
        }
    }

    @inline(__always)
    private mutating func storeField(_ start: Int, _ end: Int, flags: UInt32) {
        if state.count < limits.maxFields { spans[state.count] = FieldSpan(start, end, flags: flags) }
        state.count &+= 1
        state.inQuotes = false
    }

    @inline(__always)
    private mutating func storeQuoted(_ closing: Int) {
        var flags = FieldSpan.quotedFlag
        if state.escaped {
            flags |= FieldSpan.unescapedFlag
            state.anyEscaped = true
            state.escaped = false
        }
        storeField(state.fieldStart &+ 1, closing, flags: flags)
    }

    /// Remembers the first fault of the record.
    @inline(never)
    private mutating func note(_ kind: CSVError.Kind, field: Int, at position: Int) {
        guard state.faultKind == nil else { return }
        state.faultKind = kind
        state.faultField = field + 1
        state.faultPosition = position
    }
}
