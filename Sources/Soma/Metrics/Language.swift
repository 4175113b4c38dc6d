import Glibc
import SomaGraph

extension Metric {
    /// How well tokens are predicted, over all tokens that count: `loss`, the mean in nats; `perplexity`, its exponential; and
    /// `bits_per_character`, the sum of the losses in bits by the number of characters that the tokens stand for, which compares models of
    /// different tokenizers.
    /// - Parameters:
    ///   - losses: of each token in nats, as `crossEntropy(…, reduction: .none)` gives them, float32 [...].
    ///   - targets: the tokens that were to be predicted, int32 [...].
    ///   - characterCounts: how many characters each token of the vocabulary stands for, `tokenizer.characterCounts`; nil: no bits per character.
    ///   - mask: which tokens count, bool [...]; nil: all.
    public static func language(
        _ losses: Tensor, targets: Tensor, characterCounts: [Int32]? = nil, mask: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        guard losses.shape == targets.shape, targets.dtype.isInteger, mask.map({ $0.shape == losses.shape && $0.dtype == .bool }) ?? true else {
            let masked = mask.map { ", counted by \($0.dtype) \($0.shape)" } ?? ""
            programError("metrics", "losses \(losses.shape) of tokens \(targets.dtype) \(targets.shape)\(masked)", file: file, line: line)
        }
        let counts = mask.map { $0.as(.int32) }
        let loss = mask.map { Tensor.select($0, losses, Tensor(0, device: losses.device)) } ?? losses
        let tokens = counts?.sum() ?? Tensor([Int32(losses.shape.count)], shape: .scalar, device: losses.device)
        let characters = characterCounts.map { table in
            let each = Tensor(table, device: targets.device).gathered(atIndices: targets)
            return (counts.map { each * $0 } ?? each).sum()
        }
        return Metric(sums: [loss.sum(), tokens] + (characters.map { [$0] } ?? [])) { totals in
            let (sum, mean) = (totals.sums[0][0], totals.sums[0][0] / totals.sums[1][0])
            let figures = [Figure("loss", mean, better: .lower), Figure("perplexity", exp(mean), better: .lower)]
            guard totals.sums.count > 2 else { return Report(figures) }
            return Report(figures + [Figure("bits_per_character", sum / log(2) / totals.sums[2][0], better: .lower, title: "bits per character")])
        }
    }
}

extension Tokenizer {
    /// How many characters each token stands for, by its id: the code points that begin in it, so that those of a text's tokens add up to its own.
    /// Special tokens stand for none.
    public var characterCounts: [Int32] {
        let special = Set(specialTokens.map(\.id))
        return (0..<Int32(vocabularyCount)).map { token in
            var bytes: [UInt8] = []
            guard !special.contains(token), append(token, to: &bytes) else { return 0 }
            return Int32(bytes.count { $0 & 0xC0 != 0x80 })
        }
    }
}
