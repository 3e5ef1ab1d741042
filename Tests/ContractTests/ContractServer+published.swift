import API
import AsyncHTTPClient
import Catalogue
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1
import Notary
import Store
import TestSupport
import Testing

extension ContractServer {
    /// What the contract's examples name, as it stands in one server.
    struct Published {
        let contract: Contract
        /// `/v1/pushes/…` of the push that was released.
        let push: String
        /// The identifier of its review.
        let review: String
        /// What stands for the identifiers in the contract's examples of the exchange.
        let shared: [String: String]

        /// An operation's path with what there is in this server put in.
        func target(of operation: Contract.Operation) throws -> String {
            if operation.path.hasPrefix("/v1/pushes/") { return push + operation.path.dropFirst("/v1/pushes/{push}".count).replacing("{review}", with: review) }
            let target = try contract.target(of: operation.path).replacing("/versions/12", with: "/versions/1")
            return shared.reduce(target) { $0.replacing($1.key, with: $1.value) }
        }
    }

    /// Describes the dataset of the contract's examples, and pushes, reviews and releases their rows; loads the profile that they name.
    func publish(_ contract: Contract) async throws -> Published {
        let dataset = try contract.target(of: "/v1/datasets/{id}")
        let created = try await pusher.send(.PUT, dataset, json: contract.requestText("putDataset"), headers: [("If-None-Match", "*")])
        try #require(created.status == 201, "\(created.text)")
        let csv = try #require(try contract.requestExample("createPush").string)
        let pushed = try await pusher.send(.POST, dataset + "/pushes?mode=replace", headers: [("Content-Type", "text/csv")], body: .bytes(ByteBuffer(string: csv)))
        try #require(pushed.status == 201, "\(pushed.text)")
        let push = try pushed.json()
        let path = "/v1/pushes/\(try #require(push["id"]?.string))"
        var review = try #require(try contract.requestExample("createReview").object)
        review["digest"] = push["digest"]
        let reviewed = try await reviewer.send(.POST, path + "/reviews", json: String(decoding: try JSONEncoder().encode(review), as: UTF8.self))
        try #require(reviewed.status == 201, "\(reviewed.text)")
        let released = try await pusher.send(.POST, path + "/release")
        try #require(released.status == 200, "\(released.text)")
        _ = try await Registry(store: store).loadProfile(Array(Data(contentsOf: Project.file("schema/profiles/air-hourly.json"))))
        var shared = try await share(contract)
        try await api.dependencies.notary?.integrate()
        let leaves = try await store.ledgerEntries(0..<256).map { try Leaf(entry: $0) }
        shared["/leaves/12/"] = "/leaves/\(try #require(leaves.firstIndex { $0.kind == "review" }))/"
        if let note = try await api.dependencies.notary?.checkpoint(), let head = Checkpoint(text: note.text) {
            try await store.add(cosignature: "\(Self.witness.cosign(note.text, at: 1_700_000_000))", of: "\(Self.witness.verifier)", size: head.size, at: .now)
        }
        return Published(contract: contract, push: path, review: try #require(try reviewed.json()["id"]?.string), shared: shared)
    }
}
