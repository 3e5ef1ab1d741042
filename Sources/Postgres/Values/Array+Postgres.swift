// One-dimensional arrays in PostgreSQL's text spelling: {"a","b\"c",NULL} (manual, 8.15.6).

extension Array: PostgresBindable where Element: PostgresElement {
    public static var postgresType: PostgresType { Element.postgresArrayType }

    public func writePostgresText(into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        var scratch: [UInt8] = []
        for (index, element) in enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if element.isPostgresNull {
                bytes.append(contentsOf: "NULL".utf8)
                continue
            }
            scratch.removeAll(keepingCapacity: true)
            element.writePostgresText(into: &scratch)
            bytes.append(UInt8(ascii: "\""))
            for byte in scratch {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

extension Array: PostgresReadable where Element: PostgresElement {
    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> [Element]? {
        guard let text, text.count >= 2, text[0] == UInt8(ascii: "{"), text[text.count - 1] == UInt8(ascii: "}") else {
            return nil
        }
        var elements: [Element] = []
        if text.count == 2 { return elements }
        var scratch: [UInt8] = []
        var index = 1
        let end = text.count - 1
        while true {
            scratch.removeAll(keepingCapacity: true)
            let quoted = index < end && text[index] == UInt8(ascii: "\"")
            if quoted {
                index += 1
                while true {
                    guard index < end else { return nil }
                    if text[index] == UInt8(ascii: "\"") { break }
                    if text[index] == UInt8(ascii: "\\") { index += 1 }
                    guard index < end else { return nil }
                    scratch.append(text[index])
                    index += 1
                }
                index += 1
            } else {
                while index < end, text[index] != UInt8(ascii: ",") {
                    // A brace here means a second dimension, which this type cannot hold.
                    if text[index] == UInt8(ascii: "{") { return nil }
                    scratch.append(text[index])
                    index += 1
                }
            }
            let isNull = !quoted && scratch.elementsEqual("NULL".utf8)
            guard let element = scratch.withUnsafeBytes({ Element.readPostgresText(isNull ? nil : $0) }) else { return nil }
            elements.append(element)
            if index == end { return elements }
            guard text[index] == UInt8(ascii: ",") else { return nil }
            index += 1
        }
    }
}
