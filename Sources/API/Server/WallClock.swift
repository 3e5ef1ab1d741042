import Glibc
import NIOCore

/// Dates as HTTP and the log write them, without allocating.
enum WallClock {
    private static let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// IMF-fixdate (RFC 9110 section 5.6.7).
    static func httpDate(seconds: Int) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = ByteBufferAllocator().buffer(capacity: 32)
        buffer.writeStaticString(days[Int(parts.tm_wday)])
        buffer.writeStaticString(", ")
        buffer.writeDecimal(Int(parts.tm_mday), width: 2)
        buffer.writeStaticString(" ")
        buffer.writeStaticString(months[Int(parts.tm_mon)])
        buffer.writeStaticString(" ")
        buffer.writeDecimal(Int(parts.tm_year) + 1900, width: 4)
        buffer.writeStaticString(" ")
        buffer.writeTime(parts)
        buffer.writeStaticString(" GMT")
        return String(buffer: buffer)
    }

    /// The seconds since 1970 of a date as clients write it, in any of the three forms that must be read (RFC 9110 section 5.6.7); nil where it is none.
    /// - Parameter now: seconds since 1970, which say the century of a year in two digits.
    static func seconds(httpDate text: String, now: Int = time(nil)) -> Int? {
        let words = text.split { " ,-".contains($0) }
        let written: (day: Substring, month: Substring, year: Substring, time: Substring)
        switch words.count {
        case 6 where words[5] == "GMT": written = (words[1], words[2], words[3], words[4])
        case 5: written = (words[2], words[1], words[4], words[3])
        default: return nil
        }
        let time = written.time.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int32($0) }
        guard let day = Int32(written.day), 1...31 ~= day, let month = months.firstIndex(where: { $0.description == written.month }), var year = Int32(written.year), 0...9999 ~= year,
            time.count == 3, 0...23 ~= time[0], 0...59 ~= time[1], 0...60 ~= time[2]
        else { return nil }
        if written.year.utf8.count == 2 {
            var (now, today) = (now, tm())
            gmtime_r(&now, &today)
            // What would be more than fifty years ahead is in the past.
            year += year + 100 > today.tm_year + 50 ? 1900 : 2000
        }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (year - 1900, Int32(month), day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (time[0], time[1], time[2])
        return timegm(&parts)
    }

    /// `2026-03-01T00:00:00`, in the offset +08:00 that all of Daylight's clocks show.
    static func writeRFC3339(seconds: Int, into buffer: inout ByteBuffer) {
        var local = seconds + 8 * 3600
        var parts = tm()
        gmtime_r(&local, &parts)
        buffer.writeDecimal(Int(parts.tm_year) + 1900, width: 4)
        buffer.writeStaticString("-")
        buffer.writeDecimal(Int(parts.tm_mon) + 1, width: 2)
        buffer.writeStaticString("-")
        buffer.writeDecimal(Int(parts.tm_mday), width: 2)
        buffer.writeStaticString("T")
        buffer.writeTime(parts)
    }

    /// Monotonic nanoseconds.
    static var nanoseconds: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }
}

extension ByteBuffer {
    /// A number in decimal digits, without going through a string.
    mutating func writeDecimal(_ number: Int, width: Int = 1) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { bytes in
            var rest = number.magnitude
            var index = bytes.count
            repeat {
                index -= 1
                bytes[index] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0 || bytes.count - index < width
            if number < 0 {
                index -= 1
                bytes[index] = UInt8(ascii: "-")
            }
            _ = writeBytes(UnsafeRawBufferPointer(rebasing: bytes[index...]))
        }
    }

    fileprivate mutating func writeTime(_ parts: tm) {
        writeDecimal(Int(parts.tm_hour), width: 2)
        writeStaticString(":")
        writeDecimal(Int(parts.tm_min), width: 2)
        writeStaticString(":")
        writeDecimal(Int(parts.tm_sec), width: 2)
    }
}
