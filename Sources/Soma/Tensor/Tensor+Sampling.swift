import SomaGraph

// Classes drawn at random, as a language model draws its next token.

extension Tensor {
    /// A class for each row of logits [..., classes], drawn with the probabilities softmax(logits / temperature): int32 [...].
    ///
    /// Of exponential numbers, each divided by the probability of its class, the least is that of the class drawn (E. J. Gumbel's trick): a random
    /// word for each class. A logit of −∞ is never drawn unless all are.
    ///
    /// Restrictions hold one after the other: of the `topK` classes those of `topP` are kept, by the probabilities among the former; of equal logits
    /// the first come first. Up to 1024 classes are sorted for it. Of more the least logit that is kept is searched for, by 40 sums over the classes
    /// for each restriction; logits that differ by less than a trillionth of the range of all count as equal there.
    ///
    /// A. Holtzman et al., *The Curious Case of Neural Text Degeneration*, ICLR 2020, has `topP`.
    /// - Parameters:
    ///   - temperature: below 1 makes likely classes likelier; at 0 the first of the greatest logits is taken. Within a captured step it is fixed:
    ///     divide the logits by a tensor instead.
    ///   - topK: how many classes of the greatest logits may be drawn; nil for all. More than there are is all.
    ///   - topP: in (0, 1]: only the likeliest classes may be drawn, the fewest whose probabilities add up to it.
    ///   - generator: where the numbers come from.
    public static func randomCategorical(
        logits: Tensor, temperature: Double = 1, topK: Int? = nil, topP: Double = 1, generator: RandomGenerator = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        logits.requireReal("randomCategorical", file, line)
        guard let classes = logits.shape.dimensions.last, classes > 0 else {
            programError("randomCategorical", "logits of \(logits.shape) have no classes", file: file, line: line)
        }
        guard temperature >= 0, temperature.isFinite, topK ?? 1 > 0, topP > 0, topP <= 1 else {
            let given = "temperature \(temperature), top k \(topK.map { "\($0)" } ?? "all"), top p \(topP)"
            programError("randomCategorical", given, file: file, line: line)
        }
        if temperature == 0 { return logits.argmax(alongAxis: -1).as(.int32) }
        let scaled = logits / temperature
        guard topP < 1 || topK ?? classes < classes else { return scaled.drawn(generator) }
        if classes > mostSortedClasses {
            return .select(scaled.mayBeDrawn(topK: topK, topP: topP), scaled, -Double.infinity).drawn(generator)
        }
        let (values, indices) = scaled.topK(Swift.min(topK ?? classes, classes))
        let sum = topP < 1 ? values.softmax().cumulativeSum(alongAxis: -1, exclusive: true) : nil
        let kept = sum.map { .select($0 .< topP, values, -Double.infinity) } ?? values
        return indices.picked(atIndices: kept.drawn(generator))
    }

    private static let mostSortedClasses = 1024

    /// Which classes of logits [..., classes] may be drawn: bool of this shape, found without sorting.
    func mayBeDrawn(topK: Int?, topP: Double) -> Tensor {
        let logits = withoutGradient()
        var kept: Tensor?
        if let topK, topK < shape[rank - 1] { kept = logits.greatest(weights: .ones([], device: device), until: Double(topK)) }
        if topP < 1 {
            let candidates = kept.map { Tensor.select($0, logits, -Double.infinity) } ?? logits
            let likeliest = candidates.greatest(weights: candidates.softmax(), until: topP)
            kept = kept.map { $0 .&& likeliest } ?? likeliest
        }
        return kept ?? .ones(shape, dtype: .bool, device: device)
    }

    /// Which elements of [..., n] have a weight of less than `bound` before them, in descending order, of equal elements the first first; NaN is
    /// among them, −∞ is not.
    private func greatest(weights: Tensor, until bound: Double) -> Tensor {
        let largest = minimum(max(alongAxes: -1, keepingDims: true), Double(Float.greatestFiniteMagnitude))
        let finite = Tensor.select(self .== -Double.infinity, largest, self)
        let smallest = finite.min(alongAxes: -1, keepingDims: true)
        func weight(above limit: Tensor) -> Tensor { Tensor.select(self .> limit, weights, 0).sum(alongAxes: -1, keepingDims: true) }
        // What is above the first limit weighs at least the bound, or all does not; what is above the second weighs less.
        let (limits, _) = scan(
            over: [.zeros([40], device: device)], from: [smallest - abs(smallest) * 0x1p-10 - 1, largest]
        ) { limits, _ in
            let middle = limits[0] * 0.5 + limits[1] * 0.5
            let isEnough = weight(above: middle) .>= bound
            return ([.select(isEnough, middle, limits[0]), .select(isEnough, limits[1], middle)], [])
        }
        let isAbove = self .> limits[1]
        let isBetween = (self .> limits[0]) .&& (self .<= limits[1])
        let before = Tensor.select(isBetween, weights, 0).cumulativeSum(alongAxis: -1, exclusive: true)
        return isAbove .|| (isBetween .&& (before + weight(above: limits[1]) .< bound)) .|| isNaN
    }

    /// A class for each row of logits.
    private func drawn(_ generator: RandomGenerator) -> Tensor {
        // Uniform on (0, 1) with full precision at 0, where the least of many exponential numbers come from; below 1, so that none is infinite.
        let words = (generator.words(shape, device: device).as(.float32) + 0.5) * 0x1p-32
        let exponential = -log1p(-minimum(words, 1 - 0x1p-24))
        return (self - log(exponential)).argmax(alongAxis: -1).as(.int32)
    }
}
