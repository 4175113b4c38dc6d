import Glibc
import SomaBackend
import SomaGraph

@testable import OpenCLBackend
@testable import Soma
@testable import SomaCLI
@testable import SomaZoo

/// Files that the program writes and reads again.
extension FileFormat {
    static let safetensors = FileFormat(
        name: "safetensors", samples: Checkpoints.samples, tokens: safetensorsTokens, repair: Packing.repairSafetensors
    ) { path, _ in
        let file = try SafetensorsFile(path: path)
        for tensor in file.tensors { try expectSame(try file.withBytes(of: tensor.name) { $0.count }, tensor.byteCount, "a tensor of another size") }
        var longest = 0
        FileListing(file).forEachLine { longest = max(longest, $0.unicodeScalars.count) }
        guard longest < 2000 else { throw Contradiction("a line of \(longest) characters") }
        let copy = "\(path).copy"
        defer { unlink(copy) }
        try SafetensorsFile.write(file.tensors.map { tensor in (tensor, try file.withBytes(of: tensor.name, Array.init)) }, metadata: file.metadata, to: copy)
        let again = try SafetensorsFile(path: copy)
        try expectSame(Set(again.tensors.map { ExactText($0.name) }), Set(file.tensors.map { ExactText($0.name) }), "a copy with other names")
    }

    private static let safetensorsTokens = [
        "{", "\"dtype\":\"F32\"", "\"dtype\":\"F16\"", "\"dtype\":\"F64\"", "\"shape\":[",
        "\"data_offsets\":[", "__metadata__", "9223372036854775807", "\u{301}", "caf\u{E9}", "cafe\u{301}",
    ].map { Array($0.utf8) }

    /// The state of a training that goes on.
    static let checkpoint = FileFormat(
        name: "checkpoint", samples: Checkpoints.samples, tokens: safetensorsTokens, repair: Packing.repairSafetensors
    ) { path, _ in
        let checkpoint = try Checkpoint(path: path)
        let run = try SavedRun(checkpoint)
        _ = try LoopProgress(checkpoint, losses: ["loss"])
        _ = try PictureClasses.read(checkpoint)
        try checkpoint.restore(RandomGenerator(seed: 0))
        guard Recipes.epochs.contains(run.epochs) else { throw Contradiction("epochs that no run has") }
        let model = withDevice(.recording()) { withoutInitialization { Checkpoints.model() } }
        let report = try checkpoint.restore(model, matching: .whatFits)
        try expectSame(report.restored.count + report.missing.count + report.unfit.count, 4, "a part of the model is lost")
        try checkpoint.check(model)
        guard let fingerprint = try checkpoint.dataFingerprint() else { return }
        try expectSame(DataFingerprint(fingerprint.description), fingerprint, "another fingerprint is read back")
    }

    static let configuration = FileFormat(
        name: "config.json", samples: [
            #"{"recipe":"digits","device":"cpu","data":null,"epochs":2,"seed":7,"precision":"float32","tuning":null,"settings":{"hidden":"16","lr":"0.01"}}"#,
            #"{"recipe":"resnet20","device":"opencl:0","data":"/d","epochs":1,"seed":18446744073709551615,"tuning":{"device":"x","choices":{"map 16 flat":"512x2"}},"settings":{}}"#,
        ].map { Array($0.utf8) } + [[0xEF, 0xBB, 0xBF] + Array(#"{"recipe":"digits","device":"cpu","epochs":2,"seed":7,"settings":{}}"#.utf8)], tokens: ["\"seed\":", "\"settings\":{", "\"hidden\":", "none", ",", "1e9"].map { Array($0.utf8) }
    ) { path, _ in
        let folder = PathText.folder(of: path)
        rename(path, "\(folder)/config.json")
        guard let configuration = try RunConfiguration(folder: folder) else { throw Contradiction("a configuration that is not there") }
        _ = try JSON(parsing: configuration.json.description)
    }

    private static let header = MetricsFile.header(["loss", "test_loss", "test_accuracy", "test_top5_accuracy"])

    static let metrics = FileFormat(
        name: "metrics.csv", samples: [
            "\(header)\ndigits,1,46,0.5,0.4,0.9,0.99,0.001,1000.0,4096,1.5\ndigits,2,92,0.25,,,,0.0005,,4096,3.0\n",
            "\u{FEFF}\(header)\r\n\"a\",1,1,nan,inf,-inf,,1e300,1e-300,0,0.0\r\nb,1,2,1e30,2,0.5,,0.1,,0,1\r\n",
        ].map { Array($0.utf8) }, tokens: ["\r\n", "\r", ",", "\"", "\u{301}", "nan", "inf", "1e308", "-1", "9223372036854775807"].map { Array($0.utf8) }
    ) { _, bytes in
        let text = MetricsText(bytes)
        func lines(_ text: MetricsText) -> [String] { text.rows.map { $0.text(text.names) } }
        let again = MetricsText(Array((([MetricsFile.header(text.names)] + lines(text)).joined(separator: "\n") + "\n").utf8))
        // Texts, since NaN differs from itself.
        try expectSame(lines(again), lines(text), "rows that are read back as others")
        guard again.isUnderstood else { throw Contradiction("rows that are not understood when they are read back") }
        _ = Curves(title: "x", rows: text.rows, names: text.names).svg
        if !text.isUnderstood { throw SomaError("a line is not understood") }
    }

    static let benchReport = FileFormat(
        name: "report of a benchmark", samples: [Array(Reports.sample.json.description.utf8)],
        tokens: ["\"rows\":[", "1e30", "1e-15", "null", "-1", "9223372036854775807"].map { Array($0.utf8) }
    ) { path, _ in
        let report = try BenchReport(path: path)
        for format in ReportFormat.allCases {
            _ = report.lines(format)
            _ = BenchComparison(Reports.sample, report).lines(format, files: (nil, nil))
        }
        _ = report.warnings
        _ = try? report.chart()
    }

    private static let traits = DeviceTraits(isCPU: false, computeUnits: 16, maximumWorkGroupSize: 1024, localMemoryBytes: 48 << 10)

    static let tuning = FileFormat(
        name: "tuning", samples: [
            "soma tuning 2\ndevice  a GPU, 16 units\ndriver  1\n# note\nmatmul 1 1024 1024 1024 nn  128x128x16/8x8\nmatmul 1 4096 4096 4096 nn  clblast\n"
                + "convolution 1 64 32768 1024 forward:3x3/1  winograd\nreduce 1 16777216 along  256x1/512\nmap 16777216 flat  512x2\nend\n",
        ].map { Array($0.utf8) }, tokens: ["\r\n", "matmul ", "x", "/", "end\n", "9223372036854775807", "4611686018427387904"].map { Array($0.utf8) }
    ) { path, bytes in
        let file = TuningFile(in: PathText.folder(of: path), model: "m", device: "a GPU, 16 units", version: "1", driver: "1", traits)
        rename(path, file.path)
        chmod(file.path, 0o600)
        guard let tuning = try file.read() else { throw Contradiction("a file that is not there") }
        try expectSame(try Tuning(tuning.texts, for: traits), tuning, "choices that are read back as others")
    }

    /// A class of steps and a choice, as `config.json` and the processes of a search hand them on.
    static let choices = FileFormat(
        name: "tuned choices", samples: [
            "matmul 1 1024 1024 1024 nn 128x128x16/8x8", "matmul 1 4096 4096 4096 nt clblast", "reduce 1 16777216 along 256x1/512", "map 16777216 flat 512x2",
            "convolution 1 64 32768 1024 input-gradient:3x3/1 64x64x16/4x4/2",
        ].map { Array($0.utf8) }, tokens: ["x", "/", " ", "9223372036854775807", "4611686018427387904", "0"].map { Array($0.utf8) }
    ) { _, bytes in
        var tuning = Tuning()
        try tuning.add(String(decoding: bytes, as: UTF8.self), for: traits)
    }
}

/// Checkpoints of a small network, as a run writes them.
enum Checkpoints {
    static func model() -> MLP { MLP([64, 4, 10], activation: .relu, initialization: .he, dropout: 0) }

    static let samples: [[UInt8]] = {
        let metadata = [
            "recipe": "digits", "seed": "7", "epochs": "2", "setting.hidden": "4", "epoch": "1", "batch": "3", "epoch.loss_sum": "1.5", "epoch.samples": "96",
            "unread.loss_sum": "0.0", "unread.samples": "0", "unread.batches": "0", "best.value": "0.5", "best.epoch": "0", "random.seed": "7", "random.draws": "12",
            "plateau.best": "0.25", "plateau.bad_epochs": "1", "plateau.cooldown": "0", "plateau.reductions": "2",
            "classes": #"["a","café"]"#, DataFingerprint.key: DataFingerprint(.pictures, parts: [
                .init(name: "a", count: 3, hash: "ff"), .init(name: "café", count: nil, hash: "0"),
            ]).description,
        ]
        let names: [(String, [Int])] = [("hidden.0.weight", [4, 64]), ("hidden.0.bias", [4]), ("output.weight", [10, 4]), ("output.bias", [10])]
        let tensors = names.map { name, shape in
            (tensor: SafetensorsFile.Tensor(name: name, elementType: .float32, shape: shape), bytes: [UInt8](repeating: 0, count: 4 * shape.reduce(1, *)))
        }
        let small = [(tensor: SafetensorsFile.Tensor(name: "caf\u{E9}", elementType: .uint8, shape: [2, 1]), bytes: [1, 2] as [UInt8])]
        let types: [SafetensorsFile.ElementType] = [.float16, .bfloat16, .float64, .float32]
        let converted = zip(names, types).map { named, type in
            let tensor = SafetensorsFile.Tensor(name: named.0, elementType: type, shape: named.1)
            return (tensor: tensor, bytes: [UInt8](repeating: 0x3C, count: tensor.byteCount))
        }
        return [bytes(tensors, metadata), bytes(converted, metadata), bytes(small, ["note": "x"])]
    }()

    private static func bytes(_ tensors: [(tensor: SafetensorsFile.Tensor, bytes: [UInt8])], _ metadata: [String: String]) -> [UInt8] {
        let path = "/tmp/soma-mutation-sample-\(getpid())"
        defer { unlink(path) }
        do {
            try SafetensorsFile.write(tensors, metadata: metadata, to: path)
            return try SmallFile.read(path, limit: 1 << 20)
        } catch { fatalError("\(error)") }
    }
}

enum Reports {
    static let sample: BenchReport = {
        var report = BenchReport()
        report.devices = ["cpu", "opencl:0"].map { name in
            var device = BenchDevice(
                DeviceDescription(name: name, model: "a model", vendor: "", kind: .cpu, memoryBytes: 1, computeUnits: 2, driver: "1"), choices: ["map 16 flat": "512x2"])
            device.peaks = DevicePeaks([.float32: .value(1e11), .memoryRead: .value(2e10), .memoryWrite: .value(5e9), .float16: .missing("no 16 bits")])
            return device
        }
        report.baseline = "cpu"
        report.rows = [
            BenchRow(.gemm(256), on: "cpu", .measured(Measurement(samples: [1e-3, 2e-3, 3e-3], firstCall: 0.5))),
            BenchRow(.gemm(256), on: "opencl:0", .measured(Measurement(samples: [5e-4], firstCall: 2, isCapped: true))),
            BenchRow(.sum, on: "cpu", .failed("does not fit")),
        ]
        report.rows[1].pairs = [2, 2.5]
        return report
    }()
}
