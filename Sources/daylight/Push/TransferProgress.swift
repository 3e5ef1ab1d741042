import Foundation
import Model
import NIOConcurrencyHelpers

/// How far a transfer has come: a bar with rate and time left on a terminal, plain lines elsewhere.
final class TransferProgress: Sendable {
    private struct State {
        var sent = 0
        var shown = ContinuousClock.now
        var lines = 0
        var finished = false
    }

    private let total: Int
    private let terminal: Terminal
    private let start = ContinuousClock.now
    private let state = NIOLockedValueBox(State())

    /// - Parameter total: bytes to be sent.
    init(total: Int, terminal: Terminal) {
        self.total = total
        self.terminal = terminal
    }

    func sent(_ bytes: Int) {
        let show = state.withLockedValue { state in
            state.sent = bytes
            let interval: Duration = terminal.isInteractive ? .milliseconds(100) : .seconds(5)
            guard bytes >= total || ContinuousClock.now - state.shown >= interval else { return false }
            state.shown = .now
            state.lines += 1
            return true
        }
        if show { draw(bytes) }
    }

    /// Ends the bar's line.
    func finish() {
        let first = state.withLockedValue { state in
            defer { state.finished = true }
            return !state.finished && state.lines > 0
        }
        if first, terminal.isInteractive { terminal.raw("\n") }
    }

    private func draw(_ bytes: Int) {
        let seconds = max(0.001, Double((ContinuousClock.now - start).components.seconds) + Double((ContinuousClock.now - start).components.attoseconds) / 1e18)
        let text = Self.line(sent: bytes, total: total, seconds: seconds, language: terminal.language, bar: terminal.isInteractive ? 30 : 0)
        terminal.raw(terminal.isInteractive ? "\r\u{1B}[K" + text : text + "\n")
    }

    /// One line of progress.
    ///
    /// - Parameters:
    ///   - seconds: since the start.
    ///   - bar: width of the bar in characters, 0 for none.
    static func line(sent: Int, total: Int, seconds: Double, language: Language, bar: Int) -> String {
        let share = total == 0 ? 1 : min(1, Double(sent) / Double(total))
        let rate = Double(sent) / seconds
        var parts: [String] = []
        if bar > 0 {
            let full = Int(share * Double(bar))
            parts.append("[" + String(repeating: "█", count: full) + String(repeating: "░", count: bar - full) + "]")
        }
        parts.append("\(Int(share * 100)) %")
        parts.append("\(size(Double(sent)))/\(size(Double(total)))")
        parts.append("\(size(rate))/s")
        if sent >= total {
            parts.append(language == .zh ? "已送达，正在校验…" : "sent, being checked…")
        } else if rate > 0 {
            let left = Int((Double(total - sent) / rate).rounded(.up))
            let clock = left >= 3600 ? "\(left / 3600):\(pad(left / 60 % 60)):\(pad(left % 60))" : "\(left / 60):\(pad(left % 60))"
            parts.append(language == .zh ? "剩余 \(clock)" : "\(clock) left")
        }
        return parts.joined(separator: "  ")
    }

    private static func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }

    static func size(_ bytes: Double) -> String {
        switch bytes {
        case ..<1000: "\(Int(bytes)) B"
        case ..<1_000_000: String(format: "%.1f kB", bytes / 1000)
        case ..<1_000_000_000: String(format: "%.1f MB", bytes / 1_000_000)
        default: String(format: "%.2f GB", bytes / 1_000_000_000)
        }
    }
}
