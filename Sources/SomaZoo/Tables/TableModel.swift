import Soma
import SomaEstimators

/// What tells the target of a table from its other columns.
enum TableModel: String, SettingChoice {
    case mlp, tree, forest, extraTrees = "extra-trees", boosted, svm, linear, knn, bayes

    /// The estimator that it is; nil for the network.
    var estimator: EstimatorKind? {
        switch self {
        case .mlp: nil
        case .tree: .tree
        case .forest: .forest(.bootstrap)
        case .extraTrees: .forest(.extraTrees)
        case .boosted: .boosted
        case .svm: .svm
        case .linear: .linear
        case .knn: .knn
        case .bayes: .bayes
        }
    }

    /// The settings that some models have and others do not, of this one.
    var ownSettings: [any AnySetting] {
        switch self {
        case .mlp:
            [
                TableRecipe.members, TableRecipe.validation, TableRecipe.weights, TableRecipe.hidden, TableRecipe.activation, TableRecipe.dropout,
                TableRecipe.batch, TableRecipe.rate, TableRecipe.decay, TableRecipe.patience,
            ]
        case .tree: [TableRecipe.weights, TableRecipe.depth, TableRecipe.leaf, TableRecipe.pruning]
        case .forest, .extraTrees: [TableRecipe.weights, TableRecipe.trees, TableRecipe.depth, TableRecipe.leaf, TableRecipe.splitColumns]
        case .boosted:
            [
                TableRecipe.weights, TableRecipe.depth, TableRecipe.leaf, TableRecipe.rounds, TableRecipe.shrinkage, TableRecipe.leaves,
                TableRecipe.stopAfter, TableRecipe.stopShare,
            ]
        case .svm: [TableRecipe.weights, TableRecipe.kernel, TableRecipe.c, TableRecipe.gamma, TableRecipe.epsilon]
        case .linear: [TableRecipe.weights, TableRecipe.penalty]
        case .knn: [TableRecipe.neighbours, TableRecipe.voting]
        case .bayes: [TableRecipe.weights, TableRecipe.smoothing]
        }
    }

    /// The keys of settings that have nothing to do with this model.
    var foreignKeys: Set<String> {
        Set(Self.allCases.flatMap { $0.ownSettings.map(\.key) }).subtracting(ownSettings.map(\.key))
    }
}

/// The models without a network.
enum EstimatorKind {
    case tree, forest(ForestKind), boosted, svm, linear, knn, bayes
}

/// The kernel of a support vector machine.
enum KernelChoice: String, SettingChoice {
    case radial, linear
}

/// How much each of the nearest rows counts.
enum VotingChoice: String, SettingChoice {
    case uniform, distance

    var weighting: NeighbourWeighting {
        switch self {
        case .uniform: .uniform
        case .distance: .inverseDistance
        }
    }
}

/// How many columns a forest tries at a split, as a setting has it.
enum SplitColumns: SettingValue {
    case auto, all, squareRoot, logarithm, count(Int), share(Double)

    static let form = "auto, all, sqrt, log2, a number of columns, or a share of them such as 0.3"

    init?(settingText: String) {
        switch settingText.lowercased() {
        case "auto": self = .auto
        case "all": self = .all
        case "sqrt": self = .squareRoot
        case "log2": self = .logarithm
        case let text:
            if let count = Int(text), count > 0 {
                self = .count(count)
            } else if text.contains("."), let share = Double(text), share > 0, share <= 1 {
                self = .share(share)
            } else {
                return nil
            }
        }
    }

    var settingText: String {
        switch self {
        case .auto: "auto"
        case .all: "all"
        case .squareRoot: "sqrt"
        case .logarithm: "log2"
        case .count(let count): String(count)
        case .share(let share): String(share)
        }
    }

    /// The choice of a forest that learns from so many columns.
    /// - Parameter usual: what `auto` is.
    /// - Throws: `UsageError` for more columns than there are.
    func choice(of columns: Int, usual: FeatureChoice) throws -> FeatureChoice {
        switch self {
        case .auto: return usual
        case .all: return .all
        case .squareRoot: return .squareRoot
        case .logarithm: return .logarithm
        case .share(let share): return .share(share)
        case .count(let count):
            guard count <= columns else {
                let all = Quantity.counted(columns, "column")
                throw UsageError("columns=\(count): there are \(all) to try at a split, with one for each word of a category")
            }
            return .count(count)
        }
    }
}

extension TableRecipe {
    static let model = Setting("model", TableModel.mlp, "what tells the target; settings that name models are theirs alone")
    static let trees = Setting("trees", 100, "forest, extra-trees: how many trees", in: 1...100_000)
    static let depth = Setting("depth", 0, "tree, forest, extra-trees, boosted: most questions in a row; 0: any number", in: 0...1_000_000)
    static let leaf = Setting(
        "leaf", 0, "tree, forest, extra-trees, boosted: fewest rows behind the last question; 0: 1, and 20 of boosted", in: 0...1_000_000_000)
    static let splitColumns = Setting(
        "columns", SplitColumns.auto, "forest, extra-trees: columns tried at a split; auto: √ of them for classes, all for a number")
    static let pruning = Setting("pruning", 0.0, "tree: what a branch must take from the impurity to stay", in: 0...1e9)
    static let rounds = Setting("rounds", 100, "boosted: trees one after the other; of more than two classes one for each", in: 1...100_000)
    static let shrinkage = Setting("rate", 0.1, "boosted: what each tree is multiplied by", in: 1e-6...10)
    static let leaves = Setting("leaves", 31, "boosted: most leaves of a tree", in: 2...32_768)
    static let stopAfter = Setting(
        "stop-after", 0, "boosted: rounds without a lower loss on rows held out after which no more come; 0: never", in: 0...100_000)
    static let stopShare = Setting("stop-share", 0.1, "boosted: the share of rows that stop-after holds out", in: 0.01...0.9)
    static let kernel = Setting("kernel", KernelChoice.radial, "svm: the product of two rows")
    static let c = Setting("c", 1.0, "svm: what an error costs", in: 1e-6...1e9)
    static let gamma = Setting("gamma", 0.0, "svm: γ of exp(-γ ‖x - y‖²); 0: one over the sum of the columns' variances", in: 0...1e9)
    static let epsilon = Setting(
        "epsilon", 0.1, "svm of a number: the error that costs nothing, in standard deviations of the target", in: 0...1e6)
    static let penalty = Setting("penalty", 1.0, "linear: what squares of coefficients cost", in: 0...1e9)
    static let neighbours = Setting("neighbours", 5, "knn: how many rows are asked", in: 1...1_000_000_000)
    static let voting = Setting("voting", VotingChoice.uniform, "knn: what a row counts: distance: one over its distance")
    static let smoothing = Setting("smoothing", 1e-2, "bayes: what is added to variances, as a share of the greatest", in: 1e-12...1e6)

    /// The settings of models without a network, in the order of help.
    static let estimatorSettings: [any AnySetting] = [
        trees, depth, leaf, splitColumns, pruning, rounds, shrinkage, leaves, stopAfter, stopShare, kernel, c, gamma, epsilon, penalty, neighbours,
        voting, smoothing,
    ]
}
