import DequeModule

/// Who holds which pooled connection, and who waits for one: a value that performs nothing itself.
///
/// Every method takes what happened and returns what is to be done, in order. The caller passes the time.
struct PoolStateMachine {
    typealias ConnectionID = Int
    typealias WaiterID = Int

    enum Action: Equatable {
        /// Hand the connection to the waiter.
        case lend(ConnectionID, to: WaiterID)
        /// Tell the waiter that it gets nothing.
        case refuse(WaiterID, Refusal)
        /// Open a new connection, after a pause.
        case connect(ConnectionID, after: Duration)
        /// Ask an idle connection whether it still lives.
        case check(ConnectionID)
        /// Close the connection and forget it.
        case close(ConnectionID)
        /// All is closed.
        case finished
    }

    enum Refusal: Equatable { case timeout, cancelled, deadline, overloaded, closed }

    private enum State: Equatable {
        case connecting
        case idle(since: ContinuousClock.Instant)
        case lent
        case checking
    }

    private let size: Int
    private let maxWaiters: Int
    private let checkInterval: Duration
    private var connections: [ConnectionID: State] = [:]
    /// Idle connections, the most recently used one last: the others may cool down.
    private var idle: [ConnectionID] = []
    private var waiters = Deque<WaiterID>()
    private var backoff = Backoff()
    private var nextID = 0
    private var isClosing = false

    init(size: Int, maxWaiters: Int, checkInterval: Duration) {
        self.size = max(1, size)
        self.maxWaiters = maxWaiters
        self.checkInterval = checkInterval
    }

    var lentCount: Int { connections.values.count { $0 == .lent } }
    var idleCount: Int { idle.count }
    var waitingCount: Int { waiters.count }
    private var connectingCount: Int { connections.values.count { $0 == .connecting } }

    /// Somebody wants a connection.
    mutating func acquire(_ waiter: WaiterID) -> [Action] {
        if isClosing { return [.refuse(waiter, .closed)] }
        if let connection = idle.popLast() {
            connections[connection] = .lent
            return [.lend(connection, to: waiter)]
        }
        if waiters.count >= maxWaiters { return [.refuse(waiter, .overloaded)] }
        waiters.append(waiter)
        return grow()
    }

    /// A waiter's time is up, or it does not want to wait any longer. Nothing happens if it was served already.
    mutating func giveUp(_ waiter: WaiterID, _ refusal: Refusal) -> [Action] {
        guard let index = waiters.firstIndex(of: waiter) else { return [] }
        waiters.remove(at: index)
        return [.refuse(waiter, refusal)]
    }

    /// An attempt to connect succeeded.
    mutating func connected(_ connection: ConnectionID, at now: ContinuousClock.Instant) -> [Action] {
        backoff.succeeded()
        return park(connection, at: now) + grow()
    }

    /// An attempt to connect failed. While somebody waits, another one follows after a pause.
    mutating func connectFailed(_ connection: ConnectionID, jitter: Double) -> [Action] {
        connections[connection] = nil
        let pause = backoff.failed(jitter: jitter)
        return [.close(connection)] + grow(after: pause) + finishIfEmpty()
    }

    /// A lent connection comes back.
    /// - Parameter usable: false when it broke, or nobody knows what state it is in.
    mutating func release(_ connection: ConnectionID, usable: Bool, at now: ContinuousClock.Instant) -> [Action] {
        if usable { return park(connection, at: now) }
        connections[connection] = nil
        return [.close(connection)] + grow() + finishIfEmpty()
    }

    /// Time has passed: idle connections that were not used for a while are checked.
    mutating func tick(at now: ContinuousClock.Instant) -> [Action] {
        let due = idle.filter { id in
            if case .idle(let since)? = connections[id] { now - since >= checkInterval } else { false }
        }
        idle.removeAll { due.contains($0) }
        for id in due { connections[id] = .checking }
        return due.map { .check($0) }
    }

    /// A check ended.
    mutating func checked(_ connection: ConnectionID, alive: Bool, at now: ContinuousClock.Instant) -> [Action] {
        release(connection, usable: alive, at: now)
    }

    /// No new work: waiters are refused, idle connections closed, lent ones closed when they come back.
    mutating func close() -> [Action] {
        guard !isClosing else { return [] }
        isClosing = true
        var actions = waiters.map { Action.refuse($0, .closed) } + idle.map { .close($0) }
        waiters.removeAll()
        for id in idle { connections[id] = nil }
        idle.removeAll()
        actions += finishIfEmpty()
        return actions
    }

    private mutating func park(_ connection: ConnectionID, at now: ContinuousClock.Instant) -> [Action] {
        if isClosing {
            connections[connection] = nil
            return [.close(connection)] + finishIfEmpty()
        }
        if let waiter = waiters.popFirst() {
            connections[connection] = .lent
            return [.lend(connection, to: waiter)]
        }
        connections[connection] = .idle(since: now)
        idle.append(connection)
        return []
    }

    /// Opens as many connections as waiters need. After a failure only one attempt runs at a time.
    private mutating func grow(after pause: Duration = .zero) -> [Action] {
        var actions: [Action] = []
        var connecting = connectingCount
        while !isClosing, connections.count < size, connecting < waiters.count, backoff.failures == 0 || connecting == 0 {
            let id = nextID
            nextID += 1
            connections[id] = .connecting
            connecting += 1
            actions.append(.connect(id, after: pause))
        }
        return actions
    }

    private func finishIfEmpty() -> [Action] { isClosing && connections.isEmpty ? [.finished] : [] }
}
