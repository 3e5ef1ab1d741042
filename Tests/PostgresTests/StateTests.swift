import Testing

@testable import Postgres

/// The values that decide: no server, no clock, no threads.
@Suite struct PoolStateMachineTests {
    private typealias Action = PoolStateMachine.Action
    private let start = ContinuousClock.now
    private var machine = PoolStateMachine(size: 2, maxWaiters: 3, checkInterval: .seconds(30))

    @Test mutating func opensAConnectionForEachWaiterUpToItsSize() {
        #expect(machine.acquire(1) == [.connect(0, after: .zero)])
        #expect(machine.acquire(2) == [.connect(1, after: .zero)])
        #expect(machine.acquire(3) == [])
        #expect(machine.acquire(4) == [.refuse(4, .overloaded)])
        #expect(machine.connected(0, at: start) == [.lend(0, to: 1)])
        #expect(machine.connected(1, at: start) == [.lend(1, to: 2)])
        #expect(machine.waitingCount == 1 && machine.lentCount == 2)
        #expect(machine.release(0, usable: true, at: start) == [.lend(0, to: 3)])
        #expect(machine.release(0, usable: true, at: start) == [])
        #expect(machine.idleCount == 1)
        #expect(machine.acquire(5) == [.lend(0, to: 5)])
    }

    @Test mutating func aWaiterThatGaveUpIsRefusedOnce() {
        _ = machine.acquire(1)
        #expect(machine.giveUp(1, .timeout) == [.refuse(1, .timeout)])
        #expect(machine.giveUp(1, .cancelled) == [])
        #expect(machine.connected(0, at: start) == [])
        #expect(machine.idleCount == 1)
    }

    @Test mutating func aBrokenConnectionIsReplacedForWhoWaits() {
        _ = machine.acquire(1)
        _ = machine.acquire(2)
        _ = machine.connected(0, at: start)
        _ = machine.connected(1, at: start)
        _ = machine.acquire(3)
        #expect(machine.release(1, usable: false, at: start) == [.close(1), .connect(2, after: .zero)])
        #expect(machine.connected(2, at: start) == [.lend(2, to: 3)])
        #expect(machine.release(0, usable: false, at: start) == [.close(0)])
    }

    @Test mutating func triesOneAtATimeAndLessAndLessOftenWhileTheServerIsAway() {
        #expect(machine.acquire(1) == [.connect(0, after: .zero)])
        #expect(machine.connectFailed(0, jitter: 1) == [.close(0), .connect(1, after: .milliseconds(50))])
        #expect(machine.acquire(2) == [])
        #expect(machine.connectFailed(1, jitter: 1) == [.close(1), .connect(2, after: .milliseconds(100))])
        #expect(machine.connectFailed(2, jitter: 0) == [.close(2), .connect(3, after: .milliseconds(100))])
        #expect(machine.connected(3, at: start) == [.lend(3, to: 1), .connect(4, after: .zero)])
        _ = machine.connected(4, at: start)
        _ = machine.release(3, usable: false, at: start)
        #expect(machine.connectFailed(4, jitter: 1) == [.close(4)])
    }

    @Test mutating func checksWhatWasIdleForLong() {
        _ = machine.acquire(1)
        _ = machine.acquire(2)
        _ = machine.connected(0, at: start)
        _ = machine.connected(1, at: start)
        _ = machine.release(0, usable: true, at: start)
        _ = machine.release(1, usable: true, at: start + .seconds(20))
        #expect(machine.tick(at: start + .seconds(29)) == [])
        #expect(machine.tick(at: start + .seconds(31)) == [.check(0)])
        #expect(machine.tick(at: start + .seconds(32)) == [])
        #expect(machine.acquire(3) == [.lend(1, to: 3)])
        #expect(machine.acquire(4) == [])
        #expect(machine.checked(0, alive: true, at: start + .seconds(33)) == [.lend(0, to: 4)])
        _ = machine.release(0, usable: true, at: start + .seconds(40))
        _ = machine.tick(at: start + .seconds(80))
        #expect(machine.checked(0, alive: false, at: start + .seconds(81)) == [.close(0)])
    }

    @Test mutating func closesWhenTheLastLoanIsBack() {
        _ = machine.acquire(1)
        _ = machine.acquire(2)
        _ = machine.connected(0, at: start)
        _ = machine.connected(1, at: start)
        _ = machine.release(1, usable: true, at: start)
        #expect(machine.close() == [.close(1)])
        #expect(machine.close() == [])
        #expect(machine.acquire(3) == [.refuse(3, .closed)])
        #expect(machine.release(0, usable: true, at: start) == [.close(0), .finished])
    }

    @Test mutating func closesAtOnceWhenNothingIsOpen() {
        #expect(machine.close() == [.finished])
    }

    @Test mutating func refusesWaitersWhenItCloses() {
        _ = machine.acquire(1)
        #expect(machine.close() == [.refuse(1, .closed)])
        #expect(machine.connected(0, at: start) == [.close(0), .finished])
    }
}

@Suite struct StatementCacheTests {
    private let statements = (0..<4).map { StatementText("SELECT \($0)", types: []) }

    @Test func keepsTheMostRecentlyUsed() {
        var cache = StatementCache(capacity: 2)
        #expect(cache.use(statements[0]) == .prepare(name: "s1", evicted: nil))
        #expect(cache.use(statements[1]) == .prepare(name: "s2", evicted: nil))
        #expect(cache.use(statements[0]) == .prepared(name: "s1"))
        #expect(cache.use(statements[2]) == .prepare(name: "s3", evicted: "s2"))
        #expect(cache.use(StatementText("SELECT 0", types: [])) == .prepared(name: "s1"))
        #expect(cache.count == 2)
    }

    @Test func tellsStatementsApartByTheirTypes() {
        var cache = StatementCache(capacity: 4)
        #expect(cache.use(StatementText("SELECT $1", types: [20])) == .prepare(name: "s1", evicted: nil))
        #expect(cache.use(StatementText("SELECT $1", types: [25])) == .prepare(name: "s2", evicted: nil))
    }

    @Test func forgetsOnlyTheNameThatIsMeant() {
        var cache = StatementCache(capacity: 2)
        _ = cache.use(statements[0])
        let wasKnown = cache.forget(statements[0], name: "s1")
        #expect(wasKnown)
        #expect(cache.use(statements[0]) == .prepare(name: "s2", evicted: nil))
        let isKnown = cache.forget(statements[0], name: "s1")
        #expect(!isKnown)
        #expect(cache.use(statements[0]) == .prepared(name: "s2"))
    }
}

@Suite struct BackoffTests {
    @Test func doublesUpToItsLimit() {
        var backoff = Backoff()
        let pauses = (0..<10).map { _ in backoff.failed(jitter: 1) }
        #expect(pauses.prefix(4) == [.milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(pauses.last == .seconds(5))
        backoff.succeeded()
        #expect(backoff.failed(jitter: 0) == .milliseconds(25))
    }
}
