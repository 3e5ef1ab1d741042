public import Model

/// What is wrong with a leaf by itself, whatever else there is in the log.
public struct LeafFlaw: Error, Sendable, Hashable {
    /// The member that is wrong.
    public let member: String
    public let message: LocalizedText

    fileprivate init(_ member: String, zh: String, en: String) {
        self.member = member
        message = LocalizedText(zh: zh, en: en)
    }
}

extension Leaf {
    /// Whether every member is what `docs/ledger.md` says of it: digests have their length, numbers their range, identifiers their form, and none contradicts another.
    ///
    /// - Throws: ``LeafFlaw`` with the first that is not.
    public func checkForm() throws(LeafFlaw) {
        switch self {
        case .release(let leaf): try leaf.checkForm()
        case .withdrawal(let leaf): try leaf.checkForm()
        case .description(let leaf): try leaf.checkForm()
        case .audit(let leaf): try leaf.seal.checkForm()
        case .profile(let leaf):
            try LeafForm.demand(!leaf.profile.isEmpty, "profile", "不得为空", "must not be empty")
            try LeafForm.positive(leaf.version, "version")
            try LeafForm.digest(leaf.fileDigest, "file_digest")
            if let digest = leaf.documentDigest { try LeafForm.digest(digest, "document_digest") }
        case .review, .grant, .receipt, .correction, .sealed, .other: break
        }
        if let commitment { try LeafForm.digest(commitment.digest, "commitment") }
    }
}

extension Leaf.Release {
    fileprivate func checkForm() throws(LeafFlaw) {
        try LeafForm.dataset(dataset)
        try LeafForm.positive(version, "version")
        for (digest, member) in [(digest, "digest"), (schemaDigest, "schema_digest"), (descriptionDigest, "description_digest")] { try LeafForm.digest(digest, member) }
        try LeafForm.demand((previousDigest == nil) == (version == 1), "previous_digest", "除第一版外必须有，第一版不得有", "belongs to every version but the first")
        if let previousDigest { try LeafForm.digest(previousDigest, "previous_digest") }
        try LeafForm.count(byteCount, "byte_count")
        try LeafForm.count(rowCount, "row_count")
        try LeafForm.positive(descriptionRevision, "description_revision")
        try LeafForm.department(department)
        try LeafForm.demand(late != false, "late", "只能为 true", "is true or absent")
        if let rowTree {
            try LeafForm.digest(rowTree.head, "row_tree/head")
            try LeafForm.demand(rowTree.size == rowCount, "row_tree/size", "应等于 row_count", "must be row_count")
        }
    }
}

extension Leaf.Withdrawal {
    fileprivate func checkForm() throws(LeafFlaw) {
        try LeafForm.dataset(dataset)
        try LeafForm.demand((version != nil) == (subject == .version), "version", "撤回版本时才有", "belongs to the withdrawal of a version, and to no other")
        if let version { try LeafForm.positive(version, "version") }
        try LeafForm.identifier(withdrawal, "withdrawal")
    }
}

extension Leaf.Description {
    fileprivate func checkForm() throws(LeafFlaw) {
        try LeafForm.dataset(dataset)
        try LeafForm.positive(revision, "revision")
        try LeafForm.digest(digest, "digest")
        try LeafForm.digest(previousDigest, "previous_digest")
        try LeafForm.department(department)
    }
}

extension AuditSeal {
    fileprivate func checkForm() throws(LeafFlaw) {
        try LeafForm.positive(number, "number")
        try LeafForm.demand(until >= from, "until", "不得早于 from", "must not be before from")
        try LeafForm.digest(digest, "digest")
        try LeafForm.count(count, "count")
        try LeafForm.demand((first == nil) == (count == 0), "first", "有条目时才有", "is there where there are entries, and only there")
        if let first {
            try LeafForm.positive(first, "first")
            // Numbers may have gaps: what was rolled back has taken one.
            try LeafForm.demand(last.map { $0 >= first && count <= $0 - first + 1 } ?? false, "last", "与 first、count 不符", "does not fit first and count")
        } else {
            try LeafForm.demand(digest == HexDigest.of([]), "digest", "没有条目时应为空内容的摘要", "must be that of nothing where there are no entries")
        }
    }
}

/// What members have to be.
private enum LeafForm {
    static func demand(_ holds: Bool, _ member: String, _ zh: String, _ en: String) throws(LeafFlaw) {
        if !holds { throw LeafFlaw(member, zh: zh, en: en) }
    }

    static func digest(_ text: String, _ member: String) throws(LeafFlaw) {
        try demand(HexDigest.bytes(text) != nil, member, "应为 64 位小写十六进制数字", "must be 64 lower-case hexadecimal digits")
    }

    static func positive(_ number: Int, _ member: String) throws(LeafFlaw) { try demand(number > 0, member, "应为正整数", "must be a positive whole number") }

    static func count(_ number: Int, _ member: String) throws(LeafFlaw) { try demand(number >= 0, member, "不得小于 0", "must not be below 0") }

    static func dataset(_ text: String) throws(LeafFlaw) { try demand(Identifiers.isDatasetIdentifier(text), "dataset", "不是数据资源的标识", "is no dataset's identifier") }

    static func department(_ text: String) throws(LeafFlaw) { try demand(Identifiers.isCreditCode(text), "department", "不是统一社会信用代码", "is no unified social credit code") }

    static func identifier(_ text: String, _ member: String) throws(LeafFlaw) {
        let digits = text.utf8.filter { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }.count
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        try demand(digits == 32 && parts == [8, 4, 4, 4, 12], member, "应为小写的 UUID", "must be a UUID in lower case")
    }
}
