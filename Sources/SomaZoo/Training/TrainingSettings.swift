import Soma

/// What can be set of the training of any network that tells classes.
struct TrainingSettings: Sendable {
    let batch: Setting<Int>
    let rule: Setting<Rule>
    let rate: Setting<Double>
    let decline: Setting<Decline>
    let warmup: Setting<Int>
    let decay: Setting<Double>
    let smoothing: Setting<Double>

    /// The arguments are the recipe's defaults.
    init(batch: Int, rule: Rule = .adam, rate: Double, warmup: Int, decay: Double = 0, smoothing: Double) {
        self.batch = Setting("batch", batch, "samples per batch", in: 1...1_000_000)
        self.rule = Setting("optimizer", rule, "update rule")
        self.rate = Setting("lr", rate, "learning rate", in: 0...100)
        decline = Setting("schedule", .cosine, "how the learning rate goes over the run")
        self.warmup = Setting("warmup", warmup, "updates over which the learning rate rises first", in: 0...1_000_000)
        self.decay = Setting("decay", decay, "weight decay", in: 0...10)
        self.smoothing = Setting("smoothing", smoothing, "label smoothing", in: 0...1)
    }

    var all: [any AnySetting] { [batch, rule, rate, decline, warmup, decay, smoothing] }
}

/// What can be set of a recipe that reads digits: moved pictures, and a part of them to choose settings by.
struct DigitSettings: Sendable {
    let shift: Setting<Int>
    let validation: Setting<Int>

    init(shift: Int) {
        self.shift = Setting("shift", shift, "pixels by which pictures are moved at random in training, at most", in: 0...8)
        validation = Setting(
            "validation", 0, "training samples held out to choose settings by, with the test set left for the end", in: 0...1_000_000)
    }

    var all: [any AnySetting] { [shift, validation] }
}

/// What can be set of a recipe that trains a multilayer perceptron to read digits.
struct MLPSettings: Sendable {
    let hidden: Setting<[Int]>
    let activation = Setting("activation", Activation.relu, "function behind each hidden layer")
    let initialization = Setting("init", Initialization.he, "how weights are drawn")
    let dropout: Setting<Double>
    let training: TrainingSettings
    let digits: DigitSettings

    init(hidden: [Int], dropout: Double, shift: Int, _ training: TrainingSettings) {
        self.hidden = Setting("hidden", hidden, "units of each hidden layer", eachIn: 1...65_536, count: 0...100)
        self.dropout = Setting("dropout", dropout, "share of hidden units dropped in training", in: 0...0.95)
        (self.training, digits) = (training, DigitSettings(shift: shift))
    }

    var all: [any AnySetting] { [hidden, activation, initialization, dropout] + training.all + digits.all }

    /// The network, untrained; its weights come from the current generator.
    func model(_ settings: Settings, pixels: Int) -> MLP {
        MLP(
            [pixels] + settings[hidden] + [DigitClasses.names.count], activation: settings[activation],
            initialization: settings[initialization], dropout: settings[dropout])
    }
}

/// The ten digits.
enum DigitClasses {
    static let names = (0..<10).map(String.init)
}
