/// One item of `group_by` or `select`, as written: a name, or a function with its arguments.
struct AggregateTerm: Equatable {
    /// Why a list cannot be taken apart.
    struct Fault: Error {
        let message: LocalizedText
    }

    let text: String
    /// Where it begins in the parameter, in characters (Unicode code points) from 1.
    let position: Int
    let name: String
    /// Nil for a name alone.
    let arguments: [String]?

    /// Takes a list apart: items by commas outside parentheses, arguments by commas inside; spaces around either do not count.
    ///
    /// It goes by code points: as characters, a sign and a combining mark behind it would be one.
    static func list(_ text: String) -> Result<[AggregateTerm], Fault> {
        let scalars = text.unicodeScalars
        var items: [(text: Substring, position: Int)] = []
        var start = text.startIndex
        var startPosition = 1
        var depth = 0
        for (offset, index) in scalars.indices.enumerated() {
            switch scalars[index] {
            case "(":
                depth += 1
                if depth > 1 { return .failure(fault(offset + 1, zh: "函数不能嵌套", en: "functions do not nest")) }
            case ")":
                depth -= 1
                if depth < 0 { return .failure(fault(offset + 1, zh: "多出一个右括号", en: "a closing parenthesis too many")) }
            case "," where depth == 0:
                items.append((text[start..<index], startPosition))
                start = scalars.index(after: index)
                startPosition = offset + 2
            default: break
            }
        }
        if depth > 0 { return .failure(fault(scalars.count + 1, zh: "缺少右括号", en: "a closing parenthesis is missing")) }
        items.append((text[start...], startPosition))
        var terms: [AggregateTerm] = []
        for (item, position) in items {
            let leading = item.unicodeScalars.prefix { $0 == " " }.count
            let item = trimmed(item)
            guard !item.isEmpty else { return .failure(fault(position, zh: "这里应有一项，如 region 或 count(*)", en: "an item is expected here, such as region or count(*)")) }
            guard let open = item.unicodeScalars.firstIndex(of: "(") else {
                terms.append(AggregateTerm(text: String(item), position: position + leading, name: String(item), arguments: nil))
                continue
            }
            guard item.unicodeScalars.last == ")" else {
                return .failure(fault(position + leading + item.unicodeScalars.count, zh: "右括号之后应为逗号", en: "a comma is expected behind the closing parenthesis"))
            }
            let inside = Substring(item.unicodeScalars[item.unicodeScalars.index(after: open)...].dropLast())
            let arguments = inside.pieces(at: ",").map { String(trimmed($0)) }
            terms.append(AggregateTerm(text: String(item), position: position + leading, name: String(trimmed(item[..<open])), arguments: arguments))
        }
        return .success(terms)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var scalars = text.unicodeScalars.drop { $0 == " " }
        while scalars.last == " " { scalars = scalars.dropLast() }
        return Substring(scalars)
    }

    private static func fault(_ position: Int, zh: String, en: String) -> Fault {
        Fault(message: LocalizedText(zh: "第 \(position) 个字符：\(zh)", en: "at character \(position): \(en)"))
    }
}
