import Foundation

/// Makes the newer version's canonical CSV from the older one's and a `diff.csv`, in one pass over both (docs/differences.md, CSV).
struct DifferenceApplier {
    private enum Column {
        case key(place: Int)
        case field(old: Int?, new: Int)
    }

    private let difference: Data
    private let old: Data

    init(difference: Data, old: Data) {
        self.difference = difference
        self.old = old
    }

    /// - Parameter write: gets the bytes in order.
    /// - Returns: the records of the difference.
    /// - Throws: ``Doubt`` where the two do not belong together, ``Unreadable`` where the difference has another form.
    func apply(_ write: (Data) -> Void) throws -> Int {
        var changes = RawRecords(difference), rows = RawRecords(old)
        guard let head = changes.next(), let oldNames = rows.next() else { throw Unreadable(zh: "文件为空", en: "a file is empty") }
        let header = try DifferenceHeader(head)
        // Where each field of the newer version stands in the older file.
        let places = header.fields.map { field in oldNames.firstIndex(of: Data(field.name.utf8)) }
        for (field, place) in zip(header.fields, places) where (place == nil) != field.isNew {
            throw Doubt(zh: "差异的信息项 \(field.name) 与旧文件的表头不符", en: "the field \(field.name) of the difference does not fit the header of the older file")
        }
        guard Set(places.compactMap(\.self)).count == oldNames.count else {
            throw Doubt(zh: "差异没有包含旧文件的全部信息项；请不带 fields 重新下载", en: "the difference leaves out fields of the older file; download it again without fields=")
        }
        let oldKey = header.key.map { places[$0] ?? 0 }
        var output = Data()
        func put(_ record: [Data]) {
            for (index, value) in record.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                output.append(value)
            }
            output.append(UInt8(ascii: "\n"))
            if output.count > 1 << 18 {
                write(output)
                output.removeAll(keepingCapacity: true)
            }
        }
        put(header.fields.map { Data($0.name.utf8) })

        var count = 0
        var row = rows.next(), change = changes.next()
        while row != nil || change != nil {
            if let row, row.count != oldNames.count { throw Doubt(zh: "旧文件的记录不完整", en: "a record of the older file is not whole") }
            if let change, change.count != header.columnCount { throw Unreadable(zh: "差异的记录不完整", en: "a record of the difference is not whole") }
            let order: Int
            if let row, let change {
                order = header.order(oldKey.map { row[$0] }, header.key.map { change[header.fields[$0].column] })
            } else {
                order = row == nil ? 1 : -1
            }
            if order < 0, let current = row {
                put(places.map { $0.map { current[$0] } ?? Data() })
                row = rows.next()
                continue
            }
            guard let current = change else { break }
            count += 1
            switch (String(decoding: current[0], as: UTF8.self), order == 0 ? row : nil) {
            case ("added", nil): put(header.fields.map { current[$0.column] })
            case ("removed", let before?):
                for (field, place) in zip(header.fields, places) where !field.isKey && !field.isNew {
                    try check(place.map { before[$0] }, is: current[field.oldColumn])
                }
                row = rows.next()
            case ("changed", let before?):
                put(try zip(header.fields, places).map { field, place in
                    guard let place else { return current[field.column] }
                    if field.isKey || (current[field.oldColumn].isEmpty && current[field.column].isEmpty) { return before[place] }
                    try check(before[place], is: current[field.oldColumn])
                    return current[field.column]
                })
                row = rows.next()
            default: throw Self.misfit
            }
            change = changes.next()
        }
        write(output)
        return count
    }

    private func check(_ value: Data?, is old: Data) throws {
        if value != old { throw Self.misfit }
    }

    private static let misfit = Doubt(zh: "差异与旧文件不符：其中的旧值不在旧文件里，或次序不同", en: "the difference does not fit the older file: old values or their order are not those of the file")
}

/// The columns of a `diff.csv`.
struct DifferenceHeader {
    struct Field {
        let name: String
        /// The new value, or the key's.
        var column: Int
        /// The old value; the same as `column` where there is none.
        var oldColumn: Int
        let isKey: Bool
        let isNumber: Bool
        var isNew: Bool { !isKey && oldColumn == column }
    }

    /// In the newer version's order.
    private(set) var fields: [Field] = []
    /// The key's fields in its order, by their places among the fields.
    private(set) var key: [Int] = []
    let columnCount: Int

    /// - Throws: `Unreadable`.
    init(_ head: [Data]) throws {
        let names = head.map { String(decoding: $0, as: UTF8.self) }
        columnCount = names.count
        let unreadable = Unreadable(zh: "差异文件应为 diff.csv（不带 dialect 和 formula_guard）", en: "the difference is no diff.csv, or one with dialect or formula_guard")
        guard names.first == "_change" else { throw unreadable }
        var order: [Int: Int] = [:], waiting: (name: String, column: Int)?
        for (column, text) in names.enumerated().dropFirst() {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 || (parts.count == 3 && parts[2] == "number") else { throw unreadable }
            if parts[1].hasPrefix("key"), let number = Int(parts[1].dropFirst(3)), waiting == nil {
                order[number] = fields.count
                fields.append(Field(name: parts[0], column: column, oldColumn: column, isKey: true, isNumber: parts.count == 3))
            } else if parts[1] == "old", waiting == nil {
                waiting = (parts[0], column)
            } else if parts[1] == "new", waiting?.name ?? parts[0] == parts[0] {
                fields.append(Field(name: parts[0], column: column, oldColumn: waiting?.column ?? column, isKey: false, isNumber: false))
                waiting = nil
            } else {
                throw unreadable
            }
        }
        key = order.keys.sorted().compactMap { order[$0] }
        guard waiting == nil, !key.isEmpty, order.keys.max() == key.count else { throw unreadable }
    }

    /// Below 0 where the first key comes before the second, 0 where they are the same.
    func order(_ a: [Data], _ b: [Data]) -> Int {
        for (place, field) in key.enumerated() {
            let (left, right) = (Self.value(a[place]), Self.value(b[place]))
            if left == right { continue }
            return (fields[field].isNumber ? Self.precedes(left, right) : left.lexicographicallyPrecedes(right)) ? -1 : 1
        }
        return 0
    }

    /// A value without its quotes.
    private static func value(_ raw: Data) -> [UInt8] {
        guard raw.first == UInt8(ascii: "\"") else { return Array(raw) }
        var value: [UInt8] = [], isSecond = false
        for byte in raw.dropFirst().dropLast() {
            if byte == UInt8(ascii: "\""), !isSecond {
                isSecond = true
                continue
            }
            isSecond = false
            value.append(byte)
        }
        return value
    }

    /// Canonical numbers of one scale: no leading zeros, no plus sign.
    private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        let minus = UInt8(ascii: "-")
        switch (a.first == minus, b.first == minus) {
        case (true, false): return true
        case (false, true): return false
        case (true, true): return precedes(Array(b.dropFirst()), Array(a.dropFirst()))
        case (false, false): return a.count == b.count ? a.lexicographicallyPrecedes(b) : a.count < b.count
        }
    }
}

/// Records of a CSV with LF (RFC 4180), each value as it stands, quotes included.
struct RawRecords: IteratorProtocol {
    private let bytes: Data
    private var place: Int

    init(_ bytes: Data) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    mutating func next() -> [Data]? {
        guard place < bytes.endIndex else { return nil }
        return bytes.withUnsafeBytes { raw in
            let offset = bytes.startIndex
            var values: [Data] = [], start = place - offset, end = start, isQuoted = false
            while end < raw.count {
                let byte = raw[end]
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() } else if !isQuoted, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") {
                    values.append(Data(raw[start..<end]))
                    start = end + 1
                    if byte == UInt8(ascii: "\n") {
                        place = offset + start
                        return values
                    }
                }
                end += 1
            }
            // A last line without its end is no record of ours, and does not fit.
            values.append(Data(raw[start..<end]))
            place = bytes.endIndex
            return values
        }
    }
}
