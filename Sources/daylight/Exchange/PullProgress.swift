import Model
import NIOConcurrencyHelpers
import NIOCore

/// How far a delivery has come: a line that is drawn over on a terminal, a line every ten seconds elsewhere.
final class PullProgress: Sendable {
    private struct State {
        var start = ContinuousClock.now
        var shown = ContinuousClock.now
        var bytes = 0
        var lines = 0
        var isDrawn = false
    }

    private let terminal: Terminal
    private let state = NIOLockedValueBox(State())

    init(_ terminal: Terminal) { self.terminal = terminal }

    func begin() { state.withLockedValue { $0 = State() } }

    func received(_ buffer: ByteBuffer, version: Int) {
        let lines = buffer.readableBytesView.count { $0 == UInt8(ascii: "\n") }
        let isInteractive = terminal.isInteractive
        let line = state.withLockedValue { state -> String? in
            state.bytes += buffer.readableBytes
            state.lines += lines
            guard ContinuousClock.now - state.shown >= (isInteractive ? .milliseconds(100) : .seconds(10)) else { return nil }
            state.shown = .now
            state.isDrawn = isInteractive
            return Self.line(rows: state.lines, bytes: state.bytes, seconds: (ContinuousClock.now - state.start) / .seconds(1), version: version, language: terminal.language)
        }
        if let line { terminal.raw(isInteractive ? "\r\u{1B}[K" + line : line + "\n") }
    }

    func end() {
        if state.withLockedValue({ $0.isDrawn }) { terminal.raw("\r\u{1B}[K") }
    }

    /// One line: rows, bytes, bytes per second, version.
    static func line(rows: Int, bytes: Int, seconds: Double, version: Int, language: Language) -> String {
        let rate = TransferProgress.size(Double(bytes) / max(0.001, seconds)), size = TransferProgress.size(Double(bytes))
        return language == .zh ? "第 \(version) 版  \(rows) 行  \(size)  \(rate)/s" : "version \(version)  \(rows) rows  \(size)  \(rate)/s"
    }
}
