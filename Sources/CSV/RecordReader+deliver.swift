import Glibc

extension RecordReader {
    /// Hands a complete record to the callback and makes ready for the next.
    @inline(__always)
    mutating func deliver(
        _ base: UnsafePointer<UInt8>,
        _ found: ScannedRecord,
        _ body: (borrowing Record) -> Flow
    ) -> Flow {
        if lineEnd == .unknown, found.next > found.end { lineEnd = .lineFeed }
        defer {
            line &+= 1 &+ state.lines.lines(lineEnd)
            offset &+= found.next
            state = ScanState()
        }
        if found.end == 0, !dialect.keepsBlankLines { return .next }
        number &+= 1
        // Before unescaping, because it looks for places by the fields' own ends.
        let fault = fault(base, found)
        if state.anyEscaped { unescape(base, found.end) }
        let tooLong = found.end > limits.maxRecordBytes
        let flow = body(
            Record(
                base: base,
                spans: UnsafePointer(spans),
                scratch: UnsafePointer(scratch.base),
                rawCount: tooLong ? limits.maxRecordBytes : found.end,
                count: tooLong ? 0 : min(state.count, limits.maxFields),
                line: line,
                number: number,
                offset: offset,
                byteCount: found.end,
                fault: fault
            )
        )
        if flow == .stop { phase = .stopped }
        return flow
    }

    /// The fault of a complete record, if any.
    @inline(__always)
    private mutating func fault(_ base: UnsafePointer<UInt8>, _ found: ScannedRecord) -> CSVError? {
        let count = state.count
        let expected: Int
        switch fieldCount {
        case .exactly(let number): expected = number
        case .any: expected = count
        case .asFirstRecord:
            expected = count
            fieldCount = .exactly(count)
        }
        if state.faultKind == nil, count == expected, count <= limits.maxFields,
            found.end <= limits.maxRecordBytes, !sawNUL
        {
            return nil
        }
        return severeFault(base, found, expected: expected)
    }

    /// The first that applies, the one that makes the others doubtful first.
    @inline(never)
    private func severeFault(_ base: UnsafePointer<UInt8>, _ found: ScannedRecord, expected: Int) -> CSVError? {
        if let kind = state.faultKind, kind == .unterminatedQuote || found.end <= limits.maxRecordBytes {
            return CSVError(
                kind,
                line: line + tally(base, 0, state.faultPosition).lines(lineEnd),
                field: state.faultField,
                offset: offset + state.faultPosition
            )
        }
        if found.end > limits.maxRecordBytes { return tooLong(found.end) }
        if state.count > limits.maxFields {
            return CSVError(
                .tooManyFields,
                line: line,
                offset: offset,
                expected: limits.maxFields,
                actual: state.count
            )
        }
        if sawNUL, let place = memchr(base, 0, found.end) {
            let position = UnsafeRawPointer(place) - UnsafeRawPointer(base)
            return CSVError(
                .nulByte,
                line: line + tally(base, 0, position).lines(lineEnd),
                field: field(at: position),
                offset: offset + position
            )
        }
        if state.count != expected {
            return CSVError(.fieldCount, line: line, offset: offset, expected: expected, actual: state.count)
        }
        return nil
    }

    func tooLong(_ length: Int) -> CSVError {
        CSVError(.recordTooLong, line: line, offset: offset, expected: limits.maxRecordBytes, actual: length)
    }

    /// Number of the field that a byte of the record belongs to.
    private func field(at position: Int) -> Int {
        var index = 0
        while index + 1 < state.count, spans[index].end < position { index += 1 }
        return index + 1
    }

    /// Line ends in a part of the record.
    private func tally(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> LineTally {
        var tally = LineTally()
        for index in start..<max(start, end) {
            if base[index] == Byte.carriageReturn { tally.returns += 1 }
            if base[index] == Byte.lineFeed {
                tally.feeds += 1
                if index > 0, base[index - 1] == Byte.carriageReturn { tally.pairs += 1 }
            }
        }
        return tally
    }

    /// Writes the fields that have doubled quotes into the scratch memory, with single ones.
    @inline(never)
    private mutating func unescape(_ base: UnsafePointer<UInt8>, _ end: Int) {
        guard end <= limits.maxRecordBytes else { return }
        scratch.removeAll()
        scratch.reserve(end)
        for index in 0..<min(state.count, limits.maxFields) where spans[index].isUnescaped {
            let span = spans[index]
            let start = scratch.count
            var from = Int(span.start)
            while let quote = memchr(base + from, Int32(Byte.quote), span.end - from) {
                let upTo = UnsafeRawPointer(quote) - UnsafeRawPointer(base) + 1
                scratch.append(UnsafeRawBufferPointer(start: base + from, count: upTo - from))
                from = upTo + 1
            }
            scratch.append(UnsafeRawBufferPointer(start: base + from, count: span.end - from))
            spans[index] = FieldSpan(start, scratch.count, flags: FieldSpan.quotedFlag | FieldSpan.unescapedFlag)
        }
    }
}
