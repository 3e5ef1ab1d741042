import Model

/// What the client reads of a push document; a field that a newer server adds does no harm.
struct PushReport: Decodable, Sendable {
    var id: String
    var state: Push.State
    var recordCount: Int
    var rowCount: Int
    var rejectedCount: Int
    var errorCount: Int
    var warningCount: Int
    var digest: String?
    var version: Int?
}

/// A page of findings as `GET /v1/pushes/{push}/findings` gives it.
struct FindingPage: Decodable, Sendable {
    var data: [Finding]
}

/// The members of a problem document (RFC 9457) that the client shows.
struct ProblemReport: Decodable, Sendable {
    var title: String?
    var detail: String?
    var code: String?
    var push: String?

    var line: String {
        [code, title, detail].compactMap { $0 }.joined(separator: ": ")
    }
}
