internal import NIOCore
internal import Postgres

extension RowJSON {
    /// Appends an object of some fields of a row.
    ///
    /// - Parameters:
    ///   - column: where a field's value stands in the result, by the field's place.
    ///   - isIncluded: whether a field is part of the object.
    func write(_ rows: RowSet, _ row: Int, column: (Int) -> Int, where isIncluded: (Int) -> Bool = { _ in true }, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{")
        var isFirst = true
        for place in 0..<kinds.count where isIncluded(place) {
            // Without its comma, for the first.
            buffer.writeBytes(names[(starts[place] + (isFirst ? 1 : 0))..<starts[place + 1]])
            isFirst = false
            let value = rows.bytes(row, column(place))
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: (value?.count ?? 0) * 6 + 10) { room in
                Self.put(value, kinds[place], at: room.baseAddress!) - room.baseAddress!
            }
        }
        buffer.writeStaticString("}")
    }
}
