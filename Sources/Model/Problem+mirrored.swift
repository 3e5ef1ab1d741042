extension Problem {
    /// The answer to whoever would change a dataset that is at home on another node.
    ///
    /// - Parameter home: that node's address.
    public static func mirrored(at home: String) -> Problem {
        Problem(
            .datasetMirrored, zh: "数据资源由节点 \(home) 提供，此处只读；请在该节点办理", en: "the dataset is at home on the node \(home) and read-only here; do this there",
            members: [.home: (try? JSON.encode(home)) ?? "null"])
    }
}
