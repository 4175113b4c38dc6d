import CLibraries
import Glibc
import SomaBackend
import Synchronization
import Testing

@testable import Soma

@Suite struct AtomicFileTests {
    let folder = TemporaryFolder()

    @Test func replacesAFile() throws {
        let path = folder.file("a", [1, 2, 3])
        try AtomicFile.write([4, 5], to: path)
        #expect(contents(path) == [4, 5])
        try AtomicFile.write("naïve", to: path)
        #expect(contents(path) == Array("naïve".utf8))
        #expect(folder.names == ["a"])
    }

    @Test func appendsSmallAndLargePiecesInOrder() throws {
        let path = "\(folder.path)/a"
        let pieces = [1, 300_000, 5, 262_144, 0, 262_143, 2, 7].enumerated().map {
            [UInt8](repeating: UInt8($0), count: $1)
        }
        try AtomicFile.write(to: path) { file in
            for piece in pieces { try piece.withUnsafeBytes(file.append) }
        }
        #expect(contents(path) == Array(pieces.joined()))
    }

    @Test func anErrorLeavesTheOldFileAndNothingElse() throws {
        let path = folder.file("a", [1, 2, 3])
        expectError("stop") {
            try AtomicFile.write(to: path) { file in
                try [UInt8](repeating: 9, count: 1_000_000).withUnsafeBytes(file.append)
                #expect(contents(path) == [1, 2, 3])
                throw SomaError("stop")
            }
        }
        #expect(contents(path) == [1, 2, 3])
        #expect(folder.names == ["a"])
    }

    @Test func linksStayAndLeadToTheNewContent() throws {
        let path = folder.file("deep/a", [1])
        symlink("deep/a", "\(folder.path)/link")
        symlink("link", "\(folder.path)/second")
        try AtomicFile.write([2, 3], to: "\(folder.path)/second")
        #expect(contents(path) == [2, 3])
        var status = stat()
        for name in ["link", "second"] {
            #expect(lstat("\(folder.path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        }
        symlink("\(folder.path)/deep/new", "\(folder.path)/dangling")
        try AtomicFile.write([4], to: "\(folder.path)/dangling")
        #expect(contents("\(folder.path)/deep/new") == [4])
        symlink("circle", "\(folder.path)/circle")
        expectError("circle", "symbolic links") { try AtomicFile.write([4], to: "\(folder.path)/circle") }
    }

    /// Of what another user's link leads to nothing is written: it could be any file of this user.
    @Test(.enabled(if: geteuid() == 0, "only root can give a link away")) func linksOfOthersAreNotFollowed() throws {
        let victim = folder.file("victim", [1])
        symlink("victim", "\(folder.path)/link")
        try #require(lchown("\(folder.path)/link", 12345, 12345) == 0)
        expectError("link is a link that belongs to another user") { try AtomicFile.write([2], to: "\(folder.path)/link") }
        #expect(contents(victim) == [1])
        try AtomicFile.write([3], to: "\(folder.path)/link", links: .replaced)
        #expect(contents(victim) == [1] && contents("\(folder.path)/link") == [3])
    }

    @Test func linksAreReplacedWhereThatIsWanted() throws {
        let victim = folder.file("victim", [1])
        symlink("victim", "\(folder.path)/link")
        try AtomicFile.write([2, 3], to: "\(folder.path)/link", links: .replaced)
        var status = stat()
        #expect(lstat("\(folder.path)/link", &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
        #expect(contents("\(folder.path)/link") == [2, 3] && contents(victim) == [1])
    }

    /// An accent joins with the slash before it to one character of Swift's, and with none of the system's.
    @Test func namesThatBeginWithAnAccent() throws {
        let name = "\u{301}a"
        #expect(PathText.split("/b/c/\(name)") == ("/b/c", name) && PathText.split("/\(name)") == ("/", name))
        #expect(PathText.split(name) == (".", name) && PathText.isAbsolute("/\(name)") && !PathText.isAbsolute(name))
        folder.folder("deep")
        try AtomicFile.write([1], to: "\(folder.path)/deep/\(name)")
        #expect(contents("\(folder.path)/deep/\(name)") == [1])
        try Folder.make("\(folder.path)/x/\(name)/\(name)")
        #expect(access("\(folder.path)/x/\(name)/\(name)", F_OK) == 0)
    }

    @Test func devicesAndPipesAreWrittenTo() throws {
        try AtomicFile.write([1], to: "/dev/null")
        var status = stat()
        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        let pipe = "\(folder.path)/pipe"
        mkfifo(pipe, 0o666)
        expectError("cannot write \(pipe)") { try AtomicFile.write([1], to: pipe) }
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        try AtomicFile.write([7, 8], to: pipe)
        var bytes = [UInt8](repeating: 0, count: 4)
        #expect(read(reader, &bytes, 4) == 2 && bytes[..<2] == [7, 8])
        #expect(stat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        // What is open already is written on where it stands.
        let file = open("\(folder.path)/open", O_RDWR | O_CREAT, 0o666)
        defer { close(file) }
        #expect(write(file, "ab", 2) == 2)
        try AtomicFile.write("cd", to: "/dev/fd/\(file)")
        #expect(write(file, "e", 1) == 1)
        #expect(contents("\(folder.path)/open") == Array("abcde".utf8))
        expectError("/dev/fd/999") { try AtomicFile.write("x", to: "/dev/fd/999") }
    }

    /// Of two that want a folder one gets it, also where the other was about to take a lock that has been removed.
    @Test func folderLocks() throws {
        var first = try FolderLock(folder: folder.path, name: ".lock")
        #expect(try first != nil && FolderLock(folder: folder.path, name: ".lock") == nil)
        let late = open("\(folder.path)/.lock", O_RDWR)
        first?.remove()
        first = nil
        #expect(flock(late, LOCK_EX | LOCK_NB) == 0)
        #expect(try FolderLock(folder: folder.path, name: ".lock") != nil, "the removed file keeps nobody out")
        close(late)
        expectError("/proc/nonexistent") { _ = try FolderLock(folder: "/proc/nonexistent", name: ".lock") }
    }

    /// What else may have the name of a lock is named, and is as it was.
    @Test func locksAreRegularFiles() throws {
        let path = "\(folder.path)/.lock"
        let victim = folder.file("victim", [1, 2, 3])
        func expectRefusal(_ kind: String) { expectError("\(path) is \(kind)", "remove it") { _ = try FolderLock(folder: folder.path, name: ".lock") } }
        symlink("victim", path)
        expectRefusal("a link")
        unlink(path)
        symlink("nowhere", path)
        expectRefusal("a link")
        unlink(path)
        mkdir(path, 0o777)
        expectRefusal("a folder")
        rmdir(path)
        mkfifo(path, 0o600)
        expectRefusal("no regular file")
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        #expect(withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(server, $0, size) } } == 0)
        expectRefusal("no regular file")
        close(server)
        unlink(path)
        #expect(contents(victim) == [1, 2, 3] && folder.names == ["victim"])
        #expect(try FolderLock(folder: folder.path, name: ".lock") != nil)
    }

    /// Four threads that take, remove and release it until each has had it 50 times: never two at a time, and none is kept out for ever.
    @Test(.timeLimit(.minutes(2))) func oneHasAFolderLock() throws {
        final class Counts: Sendable { let inside = Atomic(0), wrong = Atomic(0), taken = Atomic(0) }
        let (counts, path) = (Counts(), folder.path)
        let threads = try (0..<4).map { _ in
            try WorkerThread {
                var taken = 0
                while taken < 50 {
                    do {
                        guard let lock = try FolderLock(folder: path, name: ".lock") else { sched_yield(); continue }
                        if counts.inside.add(1, ordering: .relaxed).newValue != 1 { counts.wrong.add(1, ordering: .relaxed) }
                        taken += 1
                        counts.taken.add(1, ordering: .relaxed)
                        sched_yield()
                        counts.inside.subtract(1, ordering: .relaxed)
                        lock.remove()
                    } catch {
                        counts.wrong.add(1, ordering: .relaxed)
                        return
                    }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(counts.wrong.load(ordering: .relaxed) == 0)
        #expect(counts.taken.load(ordering: .relaxed) == 200)
    }

    @Test func namesWhyItCannotWrite() {
        expectError("/proc/nonexistent/a", "No such file") { try AtomicFile.write([1], to: "/proc/nonexistent/a") }
        expectError("names a folder") { try AtomicFile.write([1], to: "\(folder.path)/") }
        let path = "\(folder.path)/folder"
        mkdir(path, 0o777)
        defer { rmdir(path) }
        expectError(path, "directory") { try AtomicFile.write([1], to: path) }
        #expect(folder.names == ["folder"])
    }

    @Test func aFullDeviceIsAnError() {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let sink = FileSink(descriptor: full, path: "x")
        expectError("cannot write x", "No space left") {
            try [UInt8](repeating: 0, count: 1 << 20).withUnsafeBytes(sink.append)
        }
    }

    /// A disk that is really full, where this process may mount one.
    @Test func aFullDiskKeepsTheOldFile() throws {
        guard mount("none", folder.path, "tmpfs", 0, "size=64k") == 0 else {
            print("skipped: a full disk needs the right to mount one")
            return
        }
        defer { umount(folder.path) }
        let path = folder.file("a", [1, 2, 3])
        expectError(path, "No space left") { try AtomicFile.write([UInt8](repeating: 9, count: 1 << 20), to: path) }
        #expect(contents(path) == [1, 2, 3])
        #expect(folder.names == ["a"])
    }

    @Test func clearsAwayWhatAKilledWriterLeftButNotALiveWritersFile() throws {
        let abandoned = folder.file(".a.xyz.partial", [1])
        let live = folder.file(".a.uvw.partial", [1])
        let other = folder.file(".ab.xyz.partial", [1])
        let file = open(live, O_RDONLY)
        #expect(flock(file, LOCK_EX) == 0)
        defer { close(file) }
        try AtomicFile.write([4], to: "\(folder.path)/a")
        #expect(contents(abandoned) == nil)
        #expect(contents(live) != nil)
        #expect(contents(other) != nil)
    }

    /// A child is killed again and again while it replaces a file of one repeated byte.
    @Test(.timeLimit(.minutes(15))) func aKillLeavesOneCompleteVersion() throws {
        let path = "\(folder.path)/a"
        var versions: Set<UInt8> = []
        for round in 0..<20 {
            let before = number(path)
            let child = try startRewriting(path, firstByte: UInt8(round))
            // However long the machine takes to write its first version, and some milliseconds more.
            for _ in 0..<60_000 where number(path) == before { usleep(1000) }
            usleep(useconds_t(round * 1700))
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            guard let bytes = contents(path), let version = bytes.first else { continue }
            #expect(bytes.count == 3_000_000)
            #expect(bytes.allSatisfy { $0 == version })
            versions.insert(version)
        }
        #expect(versions.count > 5)
        try AtomicFile.write([1], to: path)
        #expect(folder.names == ["a"])
    }

    /// Which file is there: a version that replaces another is another file.
    private func number(_ path: String) -> ino_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_ino : 0
    }

    private func startRewriting(_ path: String, firstByte: UInt8) throws -> pid_t {
        // Swift hides fork because little is safe in the child of a process with threads; this child only writes
        // and is killed.
        let symbol = try #require(dlsym(nil, "fork"))
        let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
        let versions = (0..<16).map { [UInt8](repeating: firstByte &+ $0, count: 3_000_000) }
        let child = fork()
        guard child == 0 else { return child }
        while true {
            for version in versions { try? AtomicFile.write(version, to: path) }
        }
    }
}

/// Calls of the system that must be made again, and files that change while they are read.
@Suite struct SystemCallTests {
    let folder = TemporaryFolder()

    /// A pipe that takes a little at a time and does not wait is written to the end.
    @Test func writesEverything() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let text = (0..<100_000).map { "\($0)\n" }.joined()
        final class Received: Sendable { let bytes = Mutex<[UInt8]>([]) }
        let (received, source) = (Received(), ends[0])
        let reader = try WorkerThread {
            var piece = [UInt8](repeating: 0, count: 5000)
            while case let count = read(source, &piece, piece.count), count > 0 {
                let part = Array(piece[..<count])
                received.bytes.withLock { $0.append(contentsOf: part) }
            }
        }
        #expect(WholeWrite.write(text, to: ends[1]))
        close(ends[1])
        reader.join()
        close(ends[0])
        let all = received.bytes.withLock { bytes in bytes }
        #expect(all == Array(text.utf8))
        #expect(!WholeWrite.write("x", to: -1) && errno == EBADF)
        let full = open("/dev/full", O_WRONLY)
        #expect(!WholeWrite.write("x", to: full) && errno == ENOSPC)
        close(full)
    }

    @Test func locksThatThereAreNot() throws {
        #expect(FileLock.take(-1) == .missing(reason: "Bad file descriptor"))
        let file = open(folder.file("a", []), O_RDWR)
        let other = open("\(folder.path)/a", O_RDWR)
        #expect(FileLock.take(file) == .taken && FileLock.take(other) == .held)
        close(file)
        #expect(FileLock.take(other) == .taken)
        close(other)
    }

    @Test func filesThatAreCutShort() throws {
        let images = folder.file("images", IDXTests.idx(8, [3, 2000], [UInt8](repeating: 7, count: 6000)))
        let packed = folder.file("packed", gzipStored([UInt8](repeating: 7, count: 200_000)))
        let file = try IDXFile(path: images)
        let (stream, source) = (try GunzipStream(ByteSource(path: packed), path: packed), try ByteSource(path: packed))
        #expect(try file.withSample(1) { $0.count } == 2000)
        truncate(images, 2500)
        #expect(try file.withSample(0) { $0.count } == 2000)
        for index in 1...2 { expectError(images, "cut short") { try file.withSample(index) { _ in } } }
        expectError(images, "cut short") { try file.withBytes { _ in } }
        expectError(images, "cut short") { _ = try file.loaded() }
        truncate(packed, 1000)
        expectError(packed, "truncated") { try stream.forEachPiece { _ in } }
        expectError(packed, "cut short") { _ = try source.loaded() }
        let tensors = "\(folder.path)/a.safetensors"
        try SafetensorsFile.write([(.init(name: "w", elementType: .uint8, shape: [4000]), [UInt8](repeating: 1, count: 4000))], to: tensors)
        let weights = try SafetensorsFile(path: tensors)
        truncate(tensors, 300)
        expectError(tensors, "cut short") { try weights.withBytes(of: "w") { _ in } }
    }

    /// An exception of C++ ends where a library is called, and is told as a lack of memory.
    @Test func exceptionsOfLibraries() throws {
        let symbol = try #require(dlsym(nil, "_ZSt17__throw_bad_allocv"))
        let throwing = unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutableRawPointer?) -> Void).self)
        #expect(!library_lacked_memory())
        #expect(!library_guarded(throwing, nil))
        #expect(library_lacked_memory())
        #expect(!library_lacked_memory(), "it is told once")
        let isBack = library_guarded({ _ in }, nil)
        #expect(isBack)
    }

    /// Handlers that a library sets are gone when it returns; those for faults of the program itself stay.
    @Test func signalActions() {
        signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, SIG_DFL) }
        let saved = signal_actions_save()
        signal(SIGUSR2) { _ in }
        signal(SIGURG) { _ in }
        let before = signal(SIGTRAP) { _ in }
        signal_actions_restore(saved)
        #expect(unsafeBitCast(signal(SIGUSR2, SIG_DFL), to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self))
        #expect(unsafeBitCast(signal(SIGURG, SIG_DFL), to: Int.self) == 0)
        #expect(unsafeBitCast(signal(SIGTRAP, before), to: Int.self) > 1)
    }

    /// Which signals a handler holds back is part of what is set back.
    @Test func signalMasks() {
        func action(_ number: CInt) -> sigaction {
            var result = sigaction()
            sigaction(number, nil, &result)
            return result
        }
        // An action of the program's own, so that nothing but the mask differs.
        signal(SIGVTALRM) { _ in }
        defer { signal(SIGVTALRM, SIG_DFL) }
        let saved = signal_actions_save()
        var changed = action(SIGVTALRM)
        sigaddset(&changed.sa_mask, SIGPROF)
        sigaction(SIGVTALRM, &changed, nil)
        var mask = action(SIGVTALRM).sa_mask
        #expect(sigismember(&mask, SIGPROF) == 1)
        signal_actions_restore(saved)
        mask = action(SIGVTALRM).sa_mask
        #expect(sigismember(&mask, SIGPROF) == 0)
    }
}
