internal import Postgres

extension Store {
    /// A secret that all nodes share.
    ///
    /// - Parameter name: `cursor` signs cursors.
    /// - Returns: nil where there is none of this name.
    public func secret(_ name: String) async throws -> [UInt8]? {
        let rows = try await write("SELECT value FROM daylight.secret WHERE name = \(name)")
        return try rows.first?.read(Bytea.self, "value").bytes
    }
}
