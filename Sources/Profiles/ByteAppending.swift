/// Where canonical bytes go: a row buffer, a COPY encoder, a digest.
///
/// `check(_:into:)` is generic over the sink and inlinable, so that a concrete sink costs no dynamic call.
public protocol ByteAppending: ~Copyable {
    mutating func append(_ bytes: UnsafeRawBufferPointer)
}
