import Soma

// Defaults are for data of the usual size. On few samples the same number of epochs is few updates, of which a warm-up counted in updates may
// be most; so what nobody has chosen follows the number of samples.

extension TrainingSettings {
    /// With fewer updates an epoch batches are halved, down to `leastBatch`, below which statistics of a batch say little.
    private static let leastUpdatesPerEpoch = 20
    private static let leastBatch = 16
    /// Fewer updates than this teach a network nothing, so that there are more epochs.
    private static let leastUpdates = 400
    /// The warm-up is at most one of so many parts of the run.
    private static let warmupShare = 8

    /// The context with a batch size, learning rate, number of epochs and warm-up that suit so many samples, where they are not chosen.
    /// - Parameter accumulation: batches for one update.
    func fitted(_ context: RecipeContext, to sampleCount: Int, accumulation: Int = 1) -> RecipeContext {
        var context = context
        if !context.settings.isChosen(batch) { fitBatch(&context.settings, sampleCount, accumulation) }
        let size = context.settings[batch] * accumulation
        let updates = max(1, (sampleCount + size - 1) / size)
        if context.chosenEpochs == nil { context.epochs = max(context.epochs, (Self.leastUpdates + updates - 1) / updates) }
        if !context.settings.isChosen(warmup) {
            // A cycle rises by itself.
            let usual = context.settings[decline] == .onecycle ? 0 : warmup.defaultValue
            context.settings.choose(warmup, min(usual, context.epochs * updates / Self.warmupShare))
        }
        return context
    }

    private func fitBatch(_ settings: inout Settings, _ sampleCount: Int, _ accumulation: Int) {
        let usual = batch.defaultValue
        var size = usual
        while size / 2 >= Self.leastBatch && sampleCount / (size * accumulation) < Self.leastUpdatesPerEpoch { size /= 2 }
        settings.choose(batch, size)
        if size < usual && !settings.isChosen(rate) {
            settings.choose(rate, settings[rule].rate(rate.defaultValue, forBatchesOf: Double(size) / Double(usual)))
        }
    }
}

extension Rule {
    /// The learning rate that does with smaller batches what `rate` did: in proportion to the share of their size for plain gradients, with its
    /// root for those that are divided by their size.
    ///
    /// P. Goyal et al., *Accurate, Large Minibatch SGD*, 2017; S. Malladi et al., *On the SDEs and Scaling Rules for Adaptive Gradient
    /// Algorithms*, NeurIPS 2022.
    fileprivate func rate(_ rate: Double, forBatchesOf share: Double) -> Double {
        switch self {
        case .sgd, .momentum, .nesterov: rate * share
        case .adam, .adamw, .rmsprop: rate * share.squareRoot()
        }
    }
}
