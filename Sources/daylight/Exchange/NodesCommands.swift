import ArgumentParser
import Model

/// `daylight exchange nodes`: the nodes whose data is here, and how far it has come.
struct NodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes", abstract: "Nodes that this one mirrors: how far, and what is refused. 本节点镜像的其他节点。",
        discussion: "Data of departments of other nodes comes here as they release it. `daylight exchange departments` says which department is on which node.")

    @OptionGroup var options: ExchangeOptions

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.get("/v1/nodes")
            try options.show(answer, on: terminal) { answer in
                let nodes = try answer.json(ListText<NodeText>.self).data
                if nodes.isEmpty { return terminal.language == .zh ? "本节点没有镜像其他节点" : "no other node is mirrored here" }
                return nodes.map { $0.lines(in: terminal.language) }.joined(separator: "\n")
            }
        }
    }
}

/// `daylight exchange departments`: who takes part.
struct DepartmentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "departments", abstract: "Departments that take part, their nodes, and the keys with which they sign. 参与共享的部门、所在节点及其签名公钥。")

    @OptionGroup var options: ExchangeOptions
    @Option(help: "How many, from 1 to 200.") var limit = 50

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.get("/v1/exchange/departments?limit=\(limit)")
            try options.show(answer, on: terminal) { try $0.json(ListText<DepartmentText>.self).data.map { $0.line(in: terminal.language) }.joined(separator: "\n") }
        }
    }
}

/// A node as it is shown.
private struct NodeText: Decodable {
    struct Refused: Decodable {
        var dataset: String
        var version: Int?
        var reason: LocalizedText
    }

    var url: String
    var state: String
    var datasets: Int
    var checkedAt: Timestamp?
    var reason: LocalizedText?
    var nextTryAt: Timestamp?
    var refused: [Refused]

    func lines(in language: Language) -> String {
        let isChinese = language == .zh
        var parts = [url, state, isChinese ? "数据资源 \(datasets) 个" : "\(datasets) datasets"]
        if let checkedAt { parts.append(isChinese ? "截至 \(checkedAt) 无新内容" : "nothing new at \(checkedAt)") }
        if let reason { parts.append(reason.text(in: language)) }
        if let nextTryAt { parts.append(isChinese ? "下次尝试 \(nextTryAt)" : "next try \(nextTryAt)") }
        let troubles = refused.map { one in
            let version = one.version.map { isChinese ? " 第 \($0) 版" : " version \($0)" } ?? ""
            return "  " + (isChinese ? "未接收：" : "not taken: ") + "\(one.dataset)\(version): \(one.reason.text(in: language))"
        }
        return ([parts.joined(separator: "  ")] + troubles).joined(separator: "\n")
    }
}
