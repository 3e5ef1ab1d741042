internal import Crypto
internal import Foundation
internal import Ledger
public import Model
internal import Profiles
public import Store

/// What the operator registers: profiles, reference data, departments, keys.
public struct Registry: Sendable {
    let store: Store

    public init(store: Store) {
        self.store = store
    }

    // MARK: Profiles

    /// Loads a profile from its file.
    ///
    /// - Throws: `InvalidDocument` with every wrong place, a `Problem` when the database cannot answer.
    public func loadProfile(_ json: [UInt8]) async throws -> (profile: ProfileReference, loading: ProfileLoading) {
        let profile = try Profile(json: json)
        let digest = SHA256.hash(data: json).map { String(format: "%02x", $0) }.joined()
        let loading = try await store.addProfileDocument(
            id: profile.id, version: profile.version, document: String(decoding: json, as: UTF8.self), digest: digest,
            entry: try .profile(id: profile.id, version: profile.version, json: json)
        )
        return (ProfileReference(id: profile.id, version: profile.version), loading)
    }

    /// Every profile at its newest version, with its title.
    public func profiles() async throws -> [(profile: ProfileReference, title: LocalizedText, loadedAt: Timestamp)] {
        try await store.newestProfileDocuments().map {
            (ProfileReference(id: $0.id, version: $0.version), try Profile(json: Array($0.document.utf8)).title, $0.loadedAt)
        }
    }

    // MARK: Reference data

    /// Loads code lists or departments from a CSV file, all or nothing.
    ///
    /// - Returns: what was done, by list; departments under `departments`.
    /// - Throws: `InvalidDocument` with every wrong line, a `Problem` when the database cannot answer.
    public func loadReference(_ csv: [UInt8]) async throws -> [String: Loaded] {
        switch try ReferenceFile(csv: csv) {
        case .codes(let lists): try await store.loadCodes(lists)
        case .departments(let departments): ["departments": try await store.putDepartments(departments)]
        }
    }

    /// The loaded code lists.
    public func codeLists() async throws -> [CodeListSummary] { try await store.codeLists() }

    /// Adds departments and brings known ones up to date.
    public func putDepartments(_ departments: [Department]) async throws -> Loaded { try await store.putDepartments(departments) }

    // MARK: Keys

    /// What a new key is to be.
    public struct KeyRequest: Sendable {
        public var label: String
        public var department: String?
        public var scopes: [Scope]
        public var datasets: [String] = []
        /// CIDR notation.
        public var networks: [String] = []
        /// Name of the rate tier.
        public var tier: String
        public var expiresAt: Timestamp?

        public init(label: String, department: String? = nil, scopes: [Scope], tier: String) {
            self.label = label
            self.department = department
            self.scopes = scopes
            self.tier = tier
        }
    }

    /// Makes a key of 32 random bytes. Its text is shown this once; only its hash is kept.
    ///
    /// - Throws: `Problem`: `departmentNotFound`, `invalidParameter`.
    public func issueKey(_ request: KeyRequest) async throws -> (text: String, key: AccessKey) {
        let prefix = Self.random(characters: 10)
        // 43 characters of an alphabet of 62 hold 256 bits.
        let text = "dk_\(prefix)_\(Self.random(characters: 43))"
        let key = AccessKey(
            id: "", prefix: prefix, hash: SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined(), label: request.label,
            department: request.department, scopes: request.scopes, datasets: request.datasets, networks: request.networks, tier: request.tier,
            createdAt: .now, expiresAt: request.expiresAt, revokedAt: nil
        )
        return (text, try await store.addAccessKey(key))
    }

    /// Makes a key like another one, which goes on for a while so that its holder can change over.
    ///
    /// - Parameters:
    ///   - prefix: the old key's public part.
    ///   - overlap: seconds for which the old key still works.
    /// - Returns: nil where there is no such key, or it has ended.
    public func rotateKey(prefix: String, overlap: Int) async throws -> (text: String, key: AccessKey)? {
        guard let old = try await store.accessKey(prefix: prefix), old.revokedAt.map({ $0 > .now }) ?? true, old.expiresAt.map({ $0 > .now }) ?? true else {
            return nil
        }
        var request = KeyRequest(label: old.label, department: old.department, scopes: old.scopes, tier: old.tier)
        request.datasets = old.datasets
        request.networks = old.networks
        request.expiresAt = old.expiresAt
        let issued = try await issueKey(request)
        _ = try await store.revokeAccessKey(prefix: prefix, at: Timestamp(microseconds: Timestamp.now.microseconds + Int64(overlap) * 1_000_000))
        return issued
    }

    /// Ends a key now; nil where there is none.
    public func revokeKey(prefix: String) async throws -> AccessKey? { try await store.revokeAccessKey(prefix: prefix) }

    /// All keys, newest first.
    public func keys(department: String? = nil) async throws -> [AccessKey] { try await store.accessKeys(department: department) }

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    private static func random(characters: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return String((0..<characters).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }
}
