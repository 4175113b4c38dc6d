import SomaBackend
import SomaGraph

/// A small step whose result is known: what a device that computes rightly makes of these numbers.
struct CheckCase: Sendable {
    let name: String
    let step: Step
    /// What the slots hold before.
    var memory: [CheckArray]
    var scalars: [UInt64] = []
    /// What slots hold afterwards.
    var expected: [Int: CheckArray]
    /// By how much a result may differ, relative to it, or where it is below 1 absolutely. 0 where sums are exact in any order.
    var tolerance = 0.0
}

/// Numbers of one dtype.
struct CheckArray: Sendable {
    let dtype: DType
    var values: [Double]

    init(_ values: [Double], _ dtype: DType = .float32) { (self.values, self.dtype) = (values, dtype) }

    /// Small halves without order, whose products add up exactly in any order.
    static func halves(_ count: Int, _ factor: Int) -> CheckArray { CheckArray((0..<count).map { Double(($0 * factor) % 11 - 5) / 2 }) }

    /// What no result is.
    static func blank(_ count: Int, _ dtype: DType = .float32) -> CheckArray { CheckArray([Double](repeating: 77, count: count), dtype) }

    var bytes: [UInt8] {
        values.flatMap { value in
            let bits = Scalar(value, dtype).bits
            return (0..<dtype.byteCount).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) }
        }
    }

    init(bytes: [UInt8], _ dtype: DType) {
        self.dtype = dtype
        values = stride(from: 0, to: bytes.count, by: dtype.byteCount).map { start in
            let bits = (0..<dtype.byteCount).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
            return Scalar(bits: bits, dtype: dtype).double
        }
    }

    /// The first element that is not as it should be, in words; `nil` where all are.
    func firstDifference(from expected: CheckArray, tolerance: Double) -> String? {
        for (place, (got, wanted)) in zip(values, expected.values).enumerated() {
            if !Self.agree(got, wanted, tolerance) { return "element \(place) is \(got) and not \(wanted)" }
        }
        return nil
    }

    /// Whether both are NaN, the same infinity, or numbers near each other: an infinity is as far from each number as the tolerance reaches.
    private static func agree(_ got: Double, _ wanted: Double, _ tolerance: Double) -> Bool {
        guard got.isFinite && wanted.isFinite else { return got == wanted || got.isNaN && wanted.isNaN }
        return abs(got - wanted) <= tolerance * max(1, abs(wanted))
    }
}

/// Why a case has not come out right.
struct CheckFault: Sendable, Equatable, CustomStringConvertible {
    enum Kind: Sendable {
        /// The kernels ran, and their numbers are not those that are wanted.
        case wrongNumbers
        /// Nothing was computed: the program does not build, the device does not take it, or there is no memory. Another process may fare better.
        case notRun
    }

    let kind: Kind
    let description: String

    init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}

extension CheckCase {
    /// Runs the step as a planner plans it.
    /// - Returns: the first wrong number, or why it did not run; `nil` where all is right.
    /// - Throws: `BackendError.deviceLost`.
    func fault(on backend: OpenCLBackend, _ planner: StepPlanner) throws -> CheckFault? {
        do {
            let prepared = try backend.prepare(step, planner)
            let slices = try memory.map { array in
                let bytes = array.bytes
                let slice = BufferSlice(try backend.allocate(byteCount: max(bytes.count, 4)))
                try bytes.withUnsafeBytes { try backend.upload($0, to: slice) }
                return slice
            }
            try backend.enqueue([prepared], Bindings(buffers: slices, scalars: scalars))
            for (slot, wanted) in expected.sorted(by: { $0.key < $1.key }) {
                var bytes = [UInt8](repeating: 0, count: wanted.values.count * wanted.dtype.byteCount)
                try bytes.withUnsafeMutableBytes { try backend.download(slices[slot], into: $0) }
                if let difference = CheckArray(bytes: bytes, wanted.dtype).firstDifference(from: wanted, tolerance: tolerance) {
                    return CheckFault(.wrongNumbers, difference)
                }
            }
            return nil
        } catch BackendError.buildFailed(_, let log) {
            return CheckFault(.notRun, "it does not build: \(log.split(whereSeparator: \.isNewline).first ?? "")")
        } catch BackendError.unsupported(let reason) {
            return CheckFault(.notRun, reason)
        } catch BackendError.outOfMemory {
            return CheckFault(.notRun, "there is no memory for it")
        }
    }

    /// An operand of float32 that lies contiguously in a slot.
    static func operand(_ slot: Int, _ extents: [Int], _ dtype: DType = .float32) -> Operand {
        Operand(slot: slot, dtype: dtype, access: Access(strides: Shape(extents).contiguousStrides))
    }
}
