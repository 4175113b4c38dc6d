#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Writing to a file, a pipe or a terminal until everything is written.
package enum WholeWrite {
    /// Writes all of `bytes`: a signal in between, a write that comes back short, and a pipe that is full and does not wait are no failures.
    /// - Returns: how many were written: fewer than there are where `errno` says why.
    package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Int {
        var done = 0
        while done < bytes.count {
            let count = systemWrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count > 0 {
                done += count
            } else if count < 0 && errno == EINTR {
                continue
            } else if count < 0 && errno == EAGAIN {
                guard waitForRoom(descriptor) else { return done }
            } else {
                // A write of nothing says no reason: the device is at its end.
                if count == 0 { errno = ENOSPC }
                return done
            }
        }
        return done
    }

    /// Writes all of `text`.
    /// - Returns: whether it was; where not, `errno` says why.
    package static func write(_ text: String, to descriptor: CInt) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) == $0.count }
    }

    private static func waitForRoom(_ descriptor: CInt) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, -1) >= 0 || errno == EINTR
    }

    private static func systemWrite(_ descriptor: CInt, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
        Glibc.write(descriptor, start, count)
        #else
        Musl.write(descriptor, start, count)
        #endif
    }
}
