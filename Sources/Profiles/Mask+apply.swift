public import Model

extension Mask {
    /// The value as everybody outside may see it. Characters are Unicode code points, as PostgreSQL counts them.
    ///
    /// - `name`: the first character, of four and more the first two, then one `*` per further character (欧*, 张**, 欧阳**); a single character becomes `*`.
    /// - `last_four`: the last four characters stay, each of the others becomes `*`; values of four or fewer become all `*`.
    /// - `phone`: the first three and the last four characters stay; values of seven or fewer become all `*`.
    /// - `division_only`: the first six characters stay; values of six or fewer stay whole, since they are no more than a division.
    ///
    /// Store renders the same in SQL; tests hold the two against each other.
    public func apply(_ value: String) -> String {
        let scalars = Array(value.unicodeScalars)
        func kept(_ head: Int, _ tail: Int) -> String {
            var text = String.UnicodeScalarView()
            for (index, scalar) in scalars.enumerated() { text.append(index < head || index >= scalars.count - tail ? scalar : "*") }
            return String(text)
        }
        switch self {
        case .name: return kept(scalars.count > 3 ? 2 : scalars.count > 1 ? 1 : 0, 0)
        case .lastFour: return scalars.count > 4 ? kept(0, 4) : kept(0, 0)
        case .phone: return scalars.count > 7 ? kept(3, 4) : kept(0, 0)
        case .divisionOnly: return kept(6, 0)
        }
    }
}
