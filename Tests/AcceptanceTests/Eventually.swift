/// Waits until something holds; a question that fails, as while a server starts, counts as no.
///
/// The limit is for a machine that is busy: what holds at once costs no time.
///
/// - Parameter what: says what was waited for where it does not come to hold.
func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(120), isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    var failure: (any Error)?
    while ContinuousClock.now < end {
        do {
            if try await condition() { return }
            failure = nil
        } catch {
            failure = error
        }
        try await Task.sleep(for: .milliseconds(100))
    }
    throw InstallationError(message: "not in time: \(what())" + (failure.map { "; \($0)" } ?? ""))
}
