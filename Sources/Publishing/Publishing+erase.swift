import Logging
import Model
public import Store

extension Publishing {
    /// Erases for good what a withdrawal of rows left behind, as the law may demand of personal data. The ledger stays valid: it holds no contents.
    ///
    /// - Parameter withdrawal: its identifier.
    /// - Throws: `Problem` (`invalidWithdrawal`) where there is no such withdrawal of rows.
    public func erase(_ withdrawal: String) async throws -> Erasure {
        let erasure = try await store.erase(
            withdrawal: withdrawal.lowercased(),
            reason: LocalizedText(zh: "报送中含有已删除的行，请去掉后重新报送", en: "it holds rows that were erased; leave them out and push again"))
        guard let erasure else { throw Problem(.invalidWithdrawal, zh: "没有这个对行的撤回", en: "there is no such withdrawal of rows") }
        logger.notice("erased", metadata: ["withdrawal": "\(withdrawal)", "states": "\(erasure.states)"])
        return erasure
    }
}
