import Soma
import SomaEstimators

/// A rival of networks, by the settings of a run.
struct AlternativeEstimator {
    let model: AlternativeModel
    let settings: Settings
    let seed: UInt64
    let problem: AlternativesProblem

    /// Learns from some samples, and tells those that were held out.
    /// - Throws: `SomaError` where nothing can be learnt from them.
    func trial(_ unit: AlternativeTrial.Unit, _ indices: [Int]) throws -> AlternativeTrial {
        let (samples, heldOut) = (problem.training.selecting(indices), problem.heldOut)
        let (fitted, peak) = try ResidentMemory.measuringPeak {
            try timed { () -> Fitted in
                if problem.classNames.isEmpty { return .number(try fit(samples.rows, samples.numbers)) }
                return .classes(try fit(samples.rows, samples.classes))
            }
        }
        let (quality, seconds) = try timed {
            switch fitted.result {
            case .classes(let model): try model.accuracy(on: heldOut.rows, heldOut.classes)
            case .number(let model): try model.explainedVariance(on: heldOut.rows, heldOut.numbers) ?? .nan
            }
        }
        return AlternativeTrial(
            unit, samples: indices.count, quality: quality, seconds: (fitted.seconds, seconds), modelBytes: fitted.result.byteCount, peakBytes: peak)
    }

    private enum Fitted {
        case classes(any FittedClassifier), number(any FittedRegressor)

        var byteCount: Int {
            let model: any FittedModel = switch self {
            case .classes(let model): model
            case .number(let model): model
            }
            return model.namedArrays.values.reduce(0) { $0 + 4 * $1.shape.reduce(1, *) }
        }
    }

    private var boosting: BoostingOptions {
        var options = BoostingOptions()
        (options.rounds, options.learningRate) = (settings[TableRecipe.rounds], settings[TableRecipe.shrinkage])
        (options.maxLeaves, options.seed) = (settings[TableRecipe.leaves], seed)
        return options
    }

    private var kernel: VectorKernel {
        let gamma = settings[TableRecipe.gamma]
        return .radial(gamma: gamma == 0 ? .scale : .value(Float(gamma)))
    }

    /// What an error of the support vector machine costs.
    private var cost: Double {
        let chosen = settings[AlternativesRecipe.c]
        return chosen > 0 ? chosen : problem.pictures == nil ? 1 : 10
    }

    private var trees: Int { settings[TableRecipe.trees] }
    private var forestKind: ForestKind { model == .extraTrees ? .extraTrees : .bootstrap }

    private func fit(_ rows: Matrix, _ classes: [Int]) throws -> any FittedClassifier {
        switch model {
        case .svm: return try SupportVectorClassifier(kernel: kernel, c: cost, seed: seed).fit(rows, classes)
        case .forest, .extraTrees:
            let options = TreeOptions(features: .squareRoot)
            return try RandomForestClassifier(trees: trees, kind: forestKind, options: options, seed: seed).fit(rows, classes)
        case .boosted: return try GradientBoostingClassifier(boosting).fit(rows, classes)
        case .knn: return try NeighboursClassifier(count: settings[AlternativesRecipe.neighbours]).fit(rows, classes)
        case .linear: return try LogisticRegression(c: 1 / settings[TableRecipe.penalty]).fit(rows, classes)
        case .tree: return try DecisionTreeClassifier(seed: seed).fit(rows, classes)
        case .bayes: return try GaussianNaiveBayes(smoothing: settings[TableRecipe.smoothing]).fit(rows, classes)
        case .mlp, .lenet: fatalError("\(model) is a network")
        }
    }

    private func fit(_ rows: Matrix, _ numbers: [Float]) throws -> any FittedRegressor {
        switch model {
        case .svm: return try SupportVectorRegressor(kernel: kernel, c: cost).fit(rows, numbers)
        case .forest, .extraTrees:
            return try RandomForestRegressor(trees: trees, kind: forestKind, options: TreeOptions(), seed: seed).fit(rows, numbers)
        case .boosted: return try GradientBoostingRegressor(boosting).fit(rows, numbers)
        case .knn: return try NeighboursRegressor(count: settings[AlternativesRecipe.neighbours]).fit(rows, numbers)
        case .linear: return try LinearRegression(l2: settings[TableRecipe.penalty]).fit(rows, numbers)
        case .tree: return try DecisionTreeRegressor(seed: seed).fit(rows, numbers)
        case .bayes, .mlp, .lenet: fatalError("\(model) tells no number, or is a network")
        }
    }
}
