import Glibc
import NIOCore

/// What the connections of one event loop share; confined to that loop.
final class LoopState: @unchecked Sendable {
    let executor: LoopExecutor
    private var seed: UInt64
    private var second = 0
    private var datePart = ByteBuffer()
    private var refusals: [RefusalText.Name: RefusalText] = [:]
    private var latestRefusal: RefusalText?
    private static let refusalsKept = 64

    init(_ eventLoop: any EventLoop) {
        executor = LoopExecutor(eventLoop)
        seed = .random(in: 0...UInt64.max)
    }

    /// A new request id: 128 random-looking bits in hexadecimal. Two steps of SplitMix64, a bijection of a counter, so no id
    /// comes twice from one loop.
    func makeRequestID() -> String {
        let high = step(), low = step()
        return String(unsafeUninitializedCapacity: 32) { bytes in
            for index in 0..<32 {
                let word = index < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15))) & 15
                bytes[index] = digit < 10 ? digit + 48 : digit + 87
            }
            return 32
        }
    }

    private func step() -> UInt64 {
        seed &+= 0x9e37_79b9_7f4a_7c15
        var z = seed
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A refusal's text as it was made before; nil where it was not.
    func refusal(_ name: RefusalText.Name) -> RefusalText? {
        if let latestRefusal, latestRefusal.name == name { return latestRefusal }
        guard let text = refusals[name] else { return nil }
        latestRefusal = text
        return text
    }

    /// Keeps a refusal's text.
    func keep(_ refusal: RefusalText) {
        if refusals.count >= Self.refusalsKept { refusals.removeAll(keepingCapacity: true) }
        refusals[refusal.name] = refusal
        latestRefusal = refusal
    }

    /// The `Date` line, made anew once a second.
    var dateLine: ByteBuffer {
        let now = time(nil)
        if now != second {
            second = now
            datePart = ByteBuffer(string: "Date: \(WallClock.httpDate(seconds: now))\r\n")
        }
        return datePart
    }
}
