import CLibraries
import Glibc

/// Why an attempt to fetch a file failed when another may succeed.
struct RetryableFailure: Error {
    let reason: String
    /// Whether what has arrived so far is of no use.
    var restarts = false
}

/// Why a file cannot be fetched from an address, when it may be from another. What is wrong on this side is a `SomaError` and is so anywhere.
struct FailedAddress: Error {
    let error: SomaError

    init(_ url: String, _ reason: String) { error = SomaError("cannot fetch \(url)\(reason)") }
}

/// One attempt to fetch a file, from where its part ends.
final class DownloadTransfer {
    private let url: String
    private let part: DownloadPart
    private let sizeLimit: Int
    private let progress: (Downloader.Progress) throws -> Void
    private let start: Int
    private var failure: (any Error)?
    private var hasBegun = false

    init(url: String, part: DownloadPart, sizeLimit: Int, progress: @escaping (Downloader.Progress) throws -> Void) {
        (self.url, self.part, self.sizeLimit, self.progress) = (url, part, sizeLimit, progress)
        start = part.size
    }

    /// Returns when the server has sent everything.
    /// - Throws: `RetryableFailure`; `FailedAddress` where trying again is pointless, `SomaError` where other addresses are too; what `progress` threw.
    func run(connectTimeout: Int, stallTimeout: Int) throws {
        let answer = url.withCString { address in
            var request = http_request(
                url: address, first_byte: Int64(start), connect_seconds: connectTimeout, stall_seconds: stallTimeout,
                receive: { context, answer, bytes, count in
                    guard let context, let answer else { return false }
                    let transfer = Unmanaged<DownloadTransfer>.fromOpaque(context).takeUnretainedValue()
                    return transfer.receive(answer.pointee, UnsafeRawBufferPointer(start: bytes, count: count))
                },
                context: Unmanaged.passUnretained(self).toOpaque())
            return libraries_curl_get(&request)
        }
        if let failure { throw failure }
        try check(answer)
    }

    private func receive(_ answer: http_answer, _ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            if !hasBegun { try begin(answer) }
            guard part.size + bytes.count <= sizeLimit else {
                throw FailedAddress(url, ": it is larger than \(sizeLimit) bytes")
            }
            try part.append(bytes)
            try progress(.init(receivedBytes: part.size, totalBytes: total(answer)))
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// A server may answer a request for the rest with the rest (206) or with the whole (200).
    private func begin(_ answer: http_answer) throws {
        hasBegun = true
        if answer.status == 200 {
            try part.restart()
        } else if answer.first_byte != Int64(start) {
            throw RetryableFailure(
                reason: "the server sent another part of the file than was asked for", restarts: true)
        }
        if let total = total(answer), total > sizeLimit {
            throw FailedAddress(url, ": it has \(total) bytes, more than the \(sizeLimit) allowed")
        }
    }

    private func total(_ answer: http_answer) -> Int? {
        guard answer.length >= 0 else { return nil }
        if answer.status != 206 { return Int(answer.length) }
        // A server may claim any length: one that does not fit is far beyond every limit.
        let (total, isTooLarge) = start.addingReportingOverflow(Int(answer.length))
        return isTooLarge ? .max : total
    }

    private func check(_ answer: http_answer) throws {
        let reason = withUnsafeBytes(of: answer.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let hopeless = [HTTP_UNSUPPORTED_PROTOCOL, HTTP_BAD_URL, HTTP_TOO_MANY_REDIRECTS, HTTP_BAD_CERTIFICATE]
        if hopeless.contains(where: { answer.code == CInt($0.rawValue) }) {
            throw FailedAddress(url, ": \(reason)")
        }
        switch answer.status {
        case 200, 206, 0: break
        case 416 where start > 0: return  // Nothing is left to send; the checksum says whether all is there.
        case 408, 429, 500...: throw RetryableFailure(reason: "the server answered \(answer.status)")
        default: throw FailedAddress(url, ": the server answered \(answer.status)")
        }
        guard answer.code == 0 else { throw RetryableFailure(reason: reason) }
        // An empty file sends no body to begin with.
        if !hasBegun && answer.status == 200 { try part.restart() }
    }
}

/// `NAME.part`: what has arrived of a file. Its owner holds a lock on it, so that two downloads cannot mix.
final class DownloadPart {
    let path: String
    private(set) var size: Int
    private let target: String
    private let descriptor: CInt

    init(for target: String) throws {
        self.target = target
        path = target + ".part"
        descriptor = try Self.open(path)
        size = Int(lseek(descriptor, 0, SEEK_END))
        guard FileLock.take(descriptor) != .held, Self.sameFile(descriptor, path) else {
            throw SomaError("\(path) is being downloaded by another process")
        }
    }

    deinit { close(descriptor) }

    /// A file that has this name alone: what is written to it must not reach what a link leads to.
    private static func open(_ path: String) throws -> CInt {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        if descriptor < 0 && errno == ELOOP { throw SomaError("cannot write \(path): it is a link", hint: "remove it") }
        guard descriptor >= 0 else { throw SomaError.system("cannot write \(path)") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            close(descriptor)
            throw SomaError("cannot write \(path): it is no file of its own", hint: "remove it")
        }
        return descriptor
    }

    /// Whether the file that was opened still has its name: its last owner may have made it the finished file since.
    private static func sameFile(_ descriptor: CInt, _ path: String) -> Bool {
        var (opened, named) = (stat(), stat())
        return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        let sink = FileSink(descriptor: descriptor, path: path)
        try sink.append(bytes)
        try sink.flush()
        size += bytes.count
    }

    func restart() throws {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw SomaError.system("cannot write \(path)")
        }
        size = 0
    }

    /// Makes the part the file.
    func publish() throws {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else {
            throw SomaError.system("cannot write \(target)")
        }
        try AtomicFile.syncFolder(of: target)
    }
}
