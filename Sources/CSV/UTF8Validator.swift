/// Validates UTF-8 in chunks (RFC 3629 section 4): no overlong forms, no surrogates, nothing above U+10FFFF.
struct UTF8Validator {
    /// The beginning of a character that the last chunk ended in: up to three bytes.
    private var pending: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
    private var pendingCount = 0

    mutating func decode(
        _ chunk: UnsafeRawBufferPointer,
        final: Bool,
        _ place: inout TextPlace,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) {
        var start = 0
        while pendingCount > 0, start < chunk.count {
            var joined = pending
            let before = pendingCount
            let outcome = withUnsafeMutableBytes(of: &joined) { bytes -> Sequence in
                bytes[before] = chunk[start]
                return Self.sequence(UnsafePointer(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)), before + 1)
            }
            pending = joined
            pendingCount = before + 1
            start += 1
            switch outcome {
            case .incomplete: continue
            case .invalid(let length): throw invalid(.invalidSequence, length, place)
            case .valid(let length):
                pendingCount = 0
                try withUnsafeBytes(of: &joined) { bytes throws(CSVError) in
                    try pass(UnsafeRawBufferPointer(rebasing: bytes[0..<length]), &place, emit)
                }
            }
        }
        if start < chunk.count {
            let rest = UnsafeRawBufferPointer(rebasing: chunk[start...])
            let good = Self.validPrefix(rest)
            if good > 0 { try pass(UnsafeRawBufferPointer(rebasing: rest[0..<good]), &place, emit) }
            if good < rest.count {
                let left = rest.count - good
                let bytes = rest.baseAddress!.assumingMemoryBound(to: UInt8.self) + good
                if case .invalid(let length) = Self.sequence(bytes, left) {
                    throw CSVError(
                        .invalidSequence,
                        line: place.line,
                        offset: place.offset,
                        evidence: UnsafeRawBufferPointer(start: bytes, count: length)
                    )
                }
                withUnsafeMutableBytes(of: &pending) { $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: left)) }
                pendingCount = left
            }
        }
        if final, pendingCount > 0 { throw invalid(.incompleteSequence, pendingCount, place) }
    }

    private func pass(
        _ text: UnsafeRawBufferPointer,
        _ place: inout TextPlace,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) {
        place.pass(text)
        place.offset += text.count
        try emit(text)
    }

    private func invalid(_ kind: CSVError.Kind, _ length: Int, _ place: TextPlace) -> CSVError {
        withUnsafeBytes(of: pending) { bytes in
            CSVError(
                kind,
                line: place.line,
                offset: place.offset,
                evidence: UnsafeRawBufferPointer(rebasing: bytes[0..<length])
            )
        }
    }

    /// How many bytes from the start are whole, valid characters.
    static func validPrefix(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        let pointer = start.assumingMemoryBound(to: UInt8.self)
        let end = bytes.count
        var position = 0
        while position < end {
            if position &+ 8 <= end {
                let high = Word.load(pointer + position) & Word.top
                if high == 0 {
                    position &+= 8
                    continue
                }
                position &+= Word.first(high)
            } else if pointer[position] < 0x80 {
                position &+= 1
                continue
            }
            // Runs of the three-byte forms that Chinese text is made of stay in this loop.
            while position &+ 3 <= end {
                let lead = pointer[position]
                guard lead >= 0xE1, lead <= 0xEF, lead != 0xED,
                    pointer[position &+ 1] & 0xC0 == 0x80, pointer[position &+ 2] & 0xC0 == 0x80
                else { break }
                position &+= 3
            }
            if position >= end || pointer[position] < 0x80 { continue }
            guard case .valid(let length) = sequence(pointer + position, end &- position) else { return position }
            position &+= length
        }
        return position
    }

    enum Sequence {
        case valid(Int)
        /// Not a character; the number of bytes that show it.
        case invalid(Int)
        case incomplete
    }

    /// What the bytes at `pointer` begin with (the table of RFC 3629 section 4).
    static func sequence(_ pointer: UnsafePointer<UInt8>, _ available: Int) -> Sequence {
        let lead = pointer[0]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch lead {
        case 0x00...0x7F: return .valid(1)
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xED: (length, high) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF4: (length, high) = (4, 0x8F)
        case 0xF1...0xF3: length = 4
        default: return .invalid(1)
        }
        var index = 1
        while index < length {
            if index >= available { return .incomplete }
            if pointer[index] < low || pointer[index] > high { return .invalid(index + 1) }
            (low, high) = (0x80, 0xBF)
            index += 1
        }
        return .valid(length)
    }
}
