import CEstimators
import Soma
import SomaGraph

/// Sums of kernels with support vectors: Σᵢ coefficientᵢₖ · k(vectorᵢ, x) - offsetₖ for each output k.
struct VectorMachine: Hashable, Sendable {
    let kind: Int32
    let gamma, constant: Float
    let degree: Int32
    /// [vectors, columns], less the centre.
    let vectors: Matrix
    /// What the radial kernel subtracts from each column beforehand.
    let centre: [Float]
    /// [vectors, outputs]
    let coefficients: [Float]
    let offsets: [Double]

    /// - Parameter coefficients: of each row that has any, by its index.
    init(_ rows: KernelRows, _ coefficients: [Int32: [(pair: Int, value: Double)]], offsets: [Double]) {
        (kind, gamma, constant, degree) = (Int32(rows.kernel.kind.rawValue), rows.kernel.gamma, rows.kernel.constant, rows.kernel.degree)
        let support = coefficients.keys.sorted()
        vectors = rows.rows.selecting(support.map { Int($0) })
        centre = rows.centre
        var dense = [Float](repeating: 0, count: support.count * offsets.count)
        for (place, row) in support.enumerated() {
            for (output, value) in coefficients[row] ?? [] { dense[place * offsets.count + output] = Float(value) }
        }
        (self.coefficients, self.offsets) = (dense, offsets)
    }

    var kernel: soma_kernel { soma_kernel(kind: soma_kernel_kind(UInt32(kind)), gamma: gamma, constant: constant, degree: degree) }

    /// [rows, outputs]
    func sums(for rows: Matrix) throws -> Matrix {
        try FitChecks.prediction(rows, columns: vectors.columns)
        let own = KernelRows(centred: vectors, kernel, centre: centre)
        var sums = try own.sums(for: KernelRows(rows, kernel, centre: centre), coefficients: coefficients, outputs: offsets.count)
        for index in sums.indices { sums[index] = Float(Double(sums[index]) - offsets[index % offsets.count]) }
        return Matrix(rows: rows.rows, columns: offsets.count, values: sums)
    }

    var namedArrays: [String: NamedArray] {
        [
            "kernel": NamedArray([kind]), "gamma": NamedArray([gamma]), "constant": NamedArray([constant]), "degree": NamedArray([degree]),
            "vectors": NamedArray(shape: [vectors.rows, vectors.columns], vectors.values), "centre": NamedArray(centre),
            "coefficients": NamedArray(shape: [vectors.rows, offsets.count], coefficients), "offsets": NamedArray(offsets),
        ]
    }

    init(_ reader: NamedArrayReader) throws {
        kind = Int32(try reader.integer("kernel", in: 0...2))
        (gamma, constant) = (try reader.floats("gamma", shape: [1])[0], try reader.floats("constant", shape: [1])[0])
        degree = Int32(try reader.integer("degree", in: 1...64))
        let (values, shape) = try reader.floats("vectors", axes: 2)
        guard shape[1] > 0, shape[0] <= Int(Int32.max) else { throw reader.refusal("its vectors have the shape \(shape)") }
        vectors = Matrix(rows: shape[0], columns: shape[1], values: values)
        centre = try reader.floats("centre", shape: [kind == Int32(SOMA_KERNEL_RBF.rawValue) ? shape[1] : 0])
        offsets = try reader.doubles("offsets").values
        coefficients = try reader.floats("coefficients", shape: [shape[0], offsets.count])
        guard !offsets.isEmpty else { throw reader.refusal("it has no offsets") }
    }
}
