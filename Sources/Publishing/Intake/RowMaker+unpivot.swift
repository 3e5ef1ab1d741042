import CSV
import Model
import Profiles

extension RowMaker {
    /// Makes one row of each unpivoted column that has a value. Where none has, the record gives no row, and nothing else in it matters.
    ///
    /// Values shared by the rows are checked once, so that what is wrong with them is found once.
    @inline(never)
    mutating func makeUnpivoted(_ record: borrowing Record, _ log: inout FindingLog) -> Bool {
        guard let unpivot = plan.unpivot else { return true }
        unpivoted.removeAll(keepingCapacity: true)
        var isGood = true
        for column in unpivot.columns {
            var raw = record[column.index]
            if let treatment = column.treatment {
                switch treatment.apply(raw, &scratch) {
                case .value(let value): raw = value
                case .fault(let code):
                    isGood = false
                    report(code, unpivot.valueField, record.line, record.string(column.index), &log)
                    continue
                }
            }
            if raw.withoutSpace.count == 0 { continue }
            let value = check(raw, unpivot.valueField)
            if let code = value.code { report(code, unpivot.valueField, record.line, record.string(column.index), &log) }
            let name = column.name.withUnsafeBytes { check($0, unpivot.nameField) }
            if let code = name.code { report(code, unpivot.nameField, record.line, String(decoding: column.name, as: UTF8.self), &log) }
            isGood = isGood && value.code == nil && name.code == nil
            unpivoted.append((name.span, value.span))
        }
        if isGood, unpivoted.isEmpty { return true }
        isGood = fill(record, &log) && isGood
        let given = targets.map { spans[$0] }
        unpivotedTargets.removeAll(keepingCapacity: true)
        for row in unpivoted {
            for (place, target) in targets.enumerated() { spans[target] = given[place] }
            (spans[unpivot.nameField], spans[unpivot.valueField]) = row
            if !finishRow(record.line, isGood, &log) { isGood = false }
            for target in targets { unpivotedTargets.append(spans[target]) }
        }
        if !isGood { return false }
        for (index, row) in unpivoted.enumerated() {
            (spans[unpivot.nameField], spans[unpivot.valueField]) = row
            for (place, target) in targets.enumerated() { spans[target] = unpivotedTargets[index * targets.count + place] }
            emit(record)
        }
        return true
    }

    private mutating func check(_ raw: UnsafeRawBufferPointer, _ field: Int) -> (span: Span, code: FindingCode?) {
        let start = values.count
        let code = checks[field].check(raw, into: &values)
        return (Span(start: start, count: values.count - start), code)
    }
}
