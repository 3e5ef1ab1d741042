extension API {
    /// Measurements of one name and several label values that another room offers to the metrics page.
    public struct MetricFamily: Sendable {
        public enum Kind: String, Sendable { case gauge, counter }

        /// One line: label names with their values, and the value.
        public typealias Sample = (labels: [(String, String)], value: Double)

        /// Name by the Prometheus conventions.
        public let name: String
        public let kind: Kind
        /// What it is, in one line.
        public let help: String
        /// Reads it now; called once per scrape. No sample where there is nothing to say.
        public let read: @Sendable () -> [Sample]

        public init(_ name: String, _ kind: Kind = .gauge, help: String, read: @escaping @Sendable () -> [Sample]) {
            self.name = name
            self.kind = kind
            self.help = help
            self.read = read
        }

        /// The lines of the text exposition format 0.0.4.
        var exposition: String {
            read().reduce(into: "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n") { text, sample in
                let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
                // Whole numbers as such: sizes have more digits than a short spelling of a Double shows.
                let value = Int(exactly: sample.value).map(String.init) ?? "\(sample.value)"
                text += name + (labels.isEmpty ? "" : "{\(labels)}") + " \(value)\n"
            }
        }

        private static func escaped(_ value: String) -> String {
            value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
    }
}
