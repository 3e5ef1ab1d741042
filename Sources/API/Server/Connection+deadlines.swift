import Model
import NIOCore

// Clients that are too slow.
extension Connection {
    static func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1_000_000_000) }

    /// Sees to it that the timer fires at the next deadline. A timer that fires too early costs less than moving it at every request.
    func arm() {
        let next = deadlines.next
        guard next < timerAt, phase != .closed else { return }
        timer?.cancel()
        timerAt = next
        timer = eventLoop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(next))) { self.timerFired() }
    }

    private func timerFired() {
        timer = nil
        timerAt = .max
        let now = WallClock.nanoseconds
        while phase != .closed, let event = deadlines.expired(at: now) {
            switch event {
            case .attention: attentionExpired(now)
            case .body: bodyExpired(now)
            case .write: writeExpired(now)
            case .linger: close()
            }
        }
        arm()
    }

    private func attentionExpired(_ now: Int64) {
        guard current == nil, phase == .open else { return }
        if deadlines.isHeadTimed {
            gate.metrics.timeouts.add(0, 1)
            return refuseStranger(Problem(.requestTimeout, zh: "请求头未在 \(configuration.headerTimeout) 秒内发完", en: "the head did not come within \(configuration.headerTimeout) s"))
        }
        // A client that is still taking its last answer is not idle.
        let buffered = bufferedBytes
        if buffered > 0, buffered != deadlines.writeMark {
            deadlines.watchWrites(from: buffered, until: .max)
            deadlines.attention = now + Self.nanoseconds(configuration.writeTimeout)
            return
        }
        gate.metrics.timeouts.add(3, 1)
        close()
    }

    private func bodyExpired(_ now: Int64) {
        guard let current, let stream = current.stream, !current.isReceived, !stream.isEnded else { return }
        let received = stream.receivedBytes
        // Only a client that we wait for can be late.
        if !stream.isWaiting || received - deadlines.bodyMark >= configuration.bodyProgress {
            deadlines.watchBody(from: received, until: now + Self.nanoseconds(configuration.bodyInterval))
            return
        }
        gate.metrics.timeouts.add(1, 1)
        self.current?.closes = true
        let interval = configuration.bodyInterval, progress = configuration.bodyProgress
        stream.end(.failure(Problem(.requestTimeout, zh: "请求体过慢：每 \(interval) 秒至少 \(progress) 字节", en: "the body comes too slowly: at least \(progress) bytes in \(interval) s")))
    }

    private func writeExpired(_ now: Int64) {
        let buffered = bufferedBytes
        guard buffered > 0 else { return }
        if buffered != deadlines.writeMark {
            deadlines.watchWrites(from: buffered, until: now + Self.nanoseconds(configuration.writeTimeout))
            return
        }
        gate.metrics.timeouts.add(2, 1)
        close()
    }
}
