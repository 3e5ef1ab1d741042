public import Model
import RateLimit

/// Who asks: nobody in particular, or the holder of a key.
public enum Identity: Sendable, Hashable {
    case anonymous
    /// A key whose secret, term and network have been checked.
    case key(AccessKey)

    /// The key, if there is one.
    public var key: AccessKey? {
        if case .key(let key) = self { key } else { nil }
    }

    var tier: Tier {
        guard case .key(let key) = self else { return .anonymous }
        return Tier(rawValue: key.tier) ?? .registered
    }

    /// Whose quotas hold: the key's, else the address's.
    func clientKey(at address: IPAddress) -> ClientKey {
        guard case .key(let key) = self else { return ClientKey(address: address) }
        return ClientKey(keyID: key.id)
    }

    /// Whether a permission is there; see ``require(_:dataset:department:)``.
    public func allows(_ scope: Scope, dataset: String? = nil, department: String? = nil) -> Bool {
        guard let key, key.scopes.contains(scope) else { return false }
        if let dataset, !key.datasets.isEmpty, !key.datasets.contains(dataset) { return false }
        if let department, let own = key.department, own != department { return false }
        return true
    }

    /// The key, when it allows what is asked.
    ///
    /// A key without a department acts for any; one with an empty list of datasets acts on all of its department's.
    /// - Parameters:
    ///   - scope: what is to be done.
    ///   - dataset: the dataset that it is done to, nil where there is none.
    ///   - department: the department that the dataset belongs to, nil where there is none.
    /// - Throws: `unauthenticated` without a key, `forbidden` naming the missing scope, dataset or department.
    @discardableResult
    public func require(_ scope: Scope, dataset: String? = nil, department: String? = nil) throws -> AccessKey {
        guard let key else {
            throw Problem(
                .unauthenticated,
                zh: "此操作需要带有 \(scope.rawValue) 权限的密钥：Authorization: Bearer dk_…",
                en: "this needs a key with the scope \(scope.rawValue): Authorization: Bearer dk_…",
                members: [.missingScope: "\"\(scope.rawValue)\""]
            )
        }
        guard key.scopes.contains(scope) else {
            throw Problem(
                .forbidden,
                zh: "密钥 \(key.prefix) 缺少权限 \(scope.rawValue)",
                en: "the key \(key.prefix) lacks the scope \(scope.rawValue)",
                members: [.missingScope: "\"\(scope.rawValue)\""]
            )
        }
        guard allows(scope, dataset: dataset) else {
            throw Problem(
                .forbidden,
                zh: "密钥 \(key.prefix) 的权限 \(scope.rawValue) 不包括该数据资源",
                en: "the scope \(scope.rawValue) of the key \(key.prefix) does not cover this dataset"
            )
        }
        guard allows(scope, dataset: dataset, department: department) else {
            throw Problem(
                .forbidden,
                zh: "密钥 \(key.prefix) 属于其他部门",
                en: "the key \(key.prefix) belongs to another department"
            )
        }
        return key
    }
}
