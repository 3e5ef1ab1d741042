import Foundation

/// What the tests say about their datasets.
enum Descriptions {
    /// A description with a schema of its own.
    ///
    /// - Parameters:
    ///   - fields: `name|title|type` and then `required` or nothing, one a line.
    ///   - key: names of the key fields.
    ///   - more: further members of the schema, each after a comma.
    static func own(_ title: String, department: String, fields: String, key: [String], policy: String = "strict", more: String = "") -> String {
        let items = fields.split(separator: "\n").map { line -> String in
            let parts = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            let required = parts.count > 3 && parts[3] == "required"
            return """
                {"name":"\(parts[0])","title":{"zh":"\(parts[1])"},"type":"\(parts[2])","required":\(required),"visibility":"public"}
                """
        }
        return base(
            title, department: department, policy: policy,
            with: #""schema":{"fields":[\#(items.joined(separator: ","))],"primary_key":[\#(key.map { "\"\($0)\"" }.joined(separator: ","))]\#(more)}"#)
    }

    /// A description with a schema as JSON.
    static func shaped(_ title: String, department: String, schema: String) -> String {
        base(title, department: department, policy: "strict", with: #""schema":\#(schema)"#)
    }

    static func profiled(_ title: String, department: String, profile: String, policy: String = "strict") -> String {
        base(title, department: department, policy: policy, with: #""profile":{"id":"\#(profile)"}"#)
    }

    private static func base(_ title: String, department: String, policy: String, with shape: String) -> String {
        """
        {"title":{"zh":"\(title)"},"abstract":{"zh":"\(title)，按原文件报送。"},"department":"\(department)","share_type":"unconditional",
         "openness":"unconditional","disclosure":"proactive","update_cycle":"irregular","licence":"CC-BY-4.0","push_policy":"\(policy)",\(shape)}
        """
    }
}
