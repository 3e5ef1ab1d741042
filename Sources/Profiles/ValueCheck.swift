public import Model

/// The checks of one field, compiled: reads one value's bytes, gives its one canonical spelling or says what is wrong.
///
/// The canonical spellings are listed in `docs/profiles.md`. A fine value costs no allocation and no string; where a schema has many fields,
/// call through `checks.withUnsafeBufferPointer`, so that no reference is counted either.
public struct ValueCheck: Sendable {
    @usableFromInline let plan: ValuePlan

    /// - Parameters:
    ///   - field: a field of a schema whose `validate()` found nothing.
    ///   - defaultOffset: minutes east of UTC for times that carry no offset; such times are refused where it is nil.
    public init(_ field: Field, defaultOffset: Int? = nil) {
        plan = ValuePlan(field, defaultOffset: defaultOffset)
    }

    /// Checks one value and appends its canonical spelling.
    ///
    /// - Parameters:
    ///   - bytes: valid UTF-8 as it came, after the mapping's steps; empty means missing.
    ///   - sink: gets the canonical bytes, nothing where the value is missing or wrong.
    /// - Returns: nil where the value is fine, otherwise what is wrong with it.
    @inlinable
    public func check<Sink: ByteAppending & ~Copyable>(_ bytes: UnsafeRawBufferPointer, into sink: inout Sink) -> FindingCode? {
        withUnsafeTemporaryAllocation(byteCount: ValuePlan.scratchSize, alignment: 8) { scratch in
            let canonical = plan.canonical(bytes, scratch)
            if canonical.code == nil, canonical.bytes.count > 0 { sink.append(canonical.bytes) }
            return canonical.code
        }
    }

    /// What fills the message of a finding that `check` returned. Allocates; call it only to report.
    public func arguments(for code: FindingCode) -> [String] { plan.arguments(for: code) }
}

/// What a value came down to: the canonical bytes, in the input or in the scratch space, or what is wrong.
@usableFromInline struct CanonicalValue {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline let code: FindingCode?

    @inline(__always) init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        code = nil
    }

    @inline(__always) init(_ code: FindingCode) {
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        self.code = code
    }

    /// Nothing there and nothing wrong.
    static var missing: CanonicalValue { CanonicalValue(UnsafeRawBufferPointer(start: nil, count: 0)) }
}
