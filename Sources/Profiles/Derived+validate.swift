internal import Model

extension Derived {
    /// Everything that is wrong with the formula against the fields of its schema.
    func validate(in schema: TableSchema, at path: String, _ list: inout PlaceList) {
        switch kind {
        case .aqi:
            validateInputs(AirQualityIndex.Pollutant.allCases.map(\.rawValue), places: 4, schema, path, &list)
            expect(time, "time", ["datetime", "date"], isNeeded: true, schema, path, &list)
            if period == nil { list.add("\(path)/period", zh: "aqi 需要参数“period”（hourly 或 daily）", en: "aqi needs the parameter 'period' (hourly or daily)") }
            expect(field, "field", ["integer"], isNeeded: true, schema, path, &list)
            for (name, target) in (subIndices ?? [:]).sorted(by: { $0.key < $1.key }) {
                if inputs[name] == nil { list.add("\(path)/sub_indices/\(name.pointerToken)", zh: "inputs 中没有“\(name)”", en: "'\(name)' is not among the inputs") }
                expect(target, "sub_indices/\(name.pointerToken)", ["integer"], isNeeded: true, schema, path, &list)
            }
            for (name, pointer) in [(primary, "primary"), (category, "category"), (standard, "standard")] {
                expect(name, pointer, ["text", "code"], isNeeded: false, schema, path, &list)
            }
            refuse([("lake", lake != nil), ("change", change != nil)], path, &list)
        case .waterClass:
            validateInputs(WaterClass.Factor.allCases.map(\.rawValue), places: 5, schema, path, &list)
            expect(field, "field", ["text", "code"], isNeeded: true, schema, path, &list)
            expect(lake, "lake", ["boolean"], isNeeded: false, schema, path, &list)
            refuse([("change", change != nil)] + airOnly, path, &list)
        case .percentage:
            validateInputs(["part", "base"], places: 10, schema, path, &list)
            for name in ["part", "base"] where inputs[name] == nil {
                list.add("\(path)/inputs/\(name)", zh: "percentage 需要“\(name)”", en: "percentage needs '\(name)'")
            }
            if let type = schema.field(field)?.type, case .decimal(_, let scale) = type, scale <= 10 {
            } else {
                list.add("\(path)/field", zh: "须为小数不超过 10 位的 decimal", en: "must be a decimal of 10 places or fewer")
            }
            refuse([("lake", lake != nil)] + airOnly, path, &list)
        }
    }

    private var airOnly: [(String, Bool)] {
        [
            ("time", time != nil), ("period", period != nil), ("sub_indices", subIndices != nil), ("primary", primary != nil), ("category", category != nil),
            ("standard", standard != nil),
        ]
    }

    private func validateInputs(_ known: [String], places: Int, _ schema: TableSchema, _ path: String, _ list: inout PlaceList) {
        if inputs.isEmpty { list.add("\(path)/inputs", zh: "不能为空", en: "must not be empty") }
        for (name, input) in inputs.sorted(by: { $0.key < $1.key }) {
            let pointer = "\(path)/inputs/\(name.pointerToken)"
            if !known.contains(name) {
                list.add(pointer, zh: "未知的量，可用：\(known.joined(separator: ", "))", en: "unknown quantity; use \(known.joined(separator: ", "))")
            }
            guard let type = schema.field(input)?.type else {
                list.add(pointer, zh: "没有信息项“\(input)”", en: "there is no field '\(input)'")
                continue
            }
            if let whole = Quantity.wholeDigits(of: type), Quantity.places(of: type) <= places, whole + places <= 30 { continue }
            list.add(pointer, zh: "须为小数不超过 \(places) 位、整数不过长的数值", en: "must be a number of \(places) decimal places or fewer that is not too wide")
        }
    }

    private func expect(
        _ name: String?, _ pointer: String, _ types: [String], isNeeded: Bool, _ schema: TableSchema, _ path: String, _ list: inout PlaceList
    ) {
        guard let name else {
            if isNeeded { list.add("\(path)/\(pointer)", zh: "\(kind.rawValue) 需要参数“\(pointer)”", en: "\(kind.rawValue) needs the parameter '\(pointer)'") }
            return
        }
        guard let field = schema.field(name) else {
            list.add("\(path)/\(pointer)", zh: "没有信息项“\(name)”", en: "there is no field '\(name)'")
            return
        }
        if !types.contains(field.type.description) {
            let names = types.joined(separator: " / ")
            list.add("\(path)/\(pointer)", zh: "“\(name)”须为 \(names)", en: "'\(name)' must be \(names)")
        }
    }

    private func refuse(_ parameters: [(String, Bool)], _ path: String, _ list: inout PlaceList) {
        for (name, isGiven) in parameters where isGiven {
            list.add("\(path)/\(name)", zh: "\(kind.rawValue) 没有参数“\(name)”", en: "\(kind.rawValue) has no parameter '\(name)'")
        }
    }
}
