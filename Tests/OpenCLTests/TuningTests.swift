import Foundation
@testable import OpenCLBackend
import SomaBackend
import SomaGraph
import Testing

/// The choice of how products are computed: as shipped, as given, and from the file of the device.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct TuningTests {
    private let large = Product(m: 200, n: 130, k: 70)

    @Test func readsWhatItWrote() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path + "/made/on the way")
        #expect(try file.read() == nil)
        var tuning = MatmulTuning()
        tuning[large.step] = .tile(try Self.tile("32x32x256/8x32"))
        tuning[Product(m: 64, n: 64, k: 4096, isTransposedB: true).step] = .clblast
        try file.write(tuning)
        #expect(try file.read() == tuning)
        // What a person reads there, and may change.
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        #expect(text.contains("\nmatmul 1 256 256 128 nn  32x32x256/8x32\n") && text.contains("\nmatmul 1 64 64 4096 nt  clblast\n"))
        try text.replacingOccurrences(of: "\n", with: "  \r\n# a remark\r\n").write(toFile: file.path, atomically: false, encoding: .utf8)
        #expect(try file.read() == tuning)
        try file.write(MatmulTuning())
        #expect(try file.read() == MatmulTuning())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/made/on the way").count == 1, "something was left beside the file")
    }

    @Test func refusesDamagedFiles() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path)
        try file.write(MatmulTuning())
        let good = try String(contentsOfFile: file.path, encoding: .utf8)
        func with(_ line: String) -> String { good.replacingOccurrences(of: "\nend", with: "\n\(line)\nend") }
        let entry = "matmul 1 1024 1024 1024 nn"
        let huge = entry + " 99999999999999999999x128x16/8x8"
        let damaged: [(content: String, reason: String)] = [
            ("", "begin"), ("soma tuning 2\n" + good, "begin"), ("\0\u{1B}[2J\n", "begin"), (String(good.dropLast(4)), "end"),
            ("soma tuning 1\nend\n", "device and driver"), (String(good.prefix(40)), "end"), (with("matmul"), "not understood"),
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
        try Data([0xFF, 0xFE, 0x00, 0xC3]).write(to: URL(fileURLWithPath: file.path))
        expectFailure(file, "begin")
    }

    @Test func refusesWhatIsNoFile() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path)
        try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: true)
        expectFailure(file, "no plain file")
        #expect(throws: TuningFile.Failure.self) { try file.write(MatmulTuning()) }
        try FileManager.default.removeItem(atPath: file.path)
        #expect(mkfifo(file.path, 0o600) == 0)
        expectFailure(file, "no plain file")
        try FileManager.default.removeItem(atPath: file.path)
        try "".write(toFile: folder.path + "/occupied", atomically: false, encoding: .utf8)
        let below = TuningFile(for: try #require(testDevice), in: folder.path + "/occupied")
        expectFailure(below, "Not a directory")
        #expect(throws: TuningFile.Failure.self) { try below.write(MatmulTuning()) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["occupied"])
    }

    /// One line that names file and reason; the device starts all the same, with the choices that ship.
    @Test func passesOverFilesOfAnotherDeviceOrDriver() throws {
        let folder = try TemporaryFolder()
        let file = TuningFile(for: try #require(testDevice), in: folder.path)
        var tuning = MatmulTuning()
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
        #expect(try large.source(backend) == large.source(makeBackend(.cpu)))
    }

    /// A device reads its file when it starts, and its products are computed as that says.
    @Test func startsWithTheFile() throws {
        let folder = try TemporaryFolder()
        var tuning = MatmulTuning()
        tuning[large.step] = .tile(try Self.tile("64x32x256/8x32"))
        try TuningFile(for: try #require(testDevice), in: folder.path).write(tuning)
        let backend = try makeBackend(.cpu) { ($0.tuning, $0.tuningFolder) = (nil, folder.path) }
        #expect(try large.source(backend).contains("#define ROW_PANELS 8"))
        #expect(try !large.source(makeBackend(.cpu)).contains("#define ROW_PANELS 8"))
        #expect(try large.error(on: backend) == 0)
    }

    @Test(.timeLimit(.minutes(5))) func choosesCLBlast() throws {
        guard CLBlastLaunch(large.step, context: try makeBackend(.gpu).context) != nil else { return print("skipped: no CLBlast") }
        var tuning = MatmulTuning()
        tuning[large.step] = .clblast
        let backend = try makeBackend(.gpu) { $0.tuning = tuning }
        #expect(try large.source(backend).contains("CLBlast"))
        #expect(try !large.source(makeBackend(.gpu)).contains("CLBlast"))
        #expect(try large.error(on: backend) == 0)
    }

    /// Large enough for CLBlast's fastest kernels, beginning somewhere in a buffer, with strides between the matrices of a batch.
    @Test(.timeLimit(.minutes(5))) func largeProductsByCLBlast() throws {
        guard CLBlastLaunch(large.step, context: try makeBackend(.gpu).context) != nil else { return print("skipped: no CLBlast") }
        for product in [Product(m: 512, n: 512, k: 512), Product(batch: 2, m: 512, n: 512, k: 512)] {
            var tuning = MatmulTuning()
            tuning[product.step] = .clblast
            let backend = try makeBackend(.cpu) { $0.tuning = tuning }
            #expect(try product.source(backend).contains("CLBlast"))
            #expect(try product.elements(on: backend) == product.elements(on: makeBackend(.cpu)))
        }
    }

    /// Every tile that ships for some device, and some that only a file could choose, give the product.
    @Test(.timeLimit(.minutes(10)), arguments: KernelKind.allCases)
    func everyTileMultiplies(_ kind: KernelKind) throws {
        let shipped = ShippedTiles.table.values.flatMap { [$0.large, $0.small, $0.flat, $0.narrow].compactMap(\.self) }
        let more = try ["64x64x8/4x8", "32x32x16/4x4/3", "16x32x32/8x32"].map(Self.tile)
        let traits = DeviceTraits(try #require(testDevice), usesCPUKernels: kind == .cpu)
        let tiles = Set(shipped + more).filter { $0.fits(traits) }
        for tile in tiles {
            var tuning = MatmulTuning()
            let product = Product(m: 130, n: 67, k: 70, isTransposedA: true)
            tuning[product.step] = .tile(tile)
            let backend = try makeBackend(kind) { $0.tuning = tuning }
            #expect(try product.error(on: backend) == 0, "\(tile)")
        }
        print("\(kind) kernels: \(tiles.count) tiles multiply")
        #expect(tiles.count >= (kind == .cpu ? 3 : 10))
    }

    @Test func findsTheClassOfADevice() {
        func tiles(_ vendor: String, isCPU: Bool = false) -> ShippedTiles {
            .forDevice(DeviceTraits(isCPU: isCPU, computeUnits: 1, maximumWorkGroupSize: 256, localMemoryBytes: 1 << 15, vendor: vendor))
        }
        let classes = [
            "NVIDIA Corporation": "nvidia", "Advanced Micro Devices, Inc.": "advanced", "AMD": "amd", "Intel(R) Corporation": "intel", "ARM": "arm",
            "Apple": "apple", "QUALCOMM": "qualcomm", "GenuineIntel": "other", "": "other",
        ]
        for (vendor, name) in classes { #expect(tiles(vendor) == ShippedTiles.table[name], "\(vendor)") }
        #expect(tiles("Intel(R) Corporation", isCPU: true) == ShippedTiles.table["cpu"])
    }

    private func expectFailure(_ file: TuningFile, _ reason: String, at location: SourceLocation = #_sourceLocation) {
        do throws(TuningFile.Failure) {
            _ = try file.read()
            Issue.record("read a file that should fail: \(reason)", sourceLocation: location)
        } catch {
            #expect(error.path == file.path && error.reason.contains(reason) && !error.reason.contains("\u{1B}"), sourceLocation: location)
        }
    }

    private static func tile(_ text: String) throws -> MatmulTile { try #require(MatmulTile(text), "\(text)") }
}

/// A product of matrices whose elements are small whole numbers, so that every way to add them up gives the same.
private struct Product {
    var batch = 1
    var m, n, k: Int
    var isTransposedA = false, isTransposedB = false

    var step: MatmulStep {
        func operand(_ slot: Int, _ rows: Int, _ columns: Int, _ isTransposed: Bool) -> Operand {
            let strides = [batch > 1 ? rows * columns : 0] + (isTransposed ? [1, rows] : [columns, 1])
            return Operand(slot: slot, dtype: .float32, access: Access(strides: strides))
        }
        let store = Store(value: 0, target: operand(2, m, n, false))
        return MatmulStep(
            batch: batch, m: m, n: n, k: k, a: operand(0, m, k, isTransposedA), b: operand(1, k, n, isTransposedB),
            epilogue: Body(instructions: [Instruction(.accumulator, .float32)], stores: [store]))
    }

    private var factors: (a: [Float], b: [Float]) {
        ((0..<batch * m * k).map { Float($0 * 7 % 11 - 5) }, (0..<batch * k * n).map { Float($0 * 5 % 13 - 6) })
    }

    func source(_ backend: OpenCLBackend) throws -> String { try #require(backend.sourceText(of: try backend.prepare(.matmul(step)))) }

    func elements(on backend: OpenCLBackend) throws -> [Float] {
        var result = [Float](repeating: .nan, count: batch * m * n)
        let buffers = try [factors.a, factors.b, result].map { elements in
            let slice = BufferSlice(try backend.allocate(byteCount: elements.count * 4))
            try elements.withUnsafeBytes { try backend.upload($0, to: slice) }
            return slice
        }
        try backend.enqueue([try backend.prepare(.matmul(step))], Bindings(buffers: buffers))
        try result.withUnsafeMutableBytes { try backend.download(buffers[2], into: $0) }
        return result
    }

    /// The greatest distance of an element of the first matrix from what it should be.
    func error(on backend: OpenCLBackend) throws -> Double {
        let (result, (a, b)) = (try elements(on: backend), factors)
        let (p, q) = (step.a.access.strides, step.b.access.strides)
        var worst = 0.0
        for row in 0..<m {
            for column in 0..<n {
                let want = (0..<k).reduce(Float(0)) { $0 + a[row * p[1] + $1 * p[2]] * b[$1 * q[1] + column * q[2]] }
                let distance = Double(abs(result[row * n + column] - want))
                worst = distance.isNaN ? .infinity : max(worst, distance)
            }
        }
        return worst
    }
}

/// A folder that vanishes with the last reference.
private final class TemporaryFolder {
    let path = NSTemporaryDirectory() + "tuning-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
