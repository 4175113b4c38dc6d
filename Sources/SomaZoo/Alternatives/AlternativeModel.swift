import Soma

/// A network of the time, or what it was compared with.
enum AlternativeModel: String, SettingChoice {
    case mlp, lenet, svm, forest, extraTrees = "extra-trees", boosted, knn, linear, tree, bayes

    /// Whether it is trained by gradients, on the device of the run.
    var isNetwork: Bool { self == .mlp || self == .lenet }

    /// Whether it can learn what the target is: LeNet reads pictures, and Bayes' rule tells classes.
    func suits(_ problem: AlternativesProblem) -> Bool {
        switch self {
        case .lenet: problem.pictures != nil
        case .bayes: !problem.classNames.isEmpty
        case .mlp, .svm, .forest, .extraTrees, .boosted, .knn, .linear, .tree: true
        }
    }
}

/// A table with the column that is to be told, as a setting has it: `credit.csv:risk`.
enum AlternativeTable: SettingValue {
    /// The species of 344 penguins, which the program holds.
    case penguins
    case file(path: String, target: String)

    static let form = "penguins or FILE.csv:TARGET"

    init?(settingText: String) {
        if settingText.isExactly("penguins") {
            self = .penguins
            return
        }
        guard let colon = settingText.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let (path, target) = (String(settingText[..<colon]), String(settingText[settingText.utf8.index(after: colon)...]))
        if path.isEmpty || target.isEmpty { return nil }
        self = .file(path: path, target: target)
    }

    var settingText: String {
        switch self {
        case .penguins: "penguins"
        case .file(let path, let target): "\(path):\(target)"
        }
    }
}

extension AlternativesRecipe {
    static let models = Setting<[AlternativeModel]>(
        "models", [.mlp, .lenet, .svm, .forest, .boosted, .knn, .linear, .tree], "what is trained", limits: "one model at least, each once"
    ) { !$0.isEmpty && Set($0).count == $0.count }
    static let shares = Setting<[Double]>(
        "shares", [0.01, 0.03, 0.1, 0.3, 1], "of the samples to train on, how many are trained on",
        limits: "1 to 20 shares, each above 0 and at most 1, once"
    ) { 1...20 ~= $0.count && $0.allSatisfy { $0 > 0 && $0 <= 1 } && Set($0).count == $0.count }
    static let digits = Setting("digits", true, "whether digits are read: the embedded ones, or those of --data")
    static let tables = Setting<[AlternativeTable]>("tables", [.penguins], "tables whose column TARGET is told; may be none", limits: "20 at most") {
        $0.count <= 20
    }
    static let heldOut = Setting("held-out", 0.2, "the share of a table's rows that is tested on and not trained on", in: 0.01...0.9)

    static let hidden = Setting("hidden", [128, 64], "mlp: units of each hidden layer; 512,256 with --data", eachIn: 1...65_536, count: 0...100)
    static let dropout = Setting("dropout", 0.2, "mlp: share of hidden units dropped in training", in: 0...0.95)
    static let batch = Setting("batch", 128, "mlp, lenet: samples per batch; 32 without --data", in: 1...1_000_000)
    static let rate = Setting("lr", 2e-3, "mlp, lenet: learning rate of Adam, which falls to 0 along a cosine", in: 0...10)
    static let updates = Setting("updates", 400, "mlp, lenet: updates at least, by more epochs where samples are few", in: 0...1_000_000)
    static let c = Setting("c", 0.0, "svm: what an error costs; 0: 10 on digits, 1 on tables", in: 0...1e9)
    static let neighbours = Setting("neighbours", 3, "knn: how many rows are asked", in: 1...1_000_000_000)

    /// In the order of help.
    static let allSettings: [any AnySetting] = [
        models, shares, digits, tables, heldOut, hidden, dropout, batch, rate, updates, c, TableRecipe.gamma, TableRecipe.trees, TableRecipe.rounds,
        TableRecipe.shrinkage, TableRecipe.leaves, neighbours, TableRecipe.penalty, TableRecipe.smoothing,
    ]
}
