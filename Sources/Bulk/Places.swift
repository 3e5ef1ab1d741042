import Synchronization

/// A number of places that are taken and given back.
final class Places: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) {
        free = Mutex(count)
    }

    /// - Returns: nil when all are taken. The place is given back with the object.
    func take() -> Place? {
        let taken = free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
        return taken ? Place(self) : nil
    }

    fileprivate func giveBack() { free.withLock { $0 += 1 } }

    /// One place, held for as long as this is.
    final class Place: Sendable {
        private let places: Places
        fileprivate init(_ places: Places) { self.places = places }
        deinit { places.giveBack() }
    }
}

/// A number of places that are waited for, first come, first served.
final class AsyncPlaces: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    /// - Throws: `CancellationError` when the task was cancelled while it waited.
    func take() async throws -> Place {
        await wait()
        let place = Place(places: self)
        if Task.isCancelled {
            place.giveBack()
            throw CancellationError()
        }
        return place
    }

    @inline(never)
    private func wait() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }

    /// One place, to be given back once.
    struct Place {
        fileprivate let places: AsyncPlaces
        func giveBack() { places.giveBack() }
    }
}
