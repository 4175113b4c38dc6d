import Soma

/// A perceptron that learns a gate, pass after pass over the four inputs in their order.
struct PerceptronRun: Sendable {
    enum Outcome: Hashable, Sendable {
        /// Every answer of the last pass was right.
        case learned
        /// The weights were those of this earlier pass again. The rule has no memory but the weights, so it goes round forever.
        case cycles(from: Int)
        /// Neither has happened within the passes that were allowed.
        case undecided
    }

    let gate: Gate
    /// The weights before each pass, and after the last.
    private(set) var weights: [Perceptron.Weights]
    /// What each pass did, input by input.
    private(set) var passes: [[Presentation]] = []
    private(set) var outcome = Outcome.undecided
    private(set) var isInterrupted = false

    /// One sample shown to the unit.
    struct Presentation: Hashable, Sendable {
        let x: [Float]
        let target: Float
        /// Target less answer.
        let error: Float
        /// The weights afterwards.
        let weights: Perceptron.Weights
    }

    /// - Parameter isInterrupted: asked after each pass.
    /// - Throws: `BackendError`.
    init(_ gate: Gate, from start: Perceptron.Weights, passLimit: Int, isInterrupted: () -> Bool) throws {
        (self.gate, weights) = (gate, [start])
        let unit = Perceptron(start)
        let learning = unit.learning
        while passes.count < passLimit && outcome == .undecided && !self.isInterrupted {
            let pass = try Device.current.noting(.looping) {
                try zip(Gate.inputs, gate.outputs).map { x, t in
                    let error = Float(try learning(Tensor(x), Tensor([t], shape: .scalar)).item())
                    return Presentation(x: x, target: t, error: error, weights: try unit.weights())
                }
            }
            passes.append(pass)
            let reached = pass[pass.count - 1].weights
            if pass.allSatisfy({ $0.error == 0 }) {
                outcome = .learned
            } else if let earlier = weights.firstIndex(of: reached) {
                outcome = .cycles(from: earlier)
            }
            weights.append(reached)
            self.isInterrupted = isInterrupted()
        }
    }

    /// Whole numbers from −2 to 2 to start from.
    static func start(_ generator: RandomGenerator) -> Perceptron.Weights {
        var sequence = generator.hostSequence()
        func draw() -> Float { Float(sequence.integer(below: 5) - 2) }
        return Perceptron.Weights(w1: draw(), w2: draw(), b: draw())
    }

    /// The share of the four inputs that the last weights answer rightly.
    var accuracy: Double {
        guard let last = weights.last else { return 0 }
        let right = zip(Gate.inputs, gate.outputs).count { x, t in (last.potential(x[0], x[1]) >= 0) == (t == 1) }
        return Double(right) / 4
    }

    // MARK: What it shows

    /// How the weights change from pass to pass and, where they go round in a circle, from input to input within it.
    var tables: [Table] {
        let rows = weights.enumerated().map { pass, w in
            [String(pass)] + Self.cells(w) + [pass < passes.count ? "\(passes[pass].count { $0.error != 0 }) of 4" : ""]
        }
        let columns = ["pass", "w1", "w2", "b", "wrong answers"]
        let overview = Table("\(gate.title): weights before each pass", columns: columns, rows: rows)
        guard !circle.isEmpty else { return [overview] }
        let steps = circle.map { step in
            ["\(Int(step.x[0]))", "\(Int(step.x[1]))", "\(Int(step.target))", "\(Int(step.target - step.error))"] + Self.cells(step.weights)
        }
        let stepColumns = ["x1", "x2", "target", "answer", "w1", "w2", "b"]
        return [overview, Table("\(gate.title): the circle, with the weights after each input", columns: stepColumns, rows: steps)]
    }

    private static func cells(_ w: Perceptron.Weights) -> [String] { [w.w1, w.w2, w.b].map { "\(Int($0))" } }

    /// The presentations that repeat forever; none where the gate was learned.
    private var circle: [Presentation] {
        guard case .cycles(let earlier) = outcome else { return [] }
        return Array(passes[earlier...].joined())
    }

    /// What became of it, and why it had to where no line exists.
    var conclusion: String {
        switch outcome {
        case .learned: "\(gate.title) is learned: pass \(passes.count - 1) has no wrong answer"
        case .cycles(let earlier):
            "\(gate.title) is not learned: the weights before pass \(passes.count) are those before pass \(earlier), and the rule knows "
                + "nothing but them, so it goes round in this circle forever" + reason
        case .undecided: "\(gate.title) is not learned after \(passes.count) passes" + reason
        }
    }

    private var reason: String {
        guard let (ones, zeros) = gate.crossing else { return "" }
        func f(_ x: [Float]) -> String { "f(\(Int(x[0])),\(Int(x[1])))" }
        let (left, right) = (ones.map(f).joined(separator: " + "), zeros.map(f).joined(separator: " + "))
        return ". No weights could: f(x) = w1 x1 + w2 x2 + b has \(left) = \(right) = w1 + w2 + 2b, "
            + "but the left sum would have to be at least 0 and the right sum below 0"
    }

    /// The unit's answer over the plane; where it goes round, the mean over the weights of the circle.
    var map: SVGHeatMap {
        let shown = circle.isEmpty ? weights.suffix(1) : circle.map(\.weights)[...]
        let places = (0...80).map { Float($0) / 40 - 0.5 }
        let rows = places.map { y in
            places.map { x in Double(shown.count { $0.potential(x, y) >= 0 }) / Double(shown.count) }
        }
        var map = SVGHeatMap(
            title: "A perceptron and \(gate.title)", xLabel: "x1", yLabel: "x2", xRange: -0.5...1.5, yRange: -0.5...1.5, rows: rows,
            valueLabel: "share of the weights that fire", valueRange: 0...1)
        map.marks = gate.marks
        return map
    }
}

extension Gate {
    /// The four inputs with their outputs, to be drawn on a map.
    var marks: [SVGHeatMap.Mark] {
        zip(Gate.inputs, outputs).map { .init(Double($0[0]), Double($0[1]), value: Double($1), label: $1 == 1 ? "1" : "0") }
    }
}
