/// Counts, durations and bytes of one route.
final class RouteMetrics: Sendable {
    /// Upper bounds of the duration buckets in microseconds.
    static let bounds: [Int64] = [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000]

    let method: String
    let template: String
    /// By status class: 1xx to 5xx.
    let requests = Tally(count: 5)
    /// By bucket, the last without a bound; not cumulative.
    let buckets = Tally(count: RouteMetrics.bounds.count + 1)
    /// Microseconds and bytes altogether.
    let sums = Tally(count: 2)

    init(method: String, template: String) {
        self.method = method
        self.template = template
    }

    func record(status: Int, bytes: Int, nanoseconds: Int64) {
        let microseconds = nanoseconds / 1000
        requests.add(min(max(status / 100, 1), 5) - 1, 1)
        buckets.add(Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count, 1)
        sums.add(0, Int(microseconds))
        sums.add(1, bytes)
    }
}
