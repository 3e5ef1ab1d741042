public import Model
internal import Store

extension Sharing {
    /// How departments shared over some time, in the order of their codes.
    ///
    /// - Parameter department: only this one; all that the caller may know of where it is nil: every one for the authority, else its own.
    /// - Throws: `Problem`: `forbidden`, `invalidParameter` for more than ten years or less than nothing.
    public func statistics(from: Timestamp, to: Timestamp, department: String?, for member: Member) async throws -> [ShareStatistics] {
        if let own = member.view, let department, department != own {
            throw Problem(.forbidden, zh: "密钥 \(member.key.prefix) 只能查看本部门的统计", en: "the key \(member.key.prefix) sees its own department's figures only")
        }
        guard from < to, to.microseconds - from.microseconds <= 3_660 * 86_400_000_000 else {
            throw Problem(
                .invalidParameter, zh: "from 应早于 to，且相距不超过十年", en: "from must be before to, and at most ten years before",
                places: [.init("from", zh: "应早于 to，至多十年", en: "must be before to, at most ten years")])
        }
        return try await store.shareStatistics(from: from, to: to, department: department ?? member.view)
    }
}
