import CEstimators
import Glibc
import Soma
import SomaGraph

/// A product of two rows as if in a space of more dimensions.
public enum VectorKernel: Hashable, Sendable {
    /// x·y
    case linear
    /// (γ x·y + constant)^degree
    case polynomial(degree: Int = 3, gamma: Gamma = .scale, constant: Float = 0)
    /// exp(-γ ‖x - y‖²)
    case radial(gamma: Gamma = .scale)

    /// γ.
    public enum Gamma: Hashable, Sendable {
        /// 1 / (columns · variance of all numbers), or 1 where these do not vary (`scale`).
        case scale
        /// 1 / columns (`auto`).
        case columns
        /// This number.
        case value(Float)

        func value(for rows: Matrix) -> Float {
            switch self {
            case .value(let gamma): return gamma
            case .columns: return 1 / Float(rows.columns)
            case .scale:
                let (means, variances) = rows.statistics()
                let mean = means.reduce(0, +) / Double(rows.columns)
                let variance = zip(means, variances).reduce(0) { $0 + ($1.0 - mean) * ($1.0 - mean) + $1.1 } / Double(rows.columns)
                return variance > 0 ? Float(1 / (Double(rows.columns) * variance)) : 1
            }
        }
    }

    func resolved(for rows: Matrix) -> soma_kernel {
        switch self {
        case .linear: return soma_kernel(kind: SOMA_KERNEL_LINEAR, gamma: 1, constant: 0, degree: 1)
        case .polynomial(let degree, let gamma, let constant):
            guard 1...64 ~= degree else { programError("VectorKernel", "a degree of \(degree)") }
            return soma_kernel(kind: SOMA_KERNEL_POLYNOMIAL, gamma: gamma.value(for: rows), constant: constant, degree: Int32(degree))
        case .radial(let gamma): return soma_kernel(kind: SOMA_KERNEL_RBF, gamma: gamma.value(for: rows), constant: 0, degree: 1)
        }
    }
}

/// Rows that a kernel is taken with. For the radial kernel they are centred, so that squared distances keep their digits.
struct KernelRows {
    let kernel: soma_kernel
    /// What is subtracted from each column.
    let centre: [Float]
    let rows: Matrix
    let norms: [Float]

    /// Rows as they are given; `centre` is their mean where there is none yet.
    init(_ rows: Matrix, _ kernel: soma_kernel, centre: [Float]? = nil) {
        guard kernel.kind == SOMA_KERNEL_RBF else { self.init(centred: rows, kernel, centre: []); return }
        let centre = centre ?? rows.statistics().means.map { Float($0) }
        self.init(centred: Self.centred(rows, centre), kernel, centre: centre)
    }

    /// Rows of which the centre has been subtracted.
    init(centred rows: Matrix, _ kernel: soma_kernel, centre: [Float]) {
        var norms = [Float](repeating: 0, count: rows.rows)
        if kernel.kind == SOMA_KERNEL_RBF { soma_squared_norms(rows.values, rows.rows, rows.columns, &norms) }
        (self.kernel, self.centre, self.rows, self.norms) = (kernel, centre, rows, norms)
    }

    /// Refuses rows whose kernels single precision may not hold.
    func checkRange() throws {
        var lengths = norms
        if kernel.kind != SOMA_KERNEL_RBF { soma_squared_norms(rows.values, rows.rows, rows.columns, &lengths) }
        let longest = Double(lengths.max() ?? 0)
        // |x·y| is at most the product of the lengths.
        let base = kernel.kind == SOMA_KERNEL_POLYNOMIAL ? abs(Double(kernel.gamma)) * longest + abs(Double(kernel.constant)) : longest
        guard pow(base, Double(kernel.degree)) < 1e37 else {
            throw SomaError("kernels of these rows are beyond what single precision holds", hint: "scale the columns, or take a lower degree")
        }
    }

    private static func centred(_ rows: Matrix, _ centre: [Float]) -> Matrix {
        let values = [Float](unsafeUninitializedCapacity: rows.values.count) { buffer, count in
            rows.values.withUnsafeBufferPointer { values in
                soma_subtract_row(values.baseAddress, centre, rows.rows, rows.columns, buffer.baseAddress)
            }
            count = rows.values.count
        }
        return Matrix(rows: rows.rows, columns: rows.columns, values: values)
    }

    /// [rows, outputs]: Σ over the rows of `self` of kernel times `coefficients`, [own rows, outputs]; by blocks of bounded memory. The sums of a row
    /// are the same bits whatever other rows are asked at once.
    func sums(for others: KernelRows, coefficients: [Float], outputs: Int, blockBytes: Int = 64 << 20) throws -> [Float] {
        if others.rows.rows == 1 {
            // Two rows at least are summed in the same order.
            let twice = KernelRows(centred: others.rows.selecting([0, 0]), kernel, centre: others.centre)
            return Array(try sums(for: twice, coefficients: coefficients, outputs: outputs, blockBytes: blockBytes).prefix(outputs))
        }
        var result = [Float](repeating: 0, count: others.rows.rows * outputs)
        guard rows.rows > 0, others.rows.rows > 0 else { return result }
        let succeeded = soma_kernel_sums(
            [kernel], others.rows.values, others.norms, others.rows.rows, rows.values, norms, rows.rows, rows.columns, coefficients, outputs,
            blockBytes, &result)
        guard succeeded else { throw FitChecks.noMemory("for kernels of \(rows.rows) rows") }
        return result
    }
}
