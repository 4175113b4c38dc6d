import Soma
import SomaReference
import Testing

/// Losses and their gradients against PyTorch.
@Suite struct LossTests {
    private func expect(_ loss: Tensor, of x: Tensor, _ answer: JSON, _ name: String) throws {
        let slope = gradient(of: loss.sum(), withRespectTo: x)
        #expect(try slope.difference(from: answer.part("gradient").doubles) == nil, "gradient of \(name)")
        #expect(try loss.difference(from: answer.part("value").doubles) == nil, "\(name)")
    }

    @Test(arguments: TestDevices.all) func crossEntropies(_ device: Device) throws {
        let answers = Answers.all.part("crossEntropy")
        try withDevice(device) { () throws in
            let targets = Tensor(answers.part("targets").doubles.map { Int32($0) })
            let weights = answers.part("weights").tensor([4])
            func check(_ name: String, _ loss: (Tensor) -> Tensor) throws {
                let x = answers.part("logits").tensor([5, 4])
                try expect(loss(x), of: x, answers.part("cases").part(name), name)
            }
            try check("plain") { crossEntropy($0, targets) }
            try check("plain") { crossEntropy($0 + 1000, targets.as(.uint8)) }
            try check("sum") { crossEntropy($0, targets, reduction: .sum) }
            try check("none") { crossEntropy($0, targets, reduction: .none) }
            try check("smoothed") { crossEntropy($0, targets, labelSmoothing: 0.1) }
            try check("weighted") { crossEntropy($0, targets, classWeights: weights) }
            try check("ignored") { crossEntropy($0, targets, ignoredIndex: 3) }
            try check("all") { crossEntropy($0, targets, labelSmoothing: 0.2, classWeights: weights, ignoredIndex: 3) }
            try check("allSum") {
                crossEntropy($0, targets, labelSmoothing: 0.2, classWeights: weights, ignoredIndex: 3, reduction: .sum)
            }
        }
    }

    @Test(arguments: TestDevices.all) func crossEntropyAtTheEdges(_ device: Device) throws {
        try withDevice(device) { () throws in
            let huge = Tensor([1e4, -1e4, 0, -.infinity, 3, 3] as [Float], shape: [2, 3])
            #expect(
                try crossEntropy(huge, Tensor([0, 1] as [Int32]), reduction: .none).difference(from: [
                    0, 0.6931471805599453,
                ]) == nil)
            #expect(
                try crossEntropy(huge, Tensor([0, 0] as [Int32]), reduction: .none).scalars(as: Float.self)[1]
                    == .infinity)
            let lost = try crossEntropy(huge, Tensor([3, -1] as [Int32]), reduction: .none).scalars(as: Float.self)
            #expect(lost.allSatisfy { $0.isNaN }, "a target that is no class")
            let far = try crossEntropy(huge, Tensor([1 << 32, 1 << 40] as [Int64]), reduction: .none).scalars(as: Float.self)
            #expect(far.allSatisfy { $0.isNaN }, "an int64 that is no class")
            let wide = crossEntropy(huge, Tensor([0, 1] as [Int64]), reduction: .none)
            #expect(try wide.difference(from: [0, 0.6931471805599453]) == nil)
            let ignored = crossEntropy(huge, Tensor([1, -100] as [Int32]), ignoredIndex: -100, reduction: .none)
            #expect(try ignored.difference(from: [20000, 0]) == nil)
        }
    }

    /// Whatever stands in a row that is ignored, it is in no derivative of any order.
    @Test(arguments: TestDevices.all) func ignoredRowsHaveNoSlopes(_ device: Device) throws {
        try withDevice(device) { () throws in
            let rows = Tensor([.infinity, 1, 2, -.infinity, 3, .nan, 0.5, -1, 2] as [Float], shape: [3, 3])
            let targets = Tensor([-1, -1, 2] as [Int32])
            let alone = rows[2...]
            for (smoothing, weights) in [(0, nil), (0.1, Tensor([0.5, 2, 1] as [Float]))] as [(Double, Tensor?)] {
                func check(_ loss: (_ rows: Tensor, _ targets: Tensor) -> Tensor) throws {
                    func slopes(_ x: Tensor, _ targets: Tensor) throws -> [[Double]] {
                        let first = gradient(of: loss(x, targets), withRespectTo: x)
                        let second = gradient(of: square(first).sum(), withRespectTo: x)
                        let third = gradient(of: square(second).sum(), withRespectTo: x)
                        return try [first, second, third].map { try $0.doubles() }
                    }
                    for (slopes, wanted) in zip(try slopes(rows, targets), try slopes(alone, targets[2...])) {
                        #expect(slopes.prefix(6).allSatisfy { $0 == 0 }, "\(slopes)")
                        #expect(Value(wanted).firstDifference(from: Array(slopes.suffix(3)), terms: 3) == nil)
                    }
                }
                try check { crossEntropy($0, $1, labelSmoothing: smoothing, classWeights: weights, ignoredIndex: -1) }
                try check { negativeLogLikelihood($0, $1, classWeights: weights, ignoredIndex: -1) }
            }
        }
    }

    /// Many short rows, which a processor walks column by column: every row has its own maximum and sum to keep.
    @Test(arguments: TestDevices.all) func manyRowsOfFewClasses(_ device: Device) throws {
        func slope(_ device: Device) throws -> Tensor {
            withDevice(device) {
                let x = Tensor((0..<320).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [32, 10])
                let labels = Tensor((0..<32).map { Int32($0 * 7 % 10) })
                return gradient(of: crossEntropy(x, labels, labelSmoothing: 0.1), withRespectTo: [x])[0]
            }
        }
        let expected = try slope(TestDevices.interpreter).scalars(as: Float.self).map(Double.init)
        #expect(try slope(device).difference(from: expected, terms: 10) == nil)
    }

    @Test(arguments: TestDevices.all) func pairs(_ device: Device) throws {
        let answers = Answers.all.part("pairs")
        try withDevice(device) { () throws in
            let targets = answers.part("targets").tensor([3, 4])
            let binary = answers.part("binary").tensor([3, 4])
            func check(_ name: String, _ loss: (Tensor) -> Tensor) throws {
                let x = answers.part("predictions").tensor([3, 4])
                try expect(loss(x), of: x, answers.part("cases").part(name), name)
            }
            try check("meanSquaredError") { meanSquaredError($0, targets) }
            try check("meanAbsoluteError") { meanAbsoluteError($0, targets) }
            try check("huberLoss") { huberLoss($0, targets, delta: 0.75) }
            try check("binaryCrossEntropy") { binaryCrossEntropy(logits: $0 * 20, binary) }
            try check("positiveWeight") { binaryCrossEntropy(logits: $0, binary, positiveWeight: Tensor(3)) }
            try check("hingeLoss") { hingeLoss($0, binary * 2 - 1) }
        }
    }

    /// The mean of nothing is NaN, its sum 0, and there is nothing to differentiate.
    @Test(arguments: TestDevices.all) func lossesOfNothing(_ device: Device) throws {
        try withDevice(device) {
            let (pairs, rows, targets) = (Tensor([] as [Float]), Tensor([] as [Float], shape: [0, 3]), Tensor([] as [Int32]))
            for reduction in [LossReduction.mean, .sum] {
                let losses = [
                    meanSquaredError(pairs, pairs, reduction: reduction), meanAbsoluteError(pairs, pairs, reduction: reduction),
                    huberLoss(pairs, pairs, reduction: reduction), hingeLoss(pairs, pairs, reduction: reduction),
                    binaryCrossEntropy(logits: pairs, pairs, positiveWeight: Tensor(2), reduction: reduction),
                    crossEntropy(rows, targets, labelSmoothing: 0.1, ignoredIndex: 1, reduction: reduction),
                ]
                let slopes = losses.dropLast().map { gradient(of: $0, withRespectTo: pairs) } + [gradient(of: losses[5], withRespectTo: rows)]
                for (loss, slope) in zip(losses, slopes) {
                    let value = try loss.scalars(as: Float.self)[0]
                    #expect(reduction == .sum ? value == 0 : value.isNaN)
                    #expect(try slope.doubles() == [])
                }
            }
        }
    }

    @Test func mismatchesTrap() async {
        await #expect(processExitsWith: .failure) {
            withDevice(TestDevices.interpreter) { _ = crossEntropy(.zeros([2, 3]), Tensor([0, 1, 2] as [Int32])) }
        }
        await #expect(processExitsWith: .failure) {
            withDevice(TestDevices.interpreter) { _ = meanSquaredError(.zeros([2, 1]), .zeros([2])) }
        }
    }
}
