import RateLimit
import Synchronization

/// How many event streams are open, of each client and in all.
final class EventPlaces: Sendable {
    /// Why there is no place.
    enum Refusal { case client, all }

    private let open = Mutex<(all: Int, byClient: [ClientKey: Int])>((0, [:]))
    private let perClient: Int
    private let inAll: Int

    init(perClient: Int, inAll: Int) {
        self.perClient = perClient
        self.inAll = inAll
    }

    /// Streams that are open.
    var count: Int { open.withLock { $0.all } }

    /// Takes a place.
    /// - Returns: why there is none; nil when it was taken.
    func take(_ client: ClientKey) -> Refusal? {
        open.withLock { open in
            if open.byClient[client, default: 0] >= perClient { return .client }
            if open.all >= inAll { return .all }
            open.all += 1
            open.byClient[client, default: 0] += 1
            return nil
        }
    }

    /// Gives a place back.
    func giveBack(_ client: ClientKey) {
        open.withLock { open in
            guard let count = open.byClient[client] else { return }
            open.all -= 1
            open.byClient[client] = count > 1 ? count - 1 : nil
        }
    }
}
