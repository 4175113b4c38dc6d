import Soma

/// One problem and the networks that are trained on it: as many parameters each, in more and more layers.
struct DepthProblem {
    /// As tables call it: `digits`.
    let title: String
    /// As figures call it.
    let key: String
    let training: any DataSet
    let heldOut: any DataSet
    let inputs: Int
    let classes: Int

    /// The network of `depth` hidden layers of equal width that has the most parameters, but not more than `limit`.
    /// - Throws: `UsageError` where one unit a layer is too many.
    func sizes(depth: Int, within limit: Int) throws -> [Int] {
        func sizes(_ width: Int) -> [Int] { [inputs] + Array(repeating: width, count: depth) + [classes] }
        var width = 0
        while Self.parameterCount(sizes(width + 1)) <= limit { width += 1 }
        guard width > 0 else {
            throw UsageError("parameters=\(limit) are too few for \(depth) hidden layers between \(inputs) inputs and \(classes) classes")
        }
        return sizes(width)
    }

    static func parameterCount(_ sizes: [Int]) -> Int { zip(sizes, sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 } }
}

/// All networks of a run.
struct ShallowDeepNetworks: Module {
    /// Problem by problem, and of each problem depth by depth.
    let networks: [MLP]
}

/// A saw-tooth as networks that nobody trained.
enum ConstructedSawTooth {
    /// Two rectifiers a layer: t(x) = 2 relu(x) − 4 relu(x − 1/2) folds 0 ... 1 once, and each layer does it again.
    /// - Returns: the network's answers at points x [n] in 0 ... 1, and its units.
    static func deep(_ x: Tensor, folds: Int) -> (y: Tensor, units: Int) {
        ((0..<folds).reduce(x) { y, _ in 2 * relu(y) - 4 * relu(y - 0.5) }, 2 * folds)
    }

    /// One layer with a rectifier for each slope: each changes the slope by 2^(folds + 1) where the saw-tooth turns.
    static func shallow(_ x: Tensor, folds: Int) -> (y: Tensor, units: Int) {
        let (count, slope) = (1 << folds, Double(1 << folds))
        let turns = (0..<count).map { Float($0) / Float(count) }
        let weights = (0..<count).map { Float($0 == 0 ? slope : $0 % 2 == 1 ? -2 * slope : 2 * slope) }
        let hidden = relu(x.reshaped(to: [x.shape[0], 1]) - Tensor(turns, device: x.device))
        return (matmul(hidden, Tensor(weights, shape: [count, 1], device: x.device)).reshaped(to: [x.shape[0]]), count)
    }
}
