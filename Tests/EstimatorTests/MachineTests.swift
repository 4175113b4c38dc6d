import Soma
import Testing

@testable import SomaEstimators

/// Support vector machines against scikit-learn's, both solved to a tolerance of 1e-7 or what single precision allows.
@Suite(.serialized) struct MachineTests {
    private let rows = TestData.pixels.firstRows(700)
    private let digits = Array(TestData.digits.prefix(700))
    private let probe = TestData.pixels.selecting(Array(1700..<1730))

    private func check(_ name: String, _ machine: SupportVectorClassifier, tolerance: Double) throws {
        let answers = Answers.part("machines", name)
        let model = try machine.fit(rows, digits)
        #expect(difference(try model.decisions(for: probe).values, answers.doubles("decisions"), tolerance) == nil, "\(name)")
        #expect(try model.predictions(for: probe) == answers.integers("classes"), "\(name)")
        #expect(abs(model.supportVectorCount - Int(answers.part("vectors").double ?? 0)) <= 3, "\(name)")
        #expect(try reread(model) == model)
    }

    @Test func decisionsAreThoseOfScikitLearn() throws {
        try check("radial", SupportVectorClassifier(tolerance: 1e-5), tolerance: 1e-3)
        try check(
            "polynomial", SupportVectorClassifier(kernel: .polynomial(degree: 2, gamma: .value(0.01), constant: 1), tolerance: 1e-4), tolerance: 2e-3)
        try check("linear", SupportVectorClassifier(kernel: .linear, c: 0.01, tolerance: 1e-4), tolerance: 2e-3)
    }

    @Test func twoClassesAndNumbersAreThoseOfScikitLearn() throws {
        let pair = TestData.digits.indices.filter { TestData.digits[$0] < 2 }
        let machine = SupportVectorClassifier(kernel: .radial(gamma: .value(0.002)), tolerance: 1e-5)
        let weights = Array(TestData.weights.prefix(pair.count))
        let model = try machine.fit(TestData.pixels.selecting(pair), pair.map { TestData.digits[$0] }, weights: weights)
        let answers = Answers.part("machines")
        #expect(difference(try model.decisions(for: TestData.pixels.firstRows(40)).values, answers.doubles("binary"), 1e-3) == nil)
        let measures = TestData.penguins.measures
        let scaled = Matrix((0..<measures.rows).map { row in zip(measures[row], [10, 10, 100] as [Double]).map { Float(Double($0) / $1) } })
        let mass = try SupportVectorRegressor(kernel: .radial(gamma: .value(0.5)), c: 300, epsilon: 50, tolerance: 1e-2).fit(scaled, TestData.masses)
        let ninth = scaled.selecting(Array(stride(from: 0, to: scaled.rows, by: 9)))
        #expect(difference(try mass.predictions(for: ninth), answers.doubles("mass"), 1e-3) == nil)
        #expect(try reread(mass) == mass)
    }

    /// Rows of kernels that are computed when they are asked for give what all at once give.
    @Test func aSmallCacheChangesNothingButTheTime() throws {
        var machine = SupportVectorClassifier(tolerance: 1e-5)
        let whole = try machine.fit(rows.firstRows(300), Array(digits.prefix(300)))
        machine.cacheBytes = 4000
        let small = try machine.fit(rows.firstRows(300), Array(digits.prefix(300)))
        #expect(difference(try small.decisions(for: probe).values, try whole.decisions(for: probe).values.map(Double.init), 1e-3) == nil)
        #expect(try isSameOnThreads { try machine.fit(rows.firstRows(200), Array(digits.prefix(200))) })
        machine.cacheBytes = 200 << 20
        #expect(try isSameOnThreads { try machine.fit(rows.firstRows(200), Array(digits.prefix(200))) })
    }

    /// The bits of a row's answer do not depend on the rows that are asked with it, alone, in pairs, or in blocks that end with a single row.
    @Test func anAnswerIsTheSameAloneAndAmongOthers() throws {
        let pair = digits.indices.filter { digits[$0] < 2 }
        let several = try SupportVectorClassifier().fit(rows, digits)
        let two = try SupportVectorClassifier().fit(rows.selecting(pair), pair.map { digits[$0] })
        let linear = try SupportVectorClassifier(kernel: .linear, c: 0.01).fit(rows.firstRows(200), Array(digits.prefix(200)))
        let number = try SupportVectorRegressor().fit(rows.firstRows(300), digits.prefix(300).map { Float($0) })
        // More support vectors than one block of the products' depth has.
        let wide = try SupportVectorRegressor(epsilon: 0.001).fit(TestData.pixels.firstRows(1300), TestData.digits.prefix(1300).map { Float($0) })
        #expect(wide.supportVectorCount > 1024)
        for machine in [several.machine, two.machine, linear.machine, number.machine, wide.machine] {
            let all = try machine.sums(for: probe)
            for size in [1, 2, 7, 29] {
                let parts = try stride(from: 0, to: probe.rows, by: size).map { start in
                    try machine.sums(for: probe.selecting(Array(start..<min(start + size, probe.rows)))).values
                }
                #expect(parts.flatMap { $0 } == all.values, "\(machine.vectors.rows) vectors, \(size) rows at a time")
            }
            // Blocks of two rows, the last of which has one row left.
            let own = KernelRows(centred: machine.vectors, machine.kernel, centre: machine.centre), odd = probe.firstRows(29)
            let blocks = try own.sums(
                for: KernelRows(odd, machine.kernel, centre: machine.centre), coefficients: machine.coefficients, outputs: machine.offsets.count,
                blockBytes: 1)
            #expect(try blocks == own.sums(
                for: KernelRows(odd, machine.kernel, centre: machine.centre), coefficients: machine.coefficients, outputs: machine.offsets.count))
        }
    }

    @Test func probabilitiesAreCalibratedAndSumToOne() throws {
        let model = try SupportVectorClassifier(fitsProbabilities: true).fit(rows, digits)
        let test = TestData.pixels.selecting(Array(700..<1100))
        let probabilities = try model.probabilities(for: test)
        var logarithms = 0.0
        for row in 0..<test.rows {
            #expect(abs(probabilities[row].reduce(0, +) - 1) < 1e-5)
            logarithms -= logarithmOf(Double(probabilities[row, TestData.digits[700 + row]]))
        }
        // Chance gives 2.3; scikit-learn's probabilities about 0.2.
        #expect(logarithms / Double(test.rows) < 0.3)
        #expect(try reread(model) == model)
    }

    /// Between sums and an offset that single precision holds apart from one another only as a difference: 2²⁴ − (2²⁴ + 1). Models of earlier versions
    /// have offsets in single precision.
    @Test func offsetsKeepTheirDigits() throws {
        var arrays = try SupportVectorRegressor(kernel: .linear).fit(Matrix([[0], [1], [4]]), [0, 1, 9]).namedArrays
        arrays["vectors"] = NamedArray(shape: [1, 1], [1] as [Float])
        arrays["coefficients"] = NamedArray(shape: [1, 1], [1] as [Float])
        arrays["offsets"] = NamedArray([16_777_217] as [Double])
        let model = try SupportVectorRegressorModel(namedArrays: arrays)
        #expect(try model.predictions(for: Matrix([[16_777_216], [16_777_218]])) == [-1, 1])
        #expect(try reread(model) == model)
        arrays["offsets"] = NamedArray([0.5] as [Float])
        #expect(try SupportVectorRegressorModel(namedArrays: arrays).predictions(for: Matrix([[2]])) == [1.5])
    }

    /// A machine that moved no pair has no vectors, and decides by its offset alone.
    @Test func noIterationsLeaveNoVectors() throws {
        let model = try SupportVectorClassifier(maxIterations: 0, fitsProbabilities: true).fit(rows.firstRows(50), Array(digits.prefix(50)))
        #expect(model.supportVectorCount == 0)
        #expect(try reread(model).probabilities(for: probe).values.allSatisfy { (0...1).contains($0) })
        #expect(try model.decisions(for: Matrix(rows: 0, columns: 64, values: [])).rows == 0)
    }

    /// Three classes of certain pairs: the one that wins both has nearly all.
    @Test func pairsAreCoupled() {
        let p = PairwiseCoupling.probabilities([0.9, 0.8, 0.5], classCount: 3)
        #expect(abs(p.reduce(0, +) - 1) < 1e-9 && p[0] > 0.7 && p[1] < p[2])
        #expect(PairwiseCoupling.probabilities([0.25], classCount: 2) == [0.25, 0.75])
    }
}
