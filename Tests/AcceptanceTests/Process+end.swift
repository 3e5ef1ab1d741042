import Foundation
import Glibc
import TestSupport

extension Process {
    /// Sends SIGTERM and waits for the end.
    func stop() async {
        if isRunning { terminate() }
        await ended()
    }

    /// Sends SIGKILL and waits for the end.
    func kill() async {
        if isRunning { _ = Glibc.kill(processIdentifier, SIGKILL) }
        await ended()
    }

    /// Waits for the end, without holding a thread of the pool.
    private func ended() async { await aside { self.waitUntilExit() } }
}
