import SomaGraph

// Random tensors, computed on the device from words that are equal on every device.

extension Tensor {
    /// Real numbers uniform on [lower, upper), from the upper 24 bits of a word each.
    public static func randomUniform(
        _ shape: Shape, from lower: Double = 0, to upper: Double = 1, generator: RandomGenerator = .current,
        device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard Float(lower) < Float(upper), lower.isFinite, upper.isFinite else {
            programError("randomUniform", "no interval from \(lower) to \(upper)", file: file, line: line)
        }
        guard Float(upper - lower).isFinite else {
            programError("randomUniform", "the width from \(lower) to \(upper) is beyond float32", file: file, line: line)
        }
        let numbers = generator.words(shape, device: device).unitInterval * (upper - lower) + lower
        // Rounding can reach the upper bound itself.
        return minimum(numbers, Double(Float(upper).nextDown))
    }

    /// Real numbers of the normal distribution.
    ///
    /// Box–Muller: two words (u, v) give √(−2 ln u) cos 2πv and √(−2 ln u) sin 2πv.
    public static func randomNormal(
        _ shape: Shape, mean: Double = 0, standardDeviation: Double = 1, generator: RandomGenerator = .current,
        device: Device = .current
    ) -> Tensor {
        let pairs = (shape.count + 1) / 2
        let words = generator.words([2, pairs], device: device)
        // All 32 bits, and never 0: the logarithm is finite and reaches far into the tail.
        let u = (words[0].as(.float32) + 0.5) * 0x1p-32
        let radius = sqrt(log(u) * -2)
        let angle = words[1].unitInterval * (2 * Double.pi)
        // cos(angle − π/2) is the sine: both halves in one map.
        let quarter = range(2, dtype: .float32, device: device).reshaped(to: [2, 1]) * (Double.pi / 2)
        let normal = (radius * cos(angle - quarter)).flattened().block(at: [0], of: [shape.count])
        return normal.reshaped(to: shape) * standardDeviation + mean
    }

    /// Whole numbers of `range`, each as likely as any other but for 2⁻³² of its width: of a 32-bit word w and a width n it is ⌊w·n / 2³²⌋.
    /// - Parameters:
    ///   - range: of at most 2³¹ numbers.
    ///   - dtype: an integer dtype that holds them.
    public static func randomIntegers(
        _ shape: Shape, in range: Range<Int>, dtype: DType = .int64, generator: RandomGenerator = .current, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard dtype.isInteger, !range.isEmpty, Scalar(.whole(Int64(range.lowerBound)), fitting: dtype) != nil,
            Scalar(.whole(Int64(range.upperBound - 1)), fitting: dtype) != nil
        else {
            programError("randomIntegers", "no numbers of \(dtype) in \(range)", file: file, line: line)
        }
        let width = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        guard !width.overflow, width.partialValue <= 1 << 31 else {
            programError("randomIntegers", "the numbers in \(range) are more than 2^31", file: file, line: line)
        }
        let words = generator.words(shape, device: device)
        // By halves of the word, so that no product is beyond 2⁴⁷.
        func product(_ half: Tensor) -> Tensor { half.as(.int64) * width.partialValue }
        func upper(_ x: Tensor) -> Tensor { .binary(.shiftRight, x, x.operand(16, "random")) }
        let low = words .&& words.operand(0xFFFF, "random")
        return (upper(product(upper(words)) + upper(product(low))) + range.lowerBound).as(dtype)
    }

    /// `true` with the given probability.
    public static func randomBernoulli(
        _ shape: Shape, probability: Double = 0.5, generator: RandomGenerator = .current, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard (0...1).contains(probability) else {
            programError("randomBernoulli", "\(probability) is no probability", file: file, line: line)
        }
        return generator.words(shape, device: device).unitInterval .< probability
    }

    /// `true` with a probability of its own in each place.
    public static func randomBernoulli(probabilities: Tensor, generator: RandomGenerator = .current) -> Tensor {
        generator.words(probabilities.shape, device: probabilities.device).unitInterval .< probabilities
    }

    /// What dropout multiplies by: 0 with probability `rate`, else 1 / (1 − rate), so that the expectation is 1.
    ///
    /// N. Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, JMLR 15, 2014.
    public static func dropoutMask(
        _ shape: Shape, rate: Double, generator: RandomGenerator = .current, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard (0..<1).contains(rate) else { programError("dropout", "a rate of \(rate)", file: file, line: line) }
        let isKept = dropoutChoice(shape, rate: rate, generator: generator, device: device)
        return .select(isKept, Tensor(1 / (1 - rate), device: device), Tensor(0, device: device))
    }

    /// `true` for what dropout keeps.
    static func dropoutChoice(_ shape: Shape, rate: Double, generator: RandomGenerator, device: Device) -> Tensor {
        generator.words(shape, device: device).unitInterval .>= rate
    }

    /// The numbers 0 ..< `count` (int32) in random order, each order equally likely: shuffled on the host, equal on every device.
    public static func randomPermutation(
        _ count: Int, generator: RandomGenerator = .current, device: Device = .current, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        guard (0...Int(Int32.max)).contains(count) else {
            programError("randomPermutation", "a count of \(count) does not fit int32", file: file, line: line)
        }
        if Capture.current != nil {
            programError(
                "randomPermutation",
                "it is drawn on the host and would be the same in each replay; hand it to the step as an input",
                file: file, line: line)
        }
        var sequence = generator.hostSequence()
        return Tensor(sequence.permutation(of: count).map { Int32($0) }, device: device)
    }

    /// A `uint32` word as a multiple of 2⁻²⁴ on [0, 1).
    private var unitInterval: Tensor {
        Tensor.binary(.shiftRight, self, operand(8, "random")).as(.float32) * 0x1p-24
    }
}
