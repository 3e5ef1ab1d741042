import Glibc

/// A streaming decoder from any charset that iconv knows, by its IANA name, to UTF-8.
///
/// UTF-8 itself is only validated (RFC 3629) and handed on in place. GB2312 and GBK are read as GB18030, of which
/// both are subsets, because files called by the older names often use the newer characters. A character may be cut
/// anywhere between two chunks. The first thing that is wrong ends the decoding: everything before it has been handed
/// out, and each further call throws the same error.
public struct CharsetDecoder: ~Copyable, @unchecked Sendable {
    /// The charset as it is decoded, such as `GB18030` for `gbk`.
    public let charset: String
    private var validator: UTF8Validator?
    private var converter: Converter?
    private var place = TextPlace()
    private var failure: CSVError?

    /// Makes a decoder for one input.
    ///
    /// - Parameter name: an IANA charset name; case does not matter.
    /// - Throws: ``CSVError`` of kind `unknownCharset`.
    public init(charset name: String) throws(CSVError) {
        let upper = String(name.utf8.map { Character(Unicode.Scalar((97...122).contains($0) ? $0 - 32 : $0)) })
        switch upper {
        case "UTF-8", "UTF8", "CSUTF8":
            charset = "UTF-8"
            validator = UTF8Validator()
            return
        case "GB2312", "GB_2312-80", "CSGB2312", "EUC-CN", "GBK", "CSGBK", "X-GBK", "GB18030", "CSGB18030":
            charset = "GB18030"
        default:
            charset = upper
        }
        // Slashes would be options of iconv ("//IGNORE"), which must not swallow what is wrong.
        let allowed = upper.utf8.allSatisfy { byte in
            (65...90).contains(byte) || (48...57).contains(byte) || "-_.:+()".utf8.contains(byte)
        }
        guard allowed, !upper.isEmpty, upper.utf8.count <= 64, !["INTERNAL", "WCHAR_T"].contains(upper) else {
            throw CSVError(.unknownCharset)
        }
        converter = try Converter(charset)
    }

    /// Decodes a chunk and appends the text to a buffer.
    ///
    /// - Parameters:
    ///   - chunk: the next bytes.
    ///   - final: whether nothing follows.
    ///   - sink: gets the UTF-8.
    /// - Throws: ``CSVError`` of kind `invalidSequence` or `incompleteSequence` with the offset in the input, the line
    ///   and the bytes.
    public mutating func decode(
        _ chunk: UnsafeRawBufferPointer,
        final: Bool,
        into sink: inout ByteSink
    ) throws(CSVError) {
        try decode(chunk, final: final) { text throws(CSVError) in sink.append(text) }
    }

    /// Decodes a chunk and hands the text to `emit`, in place where the input is UTF-8.
    ///
    /// - Parameters:
    ///   - chunk: the next bytes.
    ///   - final: whether nothing follows.
    ///   - emit: gets whole characters in UTF-8, in any number of pieces, each valid only inside the call.
    /// - Throws: as ``decode(_:final:into:)``, and what `emit` throws.
    public mutating func decode(
        _ chunk: UnsafeRawBufferPointer,
        final: Bool,
        _ emit: (UnsafeRawBufferPointer) throws(CSVError) -> Void
    ) throws(CSVError) {
        if let failure { throw failure }
        do {
            if validator != nil {
                try validator?.decode(chunk, final: final, &place, emit)
            } else {
                try converter?.decode(chunk, final: final, &place, emit)
            }
        } catch {
            failure = error
            throw error
        }
    }
}

/// How far a decoder has come: bytes of input, and line ends of the text handed out.
struct TextPlace {
    var offset = 0
    private var feeds = 0
    private var returns = 0

    /// The present line, from 1. Carriage returns end lines only where there is no line feed at all.
    var line: Int { 1 + (feeds > 0 ? feeds : returns) }

    mutating func pass(_ text: UnsafeRawBufferPointer) {
        feeds += Word.count(Byte.lineFeed, in: text)
        if feeds == 0 { returns += Word.count(Byte.carriageReturn, in: text) }
    }
}
