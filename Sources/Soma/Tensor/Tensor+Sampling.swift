import SomaGraph

// Classes drawn at random, as a language model draws its next token.

extension Tensor {
    /// A class for each row of logits [..., classes], drawn with the probabilities softmax(logits / temperature): int32 [...].
    ///
    /// Of exponential numbers, each divided by the probability of its class, the least is that of the class drawn (E. J. Gumbel's trick): a random
    /// word for each class. A logit of −∞ is never drawn unless all are.
    ///
    /// Restrictions hold one after the other: of the `topK` classes those of `topP` are kept, by the probabilities among the former. They sort the
    /// logits; of equal ones the first come first.
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
        let (values, indices) = scaled.topK(Swift.min(topK ?? classes, classes))
        let sum = topP < 1 ? values.softmax().cumulativeSum(alongAxis: -1, exclusive: true) : nil
        let kept = sum.map { .select($0 .< topP, values, -Double.infinity) } ?? values
        return indices.picked(atIndices: kept.drawn(generator))
    }

    /// A class for each row of logits.
    private func drawn(_ generator: RandomGenerator) -> Tensor {
        // Uniform on (0, 1) with full precision at 0, where the least of many exponential numbers come from; below 1, so that none is infinite.
        let words = (generator.words(shape, device: device).as(.float32) + 0.5) * 0x1p-32
        let exponential = -log1p(-minimum(words, 1 - 0x1p-24))
        return (self - log(exponential)).argmax(alongAxis: -1).as(.int32)
    }
}
