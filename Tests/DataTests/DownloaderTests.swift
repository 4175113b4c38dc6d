import CLibraries
import Glibc
import Testing

@testable import Soma

/// libcurl may be absent; then there is nothing to test but that it is said.
private let hasCurl: Bool = {
    let found = libraries_curl_search().pointee.found
    if !found { print("libcurl is not installed: the tests of downloads are skipped") }
    return found
}()

@Suite(.enabled(if: hasCurl)) struct DownloaderTests {
    let folder = TemporaryFolder()
    let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
    let server: LoopbackServer
    let checksum: Checksum
    var target: String { "\(folder.path)/f" }
    var downloader = Downloader()

    init() {
        server = LoopbackServer(["f": body, "empty": []])
        var hash = SHA256()
        body.withUnsafeBytes { hash.update($0) }
        checksum = .file(sha256: hash.digest())
        downloader.firstPause = .milliseconds(1)
        downloader.stallTimeout = 1
    }

    private func download(_ name: String = "f", sizeLimit: Int = 1 << 20) throws {
        try downloader.download(from: server.address + name, to: target, checksum: checksum, sizeLimit: sizeLimit)
    }

    @Test func fetchesAFileAndTellsHowFarItIs() throws {
        var steps: [Downloader.Progress] = []
        try downloader.download(from: server.address + "f", to: target, checksum: checksum) { steps.append($0) }
        #expect(contents(target) == body)
        #expect(folder.names == ["f"])
        #expect(steps.last == .init(receivedBytes: 300_000, totalBytes: 300_000))
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.receivedBytes < $1.receivedBytes })
    }

    @Test func fetchesAnEmptyFileAndFollowsRedirections() throws {
        try downloader.download(from: server.address + "empty", to: target)
        #expect(contents(target) == [])
        server.next(.redirect("/f"))
        try download("empty")
        #expect(contents(target) == body)
    }

    @Test func resumesWhereATransferBroke() throws {
        server.next(.breakAfter(100_000), .breakAfter(50_000))
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.map(\.firstByte) == [nil, 100_000, 150_000])
    }

    @Test func resumesInALaterProcess() throws {
        _ = folder.file("f.part", Array(body[..<123_456]))
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.map(\.firstByte) == [123_456])
    }

    @Test func finishesAPartThatWasCompleteAlready() throws {
        _ = folder.file("f.part", body)
        try download()
        #expect(contents(target) == body)
        #expect(folder.names == ["f"])
    }

    @Test func startsOverWhereThePartIsNotOfThisFile() throws {
        _ = folder.file("f.part", [UInt8](repeating: 1, count: 1000))
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.map(\.firstByte) == [1000, nil])
    }

    @Test func startsOverWhereThePartIsTooLong() throws {
        _ = folder.file("f.part", body + [1])
        try download()
        #expect(contents(target) == body)
    }

    @Test func takesTheWholeWhereTheServerKnowsNoRanges() throws {
        _ = folder.file("f.part", [UInt8](repeating: 1, count: 1000))
        server.next(.ignoreRange)
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.count == 1)
    }

    @Test func doesNotMixWrongRanges() throws {
        _ = folder.file("f.part", Array(body[..<1000]))
        server.next(.wrongRange)
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.map(\.firstByte) == [1000, nil])
    }

    @Test func withoutAChecksumNothingIsResumed() throws {
        _ = folder.file("f.part", [1, 2, 3])
        server.next(.breakAfter(1000))
        try downloader.download(from: server.address + "f", to: target)
        #expect(contents(target) == body)
        #expect(server.requests.map(\.firstByte) == [nil, nil])
    }

    @Test func triesAgainAfterFaultsOfTheServer() throws {
        server.next(.status(500), .status(503), .status(429), .closeAtOnce)
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.count == 5)
    }

    @Test func fetchesACorruptFileAgain() throws {
        server.next(.corrupt)
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.map(\.firstByte) == [nil, nil])
    }

    @Test func givesUpOnAFileThatStaysCorrupt() {
        _ = folder.file("f", [1, 2, 3])
        server.replace("f", by: [9])
        expectError(server.address, "in 5 attempts", "not the expected file") { try download() }
        #expect(contents(target) == [1, 2, 3])
        #expect(server.requests.count == 5)
    }

    @Test func keepsWhatArrivedWhenItGivesUp() throws {
        server.next(.breakAfter(10_000), .closeAtOnce, .status(500), .closeAtOnce, .status(502))
        expectError("in 5 attempts", "502") { try download() }
        #expect(contents(target + ".part")?.count == 10_000)
        try download()
        #expect(contents(target) == body)
    }

    @Test func doesNotInsistWhereTheFileIsMissing() {
        expectError(server.address + "g", "answered 404") { try download("g") }
        #expect(server.requests.count == 1)
    }

    @Test(.timeLimit(.minutes(15))) func givesUpOnAStalledTransfer() throws {
        server.next(.stallAfter(70_000))
        try download()
        #expect(contents(target) == body)
        #expect(server.requests.count == 2)
    }

    @Test func refusesWhatIsTooLarge() {
        expectError("300000 bytes, more than the 1000") { try download(sizeLimit: 1000) }
        server.next(.endless)
        expectError("larger than 1000000") { try download(sizeLimit: 1_000_000) }
    }

    @Test func namesAServerThatIsNotThereAndABadAddress() {
        expectError("http://127.0.0.1:1/f", "in 5 attempts") {
            try downloader.download(from: "http://127.0.0.1:1/f", to: target)
        }
        expectError("file:///etc/passwd", "rotocol") { try downloader.download(from: "file:///etc/passwd", to: target) }
        server.next(.redirect("file:///etc/passwd"))
        expectError("rotocol") { try download() }
        expectError("cannot fetch") { try downloader.download(from: "http://", to: target) }
    }

    @Test func stopsWhenProgressThrows() throws {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try downloader.download(from: server.address + "f", to: target, checksum: checksum) { _ in throw Stop() }
        }
        #expect(contents(target) == nil)
        #expect(server.requests.count == 1)
    }

    /// A part that leads elsewhere is neither truncated nor written to.
    @Test func partsThatAreLinksAreRefused() throws {
        let victim = folder.file("victim", [1, 2, 3])
        symlink("victim", "\(target).part")
        expectError("f.part: it is a link", "remove it") { try download() }
        unlink("\(target).part")
        link(victim, "\(target).part")
        expectError("f.part: it is no file of its own") { try download() }
        unlink("\(target).part")
        mkfifo("\(target).part", 0o600)
        expectError("f.part: it is no file of its own") { try download() }
        unlink("\(target).part")
        #expect(contents(victim) == [1, 2, 3])
        try download()
        #expect(contents(target) == body)
    }

    /// What a server claims is no number to reckon with.
    @Test func lengthsBeyondEveryFileAreRefused() throws {
        folder.file("f.part", Array(body[..<1000]))
        server.next(.claim(.max))
        expectError("more than the 1048576 allowed") { try download() }
        #expect(contents("\(target).part")?.count == 1000)
    }

    @Test func twoDownloadsOfAFileDoNotMix() throws {
        let part = try DownloadPart(for: target)
        expectError("f.part is being downloaded by another process") { try download() }
        withExtendedLifetime(part) {}
    }

    @Test func namesAFolderThatIsNotThere() {
        expectError("/proc/nonexistent/f.part", "No such file") {
            try downloader.download(from: server.address + "f", to: "/proc/nonexistent/f")
        }
    }
}

@Suite(.enabled(if: hasCurl)) struct MNISTSourceTests {
    let folder = TemporaryFolder()
    let server: LoopbackServer
    var source = MNISTSource()

    init() {
        let plain = ["a", "b"].map { name in IDXTests.idx(8, [4], Array(name.utf8) + [1, 2, 3]) }
        server = LoopbackServer(["m/a.gz": gzipStored(plain[0]), "m/b.gz": gzipStored(plain[1])])
        source.files = zip(["a", "b"], plain).map { name, bytes in
            var hash = SHA256()
            bytes.withUnsafeBytes { hash.update($0) }
            return MNISTFile(name: name, byteCount: bytes.count, sha256: hash.digest())
        }
        source.mirrors = [server.address + "m"]
        source.downloader.firstPause = .milliseconds(1)
    }

    @Test func fetchesWhatIsMissingOrCorruptAndKeepsTheRest() throws {
        let inner = "\(folder.path)/x/y"
        defer { for name in ["x/y/a.gz", "x/y/b.gz", "x/y", "x"] { remove("\(folder.path)/\(name)") } }
        try source.download(to: inner)
        #expect(server.requests.map(\.path) == ["m/a.gz", "m/b.gz"])
        try source.download(to: inner)
        #expect(server.requests.count == 2)
        _ = folder.file("x/y/b.gz", [0x1F, 0x8B, 1])
        var named: Set<String> = []
        try source.download(to: inner) { name, _ in named.insert(name) }
        #expect(server.requests.map(\.path) == ["m/a.gz", "m/b.gz", "m/b.gz"])
        #expect(named == ["b.gz"])
        #expect(try IDXFile(path: "\(inner)/b.gz").count == 4)
    }

    @Test func keepsAnUnpackedFile() throws {
        _ = folder.file("a", IDXTests.idx(8, [4], Array("a".utf8) + [1, 2, 3]))
        try source.download(to: folder.path)
        #expect(server.requests.map(\.path) == ["m/b.gz"])
    }

    /// A whole file of other data is read where the folder is used: it is neither taken for MNIST nor lost.
    @Test(arguments: ["a", "a.gz"]) func otherDataInTheirPlaceIsRefused(name: String) throws {
        let other = IDXTests.idx(8, [4], [9, 9, 9, 9])
        let bytes = name == "a" ? other : gzipStored(other)
        folder.file(name, bytes)
        expectError("/\(name) is not the file of MNIST", "move it away") { try source.download(to: folder.path) }
        #expect(server.requests.isEmpty && contents("\(folder.path)/\(name)") == bytes)
        // Nor does the right file beside it help, since the other is what would be read.
        guard name == "a" else { return }
        folder.file("a.gz", gzipStored(IDXTests.idx(8, [4], Array("a".utf8) + [1, 2, 3])))
        expectError("/a is not the file of MNIST") { try source.download(to: folder.path) }
    }

    @Test func turnsToTheNextMirror() throws {
        var source = source
        source.mirrors.insert(server.address + "nothing/", at: 0)
        try source.download(to: folder.path)
        #expect(server.requests.map(\.path) == ["nothing/a.gz", "m/a.gz", "nothing/b.gz", "m/b.gz"])
    }

    @Test func namesEveryMirrorThatFailed() {
        var source = source
        source.mirrors = [server.address + "p", server.address + "q"]
        expectError("p/a.gz", "q/a.gz", "404", "another mirror") { try source.download(to: folder.path) }
    }

    /// What is wrong on this side is told once, and no mirror is blamed.
    @Test func refusalsOfThisSideAreToldOnce() {
        var source = source
        source.mirrors += [server.address + "q"]
        symlink("elsewhere", "\(folder.path)/a.gz.part")
        expectExactly("cannot write \(folder.path)/a.gz.part: it is a link; remove it") { try source.download(to: folder.path) }
        #expect(server.requests.isEmpty)
        let file = folder.file("file", [1])
        expectExactly("\(file) is no folder; name another") { try source.download(to: file) }
    }

    private func expectExactly(_ text: String, from body: () throws -> Void) {
        do {
            try body()
            Issue.record("nothing was thrown")
        } catch { #expect("\(error)" == text) }
    }

    @Test func stopsAtAllMirrorsWhenProgressThrows() {
        var source = source
        source.mirrors += source.mirrors
        expectError("enough") { try source.download(to: folder.path) { _, _ in throw SomaError("enough") } }
        #expect(server.requests.count == 1)
    }

    @Test func anAbsentFolderSaysWhatToDo() {
        expectError(folder.path, "train-images-idx3-ubyte", "soma data mnist") { _ = try MNIST(folder: folder.path) }
    }

    @Test(.enabled(if: dataFolder != nil)) func theRealFilesAreTheOnesPinned() throws {
        let real = "\(try #require(dataFolder))/mnist"
        for file in MNISTFile.all where file.byteCount < 10_000_000 {
            #expect(try file.isPresent(in: real), "\(file.name)")
        }
        let data = try MNIST(folder: real)
        #expect(data.trainingImages.shape == [60000, 28, 28])
        #expect(data.trainingLabels.shape == [60000])
        #expect(data.testImages.shape == [10000, 28, 28])
        #expect(data.testLabels.shape == [10000])
    }
}

@Suite struct SHA256Tests {
    /// The examples of FIPS 180-4 and of NIST's long-message test.
    @Test(arguments: [
        ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ]) func knownAnswers(text: String, repeats: Int, expected: String) {
        let bytes = [UInt8](repeatElement(Array(text.utf8), count: repeats).joined())
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        #expect(hash.digest() == expected)
    }

    @Test func piecesOfAnyLengthGiveTheSameDigest() {
        let bytes = (0..<500).map { UInt8(truncatingIfNeeded: $0) }
        func digest(_ pieces: [ArraySlice<UInt8>]) -> String {
            var hash = SHA256()
            for piece in pieces { piece.withUnsafeBytes { hash.update($0) } }
            return hash.digest()
        }
        for cut in 0...200 {
            #expect(digest([bytes[..<cut], bytes[cut..<cut + 65], bytes[(cut + 65)...]]) == digest([bytes[...]]))
        }
    }

    @Test func checksumsTellFilesApart() throws {
        let folder = TemporaryFolder()
        let (plain, packed) = (folder.file("a", [1, 2, 3]), folder.file("a.gz", gzipStored([1, 2, 3])))
        let digest = try SHA256.digest(ofFile: plain)
        for path in [plain, packed] { try Checksum.content(sha256: digest.uppercased(), byteCount: 3).verify(path) }
        try Checksum.file(sha256: digest).verify(plain)
        expectError(packed, "instead of") { try Checksum.file(sha256: digest).verify(packed) }
        expectError(packed, "more than 2 bytes") { try Checksum.content(sha256: digest, byteCount: 2).verify(packed) }
        expectError("No such file") { try Checksum.file(sha256: digest).verify("/proc/nonexistent") }
    }
}

/// Run with `SOMA_WITHOUT=libcurl` to see it where the library is installed.
@Suite(.disabled(if: hasCurl)) struct MissingCurlTests {
    @Test func isSaidWithWhatToInstall() {
        expectError("downloading needs libcurl", "install the package libcurl4") {
            try Downloader().download(from: "http://127.0.0.1:1/f", to: "/proc/nonexistent/f")
        }
    }
}
