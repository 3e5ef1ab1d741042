import Model
import Publishing
import Store
import TestSupport
import Testing

@Suite struct ReviewTests {
    static let csv = "code,name\nA,a\n"

    @Test func aReleaseNeedsAPassByAnotherKeyOnExactlyThisContent() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push(Self.csv)
            let (id, digest) = (report.push.id, report.push.digest ?? "")
            await expectProblem(.reviewMissing) { _ = try await shop.publishing.release(id, by: shop.pusher) }
            await expectProblem(.reviewNotIndependent) {
                _ = try await shop.publishing.review(id, decision: .pass, legalBasis: "第十七条", note: nil, digest: digest, by: shop.pusher)
            }
            await expectProblem(.reviewDigestMismatch) {
                _ = try await shop.publishing.review(
                    id, decision: .pass, legalBasis: "第十七条", note: nil, digest: String(repeating: "0", count: 64), by: shop.reviewer)
            }
            await expectProblem(.invalidReview) {
                _ = try await shop.publishing.review(id, decision: .refuse, legalBasis: " ", note: nil, digest: "xyz", by: shop.reviewer)
            }
            #expect(try await shop.publishing.reviews(of: id).isEmpty)
            try await shop.pass(report)
            guard case .released(let record, let version) = try await shop.publishing.release(id, by: shop.pusher) else { throw Unexpected("no release") }
            #expect(record.push.state == .released && version.number == 1 && version.push == id)
            await expectProblem(.pushStateConflict) { _ = try await shop.publishing.release(id, by: shop.pusher) }
            await expectProblem(.pushStateConflict) { try await shop.pass(report) }
        }
    }

    @Test func aRefusalEndsThePushAndADoubtTakesAPassBack() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push(Self.csv)
            let (id, digest) = (report.push.id, report.push.digest ?? "")
            try await shop.pass(report)
            _ = try await shop.publishing.review(id, decision: .refer, legalBasis: "第十七条", note: "请保密局确定", digest: digest, by: shop.reviewer)
            await expectProblem(.reviewMissing) { _ = try await shop.publishing.release(id, by: shop.pusher) }
            _ = try await shop.publishing.review(id, decision: .refuse, legalBasis: "第十四条", note: "涉密", digest: digest, by: shop.reviewer)
            let push = try await shop.publishing.push(id).push
            #expect(push.state == .refused && push.reason?.zh == "涉密")
            #expect(try await shop.stagingTables() == 0)
            await expectProblem(.pushStateConflict) { _ = try await shop.publishing.release(id, by: shop.pusher) }
            #expect(try await shop.publishing.reviews(of: id).map(\.decision) == [.pass, .refer, .refuse])
        }
    }

    @Test func aPreApprovedFeedIsReleasedWithoutReview() async throws {
        try await Workshop.with(reviewPolicy: "pre_approved_feed") { shop in
            let report = try await shop.push(Self.csv)
            #expect(report.push.state == .approved)
            guard case .released(_, let version) = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("no release") }
            #expect(version.number == 1 && version.profile == ProfileReference(id: "lighthouse", version: 1))
        }
    }

    @Test func onlyTheFirstVersionOfAShapeIsReviewedWhereTheProfileSaysSo() async throws {
        try await Workshop.with(reviewPolicy: "first_version") { shop in
            let first = try await shop.push(Self.csv)
            #expect(first.push.state == .ready)
            try await shop.release(first)
            let second = try await shop.push("code,name\nB,b\n")
            #expect(second.push.state == .approved)
            guard case .released = try await shop.publishing.release(second.push.id, by: shop.pusher) else { throw Unexpected("no release") }
        }
    }
}
