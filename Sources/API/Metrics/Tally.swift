import Synchronization

/// A row of counters that any thread may add to.
final class Tally: Sendable {
    private struct Cells: @unchecked Sendable {
        let base: UnsafeMutablePointer<Atomic<Int>>
    }

    let count: Int
    private let cells: Cells

    init(count: Int) {
        self.count = count
        cells = Cells(base: .allocate(capacity: count))
        for index in 0..<count { (cells.base + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.base.deinitialize(count: count)
        cells.base.deallocate()
    }

    func add(_ index: Int, _ amount: Int) {
        precondition(index >= 0 && index < count)
        cells.base[index].wrappingAdd(amount, ordering: .relaxed)
    }

    subscript(index: Int) -> Int {
        precondition(index >= 0 && index < count)
        return cells.base[index].load(ordering: .relaxed)
    }
}
