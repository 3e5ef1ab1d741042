import HTTPTypes
import Hummingbird
import NIOCore

/// Writes an answer's body to its connection, waiting while the client is slow.
struct BodyWriter: ResponseBodyWriter, Sendable {
    let connection: Connection
    let serial: Int

    mutating func write(_ buffer: ByteBuffer) async throws {
        if connection.eventLoop.inEventLoop {
            if try connection.writeBody(buffer, serial) { return }
        } else {
            let serial = serial
            if try await connection.hop({ try $0.writeBody(buffer, serial) }) { return }
        }
        try await connection.waitUntilWritable(serial)
    }

    mutating func send(_ slice: FileSlice) async throws {
        guard slice.length > 0 else { return }
        try await connection.sendFile(slice, serial)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        if connection.eventLoop.inEventLoop {
            try connection.finishBody(serial, trailers: trailingHeaders)
        } else {
            let serial = serial
            try await connection.hop { try $0.finishBody(serial, trailers: trailingHeaders) }
        }
    }
}
