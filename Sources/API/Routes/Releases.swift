import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

/// When to release; at once where `at` is not given.
private struct ReleaseRequest: Decodable {
    var at: Timestamp?
}

/// What a release came to.
private struct ReleaseDocument: Encodable, Sendable {
    var push: PushDocument
    var version: VersionDocument?
}

extension API {
    func addReleaseRoutes(_ routes: Routes, _ publishing: Publishing) {
        routes.post("/v1/pushes/{push}/release", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let record = try await Self.push(context, publishing)
            let (dataset, department) = (record.push.dataset, record.push.department)
            let scope: Scope = context.identity.allows(.push, dataset: dataset, department: department) ? .push : .release
            let key = try context.require(scope, dataset: dataset, department: department)
            // Nothing in the body asks for nothing in particular.
            let body = request.headers[.contentType] == nil ? ReleaseRequest() : try await request.json(ReleaseRequest.self, context)
            switch try await publishing.release(record.push.id, at: body.at, by: key) {
            case .released(let record, let version):
                var headers = Self.unshared
                headers[.location] = "/v1/datasets/\(version.dataset)/versions/\(version.number)"
                return try .json(ReleaseDocument(push: PushDocument(record), version: VersionDocument(version)), headers: headers)
            case .unchanged(let record):
                let version = try await record.push.version.asyncMap { try await publishing.version($0, of: publishing.target(dataset)) }
                return try .json(ReleaseDocument(push: PushDocument(record), version: version.map { VersionDocument($0) }), headers: Self.unshared)
            case .scheduled(let record):
                return try .json(ReleaseDocument(push: PushDocument(record)), status: .accepted, headers: Self.unshared)
            }
        }
    }
}

extension Optional {
    fileprivate func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let value = self else { return nil }
        return try await transform(value)
    }
}
