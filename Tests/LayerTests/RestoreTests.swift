import Soma
import SomaReference
import Testing

/// Checkpoints that fit a model in part, under other names, or in other types of numbers.
@Suite struct RestoreTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("x.safetensors") }

    init() throws { folder = try TemporaryFolder() }

    private typealias Entry = (tensor: SafetensorsFile.Tensor, bytes: [UInt8])

    /// A tensor of a file whose elements are all the same.
    private func entry<Number: BitwiseCopyable>(
        _ name: String, _ type: SafetensorsFile.ElementType, _ shape: [Int], _ number: Number
    ) -> Entry {
        let tensor = SafetensorsFile.Tensor(name: name, elementType: type, shape: shape)
        let bytes = withUnsafeBytes(of: number, Array.init)
        return (tensor, (0..<tensor.byteCount / type.byteCount).flatMap { _ in bytes })
    }

    private func checkpoint(_ entries: [Entry]) throws -> Checkpoint {
        try SafetensorsFile.write(entries, to: path)
        return try Checkpoint(path: path)
    }

    private func values(_ parameter: Parameter?) throws -> [Float] { try #require(parameter).tensor.contiguous().scalars() }

    /// A trunk and a head, as a trained network has them.
    private struct Network: Layer {
        let trunk = Linear(from: 3, to: 2, weight: .constant(-1), bias: .constant(-1))
        let head: Linear
        init(classes: Int) { head = Linear(from: 2, to: classes, weight: .constant(-1), bias: .constant(-1)) }
        func callAsFunction(_ x: Tensor) -> Tensor { head(trunk(x)) }
    }

    private var trained: [Entry] {
        [
            entry("module.trunk.weight", .float32, [2, 3], Float(1)), entry("module.trunk.bias", .float32, [2], Float(2)),
            entry("module.head.weight", .float32, [10, 2], Float(3)), entry("module.extra", .float32, [1], Float(4)),
        ]
    }

    @Test(arguments: TestDevices.all) func whatFitsIsTaken(_ device: Device) throws {
        try withDevice(device) {
            let model = Network(classes: 4)
            let report = try checkpoint(trained).restore(model, matching: .whatFits, renaming: Checkpoint.withoutPrefix("module."))
            #expect(report.restored == ["trunk.weight", "trunk.bias"] && report.missing == ["head.bias"] && report.unused == ["module.extra"])
            #expect(report.unfit.map { [$0.name, $0.found, $0.wanted] } == [["head.weight", "F32 [10, 2]", "F32 [4, 2]"]] && !report.isComplete)
            #expect(try values(model.trunk.weight) == Array(repeating: 1, count: 6) && values(model.trunk.bias) == [2, 2])
            #expect(try values(model.head.weight) == Array(repeating: -1, count: 8) && values(model.head.bias) == Array(repeating: -1, count: 4))
            #expect(
                report.description == """
                    2 tensors restored, 1 missing, 1 unused, 1 that do not fit
                    missing: head.bias
                    unused: module.extra
                    does not fit: head.weight is F32 [10, 2], the model wants F32 [4, 2]
                    """)
        }
    }

    /// An optimiser that was made before keeps its parameters where it has put them.
    @Test func parametersOfAnOptimiserAreRestoredWhereTheyAre() throws {
        try withDevice(TestDevices.interpreter) {
            let model = Network(classes: 4)
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 1)
            try checkpoint(trained).restore(model, matching: .whatFits, renaming: Checkpoint.withoutPrefix("module."))
            try optimizer.update(with: model.parameters.map { .ones(like: $0.tensor) })
            #expect(try values(model.trunk.bias) == [1, 1] && values(model.head.bias) == Array(repeating: -2, count: 4))
        }
    }

    @Test func namesAreMapped() throws {
        try withDevice(TestDevices.interpreter) {
            let model = Network(classes: 10)
            let file = try checkpoint(trained + [entry("module.fc.bias", .float32, [10], Float(5))])
            let report = try file.restore(model) { name in
                name == "module.extra" ? nil : Checkpoint.withoutPrefix("module.")(name)?.replacing("fc.", with: "head.")
            }
            // What a renaming leaves out is unused, and asked for so.
            #expect(report.restored.count == 4 && report.unused.isEmpty)
            #expect(try values(model.head.bias) == Array(repeating: 5, count: 10))
            #expect { try file.restore(model) { _ in "trunk.bias" } } throws: { "\($0)".contains("are both renamed to 'trunk.bias'") }
            #expect(Checkpoint.withoutPrefix("module.")("modules.x") == "modules.x")
        }
    }

    @Test func theStrictFormNamesAllDifferences() throws {
        try withDevice(TestDevices.interpreter) {
            let model = Network(classes: 4)
            let file = try checkpoint(trained)
            #expect { try file.restore(model, renaming: Checkpoint.withoutPrefix("module.")) } throws: { error in
                "\(error)".hasSuffix(
                    "x.safetensors lacks 'head.bias' of the model; it has 'module.extra', which the model does not; "
                        + "'head.weight' is F32 [10, 2] in it, the model wants F32 [4, 2]")
            }
            #expect { try file.check(model) } throws: { error in
                let text = "\(error)"
                return text.contains("lacks 'trunk.weight', 'trunk.bias', 'head.weight', 'head.bias' of the model")
                    && text.contains("it has 'module.extra', 'module.head.weight', 'module.trunk.bias', 'module.trunk.weight', which")
            }
            #expect(try values(model.trunk.bias) == [-1, -1], "nothing was changed")
        }
    }

    /// PyTorch's state_dict of BatchNorm2d(2), since its version 0.4.1 with a count of batches.
    @Test(arguments: TestDevices.all) func normalisationsWithAndWithoutACount(_ device: Device) throws {
        let old = [
            entry("1.weight", .float32, [2], Float(1)), entry("1.bias", .float32, [2], Float(2)), entry("1.running_mean", .float32, [2], Float(3)),
            entry("1.running_var", .float32, [2], Float(4)), entry("0.weight", .float32, [2, 1, 1, 1], Float(5)),
            entry("0.bias", .float32, [2], Float(6)),
        ]
        try withDevice(device) {
            for (entries, count) in [(old, 0), (old + [entry("1.num_batches_tracked", .int64, [], Int64(17))], 17)] {
                let norm = BatchNorm(2)
                let model = Sequential(Convolution(from: 1, to: 2, size: 1), norm)
                norm.statistics?.batchCount.assign(Tensor([Int64(9)], shape: .scalar))
                let report = try checkpoint(entries).restore(model)
                #expect(report.isComplete && report.restored.count == entries.count)
                let statistics = try #require(norm.statistics)
                #expect(try statistics.mean.tensor.scalars(as: Float.self) == [3, 3] && statistics.variance.tensor.scalars(as: Float.self) == [4, 4])
                #expect(try statistics.batchCount.tensor.scalars(as: Int64.self) == [Int64(count)])
            }
            // Where the statistics are not restored, their count stays.
            let norm = BatchNorm(2)
            norm.statistics?.batchCount.assign(Tensor([Int64(9)], shape: .scalar))
            try checkpoint([entry("weight", .float32, [2], Float(1))]).restore(norm, matching: .whatFits)
            #expect(try norm.statistics?.batchCount.tensor.scalars(as: Int64.self) == [9])
        }
    }

    @Test(arguments: TestDevices.all) func halvesAndDoublesBecomeFloats(_ device: Device) throws {
        try withDevice(device) {
            let model = Network(classes: 1)
            let report = try checkpoint([
                entry("trunk.weight", .float16, [2, 3], Float16(0.1)), entry("trunk.bias", .bfloat16, [2], UInt16(0x4049)),
                entry("head.weight", .float64, [1, 2], 0.1), entry("head.bias", .float32, [1], Float(0.1)),
            ]).restore(model)
            #expect(report.isComplete)
            #expect(try values(model.trunk.weight) == Array(repeating: Float(Float16(0.1)), count: 6))
            #expect(try values(model.trunk.bias) == [3.140625, 3.140625])
            #expect(try values(model.head.weight) == [0.1, 0.1] && values(model.head.bias) == [0.1])
        }
    }

    @Test func numbersBeyondTheRangeAreSaid() throws {
        try withDevice(TestDevices.interpreter) {
            let linear = Linear(from: 3, to: 2, weight: .constant(-1))
            let file = try checkpoint([entry("weight", .float64, [2, 3], 1e39), entry("bias", .float64, [2], 2.0)])
            #expect { try file.restore(linear) } throws: {
                "\($0)".hasSuffix("'weight' is F64 [2, 3] with 6 numbers beyond float32 in \(path), the model wants F32 [2, 3]")
            }
            let report = try file.restore(linear, matching: .whatFits)
            #expect(report.restored == ["bias"] && report.unfit.map(\.name) == ["weight"])
            #expect(try values(linear.weight) == Array(repeating: -1, count: 6) && values(linear.bias) == [2, 2])
        }
    }
}
