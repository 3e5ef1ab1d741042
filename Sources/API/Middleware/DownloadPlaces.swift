import RateLimit
import Synchronization

/// How many downloads each client has running.
final class DownloadPlaces: Sendable {
    private let running = Mutex<[ClientKey: Int]>([:])
    private let perClient: Int

    init(perClient: Int) {
        self.perClient = perClient
    }

    /// Takes a place.
    /// - Returns: false when the client has as many as it may have.
    func take(_ client: ClientKey) -> Bool {
        running.withLock { running in
            let count = running[client, default: 0]
            guard count < perClient else { return false }
            running[client] = count + 1
            return true
        }
    }

    /// Gives a place back.
    func giveBack(_ client: ClientKey) {
        running.withLock { running in
            guard let count = running[client] else { return }
            running[client] = count > 1 ? count - 1 : nil
        }
    }
}
