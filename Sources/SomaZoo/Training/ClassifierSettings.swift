import Soma

/// What can be set of a recipe that trains a multilayer perceptron to tell classes.
struct ClassifierSettings: Sendable {
    let hidden: Setting<[Int]>
    let activation: Setting<Activation>
    let initialization: Setting<Initialization>
    let batch: Setting<Int>
    let rule: Setting<Rule>
    let rate: Setting<Double>
    let decline: Setting<Decline>
    let warmup: Setting<Int>
    let decay: Setting<Double>
    let dropout: Setting<Double>
    let smoothing: Setting<Double>
    let shift: Setting<Int>
    let validation: Setting<Int>

    /// The arguments are the recipe's defaults.
    init(hidden: [Int], batch: Int, rate: Double, warmup: Int, dropout: Double, smoothing: Double, shift: Int) {
        self.hidden = Setting("hidden", hidden, "units of each hidden layer", eachIn: 1...65_536, count: 0...100)
        activation = Setting("activation", .relu, "function behind each hidden layer")
        initialization = Setting("init", .he, "how weights are drawn")
        self.batch = Setting("batch", batch, "samples per update", in: 1...1_000_000)
        rule = Setting("optimizer", .adam, "update rule")
        self.rate = Setting("lr", rate, "learning rate", in: 0...100)
        decline = Setting("schedule", .cosine, "how the learning rate falls over the run")
        self.warmup = Setting("warmup", warmup, "updates over which the learning rate rises first", in: 0...1_000_000)
        decay = Setting("decay", 0, "weight decay", in: 0...10)
        self.dropout = Setting("dropout", dropout, "share of hidden units dropped in training", in: 0...0.95)
        self.smoothing = Setting("smoothing", smoothing, "label smoothing", in: 0...1)
        self.shift = Setting(
            "shift", shift, "pixels by which pictures are moved at random in training, at most", in: 0...8)
        validation = Setting(
            "validation", 0, "training samples held out to choose settings by, with the test set left for the end",
            in: 0...1_000_000)
    }

    var all: [any AnySetting] {
        [
            hidden, activation, initialization, batch, rule, rate, decline, warmup, decay, dropout, smoothing, shift,
            validation,
        ]
    }
}
