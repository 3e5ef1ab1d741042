import Model
import Profiles

/// What a check made of a value: its canonical spelling, or the code of what is wrong.
enum Reading: Equatable, CustomStringConvertible {
    case canonical(String)
    case wrong(FindingCode)

    var description: String {
        switch self {
        case .canonical(let text): text
        case .wrong(let code): "\(code)"
        }
    }
}

struct ByteSink: ByteAppending {
    var bytes: [UInt8] = []

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
}

func field(_ type: String, _ name: String = "value", _ configure: (inout Field) -> Void = { _ in }) -> Field {
    var field = Field(name: name, title: LocalizedText(zh: name), type: FieldType(type)!, visibility: .public)
    configure(&field)
    return field
}

func read(_ value: String, as field: Field, defaultOffset: Int? = nil) -> Reading {
    var sink = ByteSink()
    let code = Array(value.utf8).withUnsafeBytes { ValueCheck(field, defaultOffset: defaultOffset).check($0, into: &sink) }
    if let code {
        precondition(sink.bytes.isEmpty, "a wrong value must leave nothing in the sink")
        return .wrong(code)
    }
    return .canonical(String(decoding: sink.bytes, as: UTF8.self))
}

func read(_ value: String, as type: String, defaultOffset: Int? = nil) -> Reading {
    read(value, as: field(type), defaultOffset: defaultOffset)
}
