import Foundation
import Ledger
import Model

extension Audit {
    /// A revision of a description as the list shows it.
    private struct ShownRevision: Decodable {
        var revision: Int
        var digest: String
    }

    private struct RevisionPage: Decodable {
        struct Links: Decodable { var next: String? }
        var data: [ShownRevision]
        var links: Links
    }

    /// Compares the revisions of a dataset's description with what its leaves say of them.
    ///
    /// - Returns: what may only be late.
    /// - Throws: ``Lie``, ``Unreadable``.
    func checkDescriptions(of dataset: DatasetAudit) async throws -> Lie? {
        guard !dataset.descriptions.isEmpty else { return nil }
        var shown: [Int: String] = [:], next: String? = "/v1/datasets/\(dataset.dataset)/revisions?limit=100"
        while let path = next {
            let answer = try await client.get(path)
            // Withdrawn: the versions say so.
            if answer.status == 410 || answer.status == 404 { return nil }
            guard answer.status == 200 else { throw Unreadable(zh: "\(path) 回答 \(answer.status)", en: "\(path) answers \(answer.status)") }
            let page = try answer.json(RevisionPage.self, of: path)
            for revision in page.data { shown[revision.revision] = revision.digest }
            next = page.links.next.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        report.descriptions += shown.count
        return try dataset.check(revisions: shown)
    }

    /// Recomputes the digest of the description that stood at a release.
    func checkDescription(of release: Leaf.Release) async throws {
        let path = "/v1/datasets/\(release.dataset)/revisions/\(release.descriptionRevision)", answer = try await client.get(path)
        // What was edited before revisions were kept is told by the list, which was compared.
        guard answer.status == 200 else { return }
        guard var description = try? CanonicalJSON(parsing: answer.body)["description"] else { throw Unreadable(zh: "\(path) 的回答无法识别", en: "the answer of \(path) cannot be read") }
        description["schema"] = nil
        let found = HexDigest.of(description.bytes)
        guard found == release.descriptionDigest else {
            throw Lie(
                .description, dataset: release.dataset, version: release.version, promised: release.descriptionDigest, served: found,
                zh: "第 \(release.descriptionRevision) 次修订的元数据与存证不符", en: "revision \(release.descriptionRevision) of the description is another than the log says")
        }
    }

    /// Recomputes the digest of every version of a profile that was loaded.
    func checkProfiles() async throws {
        for (name, leaf) in try profiles().sorted(by: { $0.key < $1.key }) {
            guard let digest = leaf.documentDigest else { continue }
            let path = "/v1/profiles/\(leaf.profile)/versions/\(leaf.version)", answer = try await client.get(path)
            func lie(_ served: String, zh: String, en: String) -> Lie { Lie(.profile, promised: digest, served: served, zh: "\(name)：\(zh)", en: "\(name): \(en)") }
            guard answer.status == 200 else {
                throw lie("\(answer.status)", zh: "存证中有这一版规范，服务器上却没有", en: "the log has this version of the profile, and the server has not")
            }
            let found = (try? CanonicalJSON(parsing: answer.body)).map { HexDigest.of($0.bytes) } ?? ""
            guard found == digest else { throw lie(found, zh: "规范与存证不符", en: "the profile is another than the log says") }
            report.profiles += 1
        }
    }

    /// What the log says of profiles, each version once.
    private func profiles() throws -> [String: Leaf.Profile] {
        var profiles: [String: Leaf.Profile] = [:]
        for part in 0..<AuditMemory.parts {
            for (index, entry) in try memory.entries(part) {
                guard case .profile(let leaf)? = try? Leaf(entry: entry) else { continue }
                let name = "\(leaf.profile)/\(leaf.version)"
                if let first = profiles[name], first.documentDigest != leaf.documentDigest {
                    throw Lie(
                        .twice, leaf: index, promised: first.documentDigest ?? "-", served: leaf.documentDigest ?? "-", zh: "规范 \(name) 有两个不同的条目", en: "the log has two leaves for the profile \(name)")
                }
                profiles[name] = leaf
            }
        }
        return profiles
    }
}

extension DatasetAudit {
    /// Digests of the description by its revisions, as leaves of releases and of edits name them.
    var descriptions: [Int: Set<String>] {
        var digests: [Int: Set<String>] = [:]
        for release in releases.values { digests[release.descriptionRevision, default: []].insert(release.descriptionDigest) }
        for edit in edits {
            digests[edit.revision, default: []].insert(edit.digest)
            if edit.revision > 1 { digests[edit.revision - 1, default: []].insert(edit.previousDigest) }
        }
        return digests
    }

    /// What is wrong with the revisions that the server shows; what may only be late is told apart. What was edited before revisions were kept is not held against it.
    ///
    /// - Throws: ``Lie``.
    func check(revisions shown: [Int: String]) throws -> Lie? {
        func lie(_ revision: Int, _ promised: String, _ served: String, zh: String, en: String) -> Lie {
            Lie(.description, dataset: dataset, promised: promised, served: served, zh: "第 \(revision) 次修订：\(zh)", en: "revision \(revision): \(en)")
        }
        let descriptions = descriptions
        for (revision, digests) in descriptions.sorted(by: { $0.key < $1.key }) {
            guard let digest = digests.first, digests.count == 1 else {
                throw lie(revision, digests.sorted().joined(separator: " "), "-", zh: "条目所记的摘要互相矛盾", en: "its leaves name different digests")
            }
            // An edit of the mapping counts on too: the description is the newest up to there.
            guard let standing = shown.keys.filter({ $0 <= revision }).max(), let served = shown[standing], served != digest else { continue }
            guard standing == revision else { throw lie(revision, digest, "-", zh: "存证中有这次修订，服务器上却没有", en: "the log has it, and the server has not") }
            throw lie(revision, digest, served, zh: "元数据与存证不符", en: "the description is another than the log says")
        }
        // The newest one is what everybody reads.
        guard let (revision, served) = shown.max(by: { $0.key < $1.key }), let recorded = descriptions.filter({ $0.key <= revision }).max(by: { $0.key < $1.key }) else { return nil }
        guard recorded.value.first != served else { return nil }
        return lie(revision, recorded.value.first ?? "-", served, zh: "元数据已更改，存证中却没有", en: "the description was changed, and no leaf says so")
    }
}
