/// The same numbers on every machine: SplitMix64 (Steele, Lea, Flood 2014).
struct DemoRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Seeds from a name, by FNV-1a, so that each table has a stream of its own.
    init(_ name: String) {
        self.init(seed: name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    mutating func pick<T>(_ values: [T]) -> T { values[int(0...values.count - 1)] }

    /// True in `percent` of 100 cases.
    mutating func chance(_ percent: Int) -> Bool { int(1...100) <= percent }
}
