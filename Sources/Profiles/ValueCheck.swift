public import Model

/// The checks of one field, compiled: reads one value's bytes, gives its one canonical spelling or says what is wrong.
public struct ValueCheck: Sendable {
    /// - Parameters:
    ///   - field: a field of a schema whose `validate()` found nothing.
    ///   - defaultOffset: minutes east of UTC for times that carry no offset; such times are refused where it is nil.
    public init(_ field: Field, defaultOffset: Int? = nil) {
    }

    /// Checks one value and appends its canonical spelling.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 as it came, after the mapping's steps; empty means missing.
    ///   - sink: gets the canonical bytes, nothing where the value is missing or wrong.
    /// - Returns: nil where the value is fine, otherwise what is wrong with it.
    @inlinable
    public func check<Sink: ByteAppending & ~Copyable>(_ bytes: UnsafeRawBufferPointer, into sink: inout Sink) -> FindingCode? {
        sink.append(bytes)
        return nil
    }

    /// What fills the message of a finding that `check` returned. Allocates; call it only to report.
    public func arguments(for code: FindingCode) -> [String] { [] }
}
