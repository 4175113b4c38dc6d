import Foundation
import SomaBackend
import Testing

@testable import OpenCLBackend

/// The choice of how products are computed: as shipped, as given, and from the file of the device.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct TuningTests {
    private let large = Product(m: 200, n: 130, k: 70)

    @Test func readsWhatItWrote() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path + "/made/on the way")
        #expect(try file.read() == nil)
        var tuning = Tuning()
        tuning[large.step] = .tile(try Self.tile("32x32x256/8x32"))
        tuning[Product(m: 64, n: 64, k: 4096, isTransposedB: true).step] = .clblast
        try file.write(tuning)
        #expect(try file.read() == tuning)
        // What a person reads there, and may change.
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        #expect(text.contains("\nmatmul 1 256 256 128 nn  32x32x256/8x32\n") && text.contains("\nmatmul 1 64 64 4096 nt  clblast\n"))
        try text.replacingOccurrences(of: "\n", with: "  \r\n# a remark\r\n").write(toFile: file.path, atomically: false, encoding: .utf8)
        #expect(try file.read() == tuning)
        try file.write(Tuning())
        #expect(try file.read() == Tuning())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/made/on the way").count == 1, "something was left beside the file")
    }

    /// Searches at the same time keep one another's choices.
    @Test func changesOneClassAmongOthers() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path + "/made")
        let classes = (10..<13).map { "map \(1 << $0) flat" }
        try file.change([classes[0]: "1x128"])
        // Another search has the file, and changes it before it lets go.
        let lock = open(folder.path + "/made", O_RDONLY)
        #expect(flock(lock, LOCK_EX) == 0)
        let late = DispatchGroup()
        DispatchQueue.global().async(group: late) { try? file.change([classes[2]: "1x128"]) }
        #expect(late.wait(timeout: .now() + 0.3) == .timedOut, "it changed the file of another")
        var tuning = try #require(try file.read())
        tuning[try #require(StepClass(classes[1]))] = StepChoice("1x128", for: .map)
        try file.write(tuning)
        close(lock)
        #expect(late.wait(timeout: .now() + 60) == .success)
        #expect(try file.read()?.texts == Dictionary(uniqueKeysWithValues: classes.map { ($0, "1x128") }))
        try file.change([classes[0]: nil, classes[1]: "1x256"])
        #expect(try file.read()?.texts[classes[0]] == nil && file.read()?.texts[classes[1]] == "1x256")
        #expect(throws: TuningFailure.self) { try file.change([classes[2]: "1y128"]) }
        #expect(try file.read()?.texts[classes[2]] == "1x128")
        try "damaged".write(toFile: file.path, atomically: false, encoding: .utf8)
        try file.change([classes[0]: "1x128"])
        #expect(try file.read()?.texts == [classes[0]: "1x128"])
    }

    /// What a step is computed by is what was chosen, else the first candidate.
    @Test func tellsTheChoiceInUse() throws {
        var tuning = Tuning()
        tuning[large.step] = .tile(try Self.tile("32x32x256/8x32"))
        let backend = try makeBackend(.cpu) { $0.tuning = tuning }
        let tuned = try #require(backend.choice(of: try backend.prepare(.matmul(large.step))))
        #expect(tuned == ChoiceInUse(stepClass: "matmul 1 256 256 128 nn", choice: "32x32x256/8x32", isTuned: true))
        let other = Step.matmul(Product(m: 600, n: 130, k: 70).step)
        let shipped = try #require(backend.choice(of: try backend.prepare(other)))
        #expect(shipped.choice == backend.candidates(for: other).first && !shipped.isTuned)
        let moving = Step.blockCopy(BlockCopyStep(
            extents: [2], source: Operand(slot: 0, dtype: .float32, access: Access(strides: [1])),
            target: Operand(slot: 1, dtype: .float32, access: Access(strides: [1])),
            starts: Operand(slot: 2, dtype: .int32, access: Access(strides: [1])), limits: [0], startStrides: [1], movesSource: true))
        #expect(backend.choice(of: try backend.prepare(moving)) == nil)
    }

    /// Every kind of choice, as text and back.
    @Test func readsEveryKindOfChoice() throws {
        let folder = try TemporaryFolder()
        let device = try #require(testDevice)
        let file = TuningFile(for: device, in: folder.path)
        let (tile, reduction, map) = device.isCPU ? ("64x32x128/8x32", "64x1/4", "1x4096") : ("32x32x8/4x4", "32x4/8", "64x2")
        let texts = [
            "matmul 1 256 256 128 tn": tile, "convolution 1 64 32768 1024 forward:3x3/1": tile, "convolution 4 8 16 32 filter-gradient:1x7/2": tile,
            "convolution 1 64 64 1024 input-gradient:3x3/1": "winograd", "reduce 1 16777216 along": reduction, "reduce 8192 1024 row": reduction,
            "reduce 64 1024 across": reduction, "map 65536 flat": map, "map 65536 strided": map,
        ]
        let tuning = try Tuning(texts, for: DeviceTraits(device))
        #expect(tuning.texts == texts)
        try file.write(tuning)
        #expect(try file.read() == tuning)
        #expect(try Tuning(TuningRecord(device: "", choices: texts), on: device) == tuning)
        let broken = [
            "map 65536 flat": "0x1", "map 65536": map, "map 65535 flat": map, "reduce 1 1 up": reduction, "reduce 1 1 row": "3x1/1",
            "convolution 1 1 1 1 forward:3x3": tile, "convolution 1 1 1 1 sideways:3x3/1": tile, "convolution 1 1 1 1 forward:03x3/1": tile,
            "reduce 1 1 along": "winograd", "matmul 1 1 1 1 nn": "winograd",
        ]
        for (name, choice) in broken { #expect(throws: TuningFailure.self) { try Tuning(TuningRecord(device: "", choices: [name: choice]), on: device) } }
    }

    @Test func refusesDamagedFiles() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path)
        try file.write(Tuning())
        let good = try String(contentsOfFile: file.path, encoding: .utf8)
        func with(_ line: String) -> String { good.replacingOccurrences(of: "\nend", with: "\n\(line)\nend") }
        let entry = "matmul 1 1024 1024 1024 nn"
        let huge = entry + " 99999999999999999999x128x16/8x8"
        let damaged: [(content: String, reason: String)] = [
            ("", "begin"), ("soma tuning 1\n" + good, "version 1,"), ("soma tuning x\n" + good, "begin"), ("\0\u{1B}[2J\n", "begin"), (String(good.dropLast(4)), "end"),
            ("soma tuning 2\nend\n", "device and driver"), (String(good.prefix(40)), "end"), (with("matmul"), "not understood"),
            (with("gemm 1 1024 1024 1024 nn clblast"), "not understood"), (with("matmul 1 1000 1024 1024 nn clblast"), "not understood"),
            (with("matmul 1 -1024 1024 1024 nn clblast"), "not understood"), (with("matmul 0 1 1 1 nn clblast"), "not understood"),
            (with("matmul 1 1024 1024 1024 nx clblast"), "not understood"), (with(huge), "not understood"),
            (with(entry + " 0x0x0/0x0"), "not understood"), (with(entry + " 128x128x16/7x8"), "not understood"),
            (with(entry + " 64x64x16/8x8/1"), "not understood"), (with(entry + " 1024x1024x1024/4x4"), "cannot run"),
            (with(entry + " clblast\n" + entry + " clblast"), "twice"),
            (with(String(repeating: "#", count: 1 << 20)), "more than"), (String(repeating: "é", count: 10_000), "begin"),
        ]
        for (content, reason) in damaged {
            try content.write(toFile: file.path, atomically: false, encoding: .utf8)
            expectFailure(file, reason)
        }
        try Data([0xFE, 0x00, 0xC3]).write(to: URL(fileURLWithPath: file.path))
        expectFailure(file, "begin")
        // As editors save it.
        try good.write(toFile: file.path, atomically: false, encoding: .utf16)
        expectFailure(file, "text in UTF-16; save it as UTF-8")
        try ("\u{FEFF}" + good).write(toFile: file.path, atomically: false, encoding: .utf8)
        #expect(try file.read() == Tuning())
    }

    @Test func refusesWhatIsNoFile() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path)
        try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: true)
        expectFailure(file, "no plain file")
        #expect(throws: TuningFailure.self) { try file.write(Tuning()) }
        try FileManager.default.removeItem(atPath: file.path)
        #expect(mkfifo(file.path, 0o600) == 0)
        expectFailure(file, "no plain file")
        try FileManager.default.removeItem(atPath: file.path)
        try "".write(toFile: folder.path + "/occupied", atomically: false, encoding: .utf8)
        let below = TuningFile(for: try #require(testDevice), in: folder.path + "/occupied")
        #expect(try below.read() == nil, "there can be no file below a file")
        #expect(throws: TuningFailure.self) { try below.write(Tuning()) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["occupied"])
    }

    /// One line that names file and reason; the device starts all the same, with the choices that ship.
    @Test func passesOverFilesOfAnotherDeviceOrDriver() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path)
        var tuning = Tuning()
        tuning[large.step] = .tile(try Self.tile("64x32x256/8x32"))
        try file.write(tuning)
        let good = try String(contentsOfFile: file.path, encoding: .utf8)
        for (line, reason) in [("device", "made for another one"), ("driver", "made with driver another one")] {
            let stale = good.replacing(try Regex("\n\(line).*"), with: "\n\(line) another one")
            try stale.write(toFile: file.path, atomically: false, encoding: .utf8)
            var lines: [String] = []
            #expect(file.readOrComplain { lines.append($0) } == nil)
            #expect(lines.count == 1 && lines[0].contains(file.path) && lines[0].contains(reason) && !lines[0].contains("\n"))
        }
        let backend = try makeBackend(.cpu) { ($0.tuning, $0.tuningFolder) = (nil, folder.path) }
        #expect(try large.source(on: backend) == large.source(on: makeBackend(.cpu)))
    }

    /// Two drivers of a device keep one another's choices; with a third, the choices of the others do not count, which is told in a line.
    @Test func everyDriverHasAFile() throws {
        let folder = try TemporaryFolder()
        let traits = DeviceTraits(try #require(testDevice))
        func file(_ version: String, units: Int = 2, build: String = "") -> TuningFile {
            TuningFile(in: folder.path, model: "A platform, a GPU", device: "a GPU, \(units) units", version: version, driver: "\(version), OpenCL 3.0\(build)", traits)
        }
        let files = [file("535.104.05"), file("535.104.05", build: " b"), file("535.104.05", units: 7), file("570/../..")]
        #expect(Set(files.map(\.path)).count == files.count)
        #expect(files[0].path.hasPrefix(folder.path + "/A-platform-a-GPU.535-104-05.") && files[0].path.hasSuffix(".txt"))
        for (place, file) in files.enumerated() { try file.change(["map \(1 << place) flat": "1x128"]) }
        for (place, file) in files.enumerated() { #expect(try file.read()?.texts == ["map \(1 << place) flat": "1x128"]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == files.count)
        let other = file("575")
        expectFailure(other, "made with driver 570/../.., OpenCL 3.0, and this is 575, OpenCL 3.0", at: files[3].path)
        #expect(try TuningFile(in: folder.path, model: "A platform, a GPU of another kind", device: "", version: "1", driver: "", traits).read() == nil)
        // A first choice with the new driver does not bring those of the old one along.
        try other.change(["map 64 flat": "1x256"])
        #expect(try other.read()?.texts == ["map 64 flat": "1x256"])
        // A file that somebody renamed.
        try FileManager.default.moveItem(atPath: other.path, toPath: folder.path + "/A-platform-a-GPU.txt")
        expectFailure(other, "lacks the name", at: folder.path + "/A-platform-a-GPU.txt")
    }

    /// A device reads its file when it starts, and its products are computed as that says.
    @Test func startsWithTheFile() throws {
        let folder = try TemporaryFolder()
        var tuning = Tuning()
        tuning[large.step] = .tile(try Self.tile("64x32x256/8x32"))
        try TuningFile(for: try #require(testDevice), in: folder.path).write(tuning)
        let backend = try makeBackend(.cpu) { ($0.tuning, $0.tuningFolder) = (nil, folder.path) }
        #expect(try large.source(on: backend).contains("#define ROW_PANELS 8"))
        #expect(try !large.source(on: makeBackend(.cpu)).contains("#define ROW_PANELS 8"))
        #expect(try large.firstDifference(on: backend) == nil)
    }

    private func expectFailure(_ file: TuningFile, _ reason: String, at path: String? = nil, location: SourceLocation = #_sourceLocation) {
        do throws(TuningFailure) {
            _ = try file.read()
            Issue.record("read a file that should fail: \(reason)", sourceLocation: location)
        } catch {
            #expect(error.path == path ?? file.path && error.reason.contains(reason) && !error.reason.contains("\u{1B}"), sourceLocation: location)
        }
    }

    private static func tile(_ text: String) throws -> MatmulTile { try #require(MatmulTile(text), "\(text)") }
}

/// A folder that vanishes with the last reference.
final class TemporaryFolder {
    let path = NSTemporaryDirectory() + "tuning-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
