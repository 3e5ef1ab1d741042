import Model
import Profiles

extension RowMaker {
    /// Fills the missing values that formulas give, and warns of given ones that are others. Formulas see what those before them have filled.
    ///
    /// - Returns: false where a value is still missing that the row must have.
    @inline(never)
    mutating func derive(_ line: Int, _ log: inout FindingLog) -> Bool {
        for derivation in derivations {
            for result in results(of: derivation) {
                let given = values.slice(spans[result.field])
                if given.count > 0 {
                    if Derivation.agrees(given, with: result) { continue }
                } else if !derivation.mayFill(result.field) || fill(result) {
                    continue
                }
                log.note(derivation.finding(about: result, given: values.slice(spans[result.field]), line: line))
            }
        }
        var isGood = true
        for field in neededTargets where spans[field].count == 0 {
            report(.required, field, line, nil, &log)
            isGood = false
        }
        return isGood
    }

    private func results(of derivation: Derivation) -> [Derivation.Result] { derivation.results { values.slice(spans[$0]) } }

    /// - Returns: false where the field cannot hold the result: it may have fewer digits, or another list of values.
    private mutating func fill(_ result: Derivation.Result) -> Bool {
        let start = values.count
        let check = checks[result.field]
        var text = result.value
        let code = text.withUTF8 { check.check(UnsafeRawBufferPointer($0), into: &values) }
        spans[result.field] = Span(start: start, count: values.count - start)
        return code == nil
    }
}
