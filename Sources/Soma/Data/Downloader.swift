import CLibraries
import Glibc

/// Fetches files by HTTP and HTTPS through libcurl, which is opened when it is first needed.
///
/// What has arrived is kept in `NAME.part` beside the file. A transfer that breaks off goes on from there, after a pause
/// that doubles with each attempt or at the next call. The file itself appears only complete and verified.
public struct Downloader: Sendable {
    /// How often a failing transfer is begun in all.
    public var attempts = 5
    /// The pause before the second attempt; each further one is twice as long.
    public var firstPause = Duration.milliseconds(500)
    /// How long reaching a server may take, in seconds.
    public var connectTimeout = 20
    /// How long nothing may arrive before an attempt is given up, in seconds.
    public var stallTimeout = 30

    /// Five attempts, and timeouts that suit slow connections.
    public init() {}

    /// How far a download is.
    public struct Progress: Hashable, Sendable {
        /// Bytes that are there, those of earlier attempts included.
        public let receivedBytes: Int
        /// The size of the whole file, where the server says it.
        public let totalBytes: Int?
    }

    /// Fetches the file at `url` to `path`, replacing what is there.
    /// - Parameters:
    ///   - checksum: what the file must be. Only with a checksum is a broken transfer resumed, since nothing else
    ///     would tell that the file changed on the server meanwhile.
    ///   - sizeLimit: how large the file may be, in bytes.
    ///   - progress: called as bytes arrive; what it throws ends the download, which the next call resumes.
    /// - Throws: `SomaError` naming the address and the reason, and what `progress` throws.
    public func download(
        from url: String, to path: String, checksum: Checksum? = nil, sizeLimit: Int = 1 << 40,
        progress: (Progress) throws -> Void = { _ in }
    ) throws {
        do { try fetch(url, to: path, checksum: checksum, sizeLimit: sizeLimit, progress: progress) } catch let failure as FailedAddress {
            throw failure.error
        }
    }

    /// - Throws: as `download`, but `FailedAddress` where another address may do.
    func fetch(_ url: String, to path: String, checksum: Checksum?, sizeLimit: Int, progress: (Progress) throws -> Void) throws {
        try requireLibrary()
        let part = try DownloadPart(for: path)
        if checksum == nil || part.size > sizeLimit { try part.restart() }
        for attempt in 1... {
            do {
                try transfer(url, into: part, sizeLimit: sizeLimit, progress: progress)
                try verify(part, checksum)
                return try part.publish()
            } catch let failure as RetryableFailure {
                if failure.restarts || checksum == nil { try part.restart() }
                guard attempt < attempts else {
                    throw FailedAddress(url, " in \(attempt) attempts: \(failure.reason)")
                }
                pause(after: attempt)
            }
        }
    }

    private func requireLibrary() throws {
        guard let search = libraries_curl_search()?.pointee, !search.found else { return }
        let reason = withUnsafeBytes(of: search.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        throw SomaError("downloading needs libcurl: \(reason)", hint: "install the package libcurl4")
    }

    private func transfer(
        _ url: String, into part: DownloadPart, sizeLimit: Int, progress: (Progress) throws -> Void
    ) throws {
        try withoutActuallyEscaping(progress) { progress in
            let transfer = DownloadTransfer(url: url, part: part, sizeLimit: sizeLimit, progress: progress)
            try transfer.run(connectTimeout: connectTimeout, stallTimeout: stallTimeout)
        }
    }

    private func verify(_ part: DownloadPart, _ checksum: Checksum?) throws {
        do { try checksum?.verify(part.path) } catch let error as SomaError {
            throw RetryableFailure(reason: "what arrived is not the expected file: \(error.message)", restarts: true)
        }
    }

    private func pause(after attempt: Int) {
        let seconds = firstPause * (1 << min(attempt - 1, 6)) / .seconds(1)
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
        nanosleep(&time, nil)
    }
}
