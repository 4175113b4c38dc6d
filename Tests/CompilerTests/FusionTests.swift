import Glibc
import Soma
import SomaBackend
import SomaReference
import Testing

/// What the compiler makes of small graphs: how many launches, and the right numbers.
@Suite struct FusionTests {
    let backend = InterpretingBackend()
    let device: Device

    init() { device = Device(running: backend) }

    private func values(_ count: Int, from start: Float = -1, step: Float = 0.37) -> [Float] {
        (0..<count).map { (start + Float($0) * step).truncatingRemainder(dividingBy: 3) }
    }

    private func tensor(_ shape: Shape, from start: Float = -1) -> Tensor { Tensor(values(shape.count, from: start), shape: shape, device: device) }

    /// The names of the steps that computing `tensor` takes, and its elements.
    private func run(_ tensor: Tensor) throws -> ([String], [Float]) {
        backend.reset()
        let result: [Float] = try tensor.scalars()
        return (backend.launches.map(\.name), result)
    }

    private func expect(_ result: [Float], _ expected: [Float], tolerance: Float = 1e-5) {
        #expect(result.count == expected.count)
        for (a, b) in zip(result, expected) {
            #expect(a.isFinite && b.isFinite ? abs(a - b) <= tolerance * (1 + abs(b)) : a == b || a.isNaN && b.isNaN)
        }
    }

    @Test func chainIsOneMap() throws {
        let x = tensor([4, 5])
        let (steps, result) = try run(tanh(x * 2 + 1) * 0.5 + x)
        #expect(steps == ["map"])
        expect(result, values(20).map { Float(tanhf($0 * 2 + 1)) * 0.5 + $0 })
    }

    @Test func broadcastOfAVectorIsRead() throws {
        let (steps, result) = try run(tensor([3, 4]) + tensor([4], from: 2))
        #expect(steps == ["map"])
        let (a, b) = (values(12), values(4, from: 2))
        expect(result, (0..<12).map { a[$0] + b[$0 % 4] })
    }

    /// Each as zeros of the whole, the gradients of 32 slices would read and write 32 times its size.
    @Test func gradientsOfSlicesAreWrittenSideBySide() throws {
        let x = tensor([32, 6])
        let losses = (0..<32).map { (x[$0] * x[$0]).sum() * Float($0) }
        let loss = losses.reduce(Tensor(0, device: device), +)
        let (steps, result) = try run(gradient(of: loss, withRespectTo: x))
        let v = values(192)
        expect(result, (0..<192).map { 2 * v[$0] * Float($0 / 6) })
        let written = backend.launches.reduce(0) { sum, step in
            guard case .map(let nest) = step else { return .max }
            return sum + nest.outerCount
        }
        #expect(written < 4 * 192, "\(steps)")
    }

    /// However many steps there are, one is compiled.
    @Test(arguments: [2, 50]) func aScanIsCompiledOnce(_ count: Int) throws {
        let (x, w) = (tensor([count, 4, 3]), tensor([3, 3]))
        let prepared = backend.preparedCount
        let (steps, _) = try run(scan(over: [x], from: [Tensor.zeros([4, 3], device: device)]) { states, elements in
            let h = tanh(matmul(states[0], w) + elements[0])
            return ([h], [h])
        }.outputs[0])
        #expect(steps.count { $0 == "matmul" } == count && backend.preparedCount - prepared <= 3, "\(steps)")
    }

    @Test func softmaxIsOneRow() throws {
        let x = tensor([3, 7])
        let (steps, result) = try run(x.softmax(alongAxis: -1))
        #expect(steps == ["row"])
        let v = values(21)
        for r in 0..<3 {
            let e = v[r * 7..<r * 7 + 7].map { expf($0) }
            expect(Array(result[r * 7..<r * 7 + 7]), e.map { $0 / e.reduce(0, +) })
        }
    }

    @Test func standardisedRowsAreOneRow() throws {
        let x = tensor([5, 8])
        let centred = x - x.mean(alongAxes: -1, keepingDims: true)
        let (steps, result) = try run(centred * rsqrt(square(centred).mean(alongAxes: -1, keepingDims: true) + 1e-5))
        #expect(steps == ["row"])
        let v = Array(values(40)[8..<16])
        let mean = v.reduce(0, +) / 8
        let variance = v.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 8
        expect(Array(result[8..<16]), v.map { ($0 - mean) / (variance + 1e-5).squareRoot() }, tolerance: 1e-4)
    }

    @Test func matmulTakesBiasAndActivation() throws {
        let (a, b, c) = (tensor([3, 4]), tensor([4, 2], from: 0.5), tensor([2], from: 1))
        let (steps, result) = try run(maximum(matmul(a, b) + c, 0))
        #expect(steps == ["matmul"])
        let (x, y, z) = (values(12), values(8, from: 0.5), values(2, from: 1))
        var expected: [Float] = []
        for r in 0..<3 {
            for s in 0..<2 {
                var sum = z[s]
                for k in 0..<4 { sum += x[r * 4 + k] * y[k * 2 + s] }
                expected.append(Swift.max(sum, 0))
            }
        }
        expect(result, expected)
    }

    @Test func columnSumsTransposedAndMiddleAxes() throws {
        let x = tensor([2, 3, 4])
        let v = values(24)
        let (steps, middle) = try run((x * x).sum(alongAxes: 1))
        #expect(steps == ["reduce"])
        var sums = [Float](repeating: 0, count: 8)
        for (i, value) in v.enumerated() { sums[i / 12 * 4 + i % 4] += value * value }
        expect(middle, sums)
        let (_, permuted) = try run(x.permuted(axes: [2, 0, 1]) + 1)
        expect(permuted, (0..<24).map { i in v[((i / 3) % 2) * 12 + (i % 3) * 4 + i / 6] + 1 })
    }

    @Test func partsAreComputedInPlace() throws {
        let (a, b) = (tensor([6]), tensor([4], from: 1))
        let (steps, result) = try run(Tensor(concatenating: [a * 2, b + 1], alongAxis: 0))
        #expect(steps == ["map", "map"])
        expect(result, values(6).map { $0 * 2 } + values(4, from: 1).map { $0 + 1 })
    }

    @Test func aSliceStartIsNoPartOfTheStructure() throws {
        let x = tensor([10])
        _ = try run(x[2..<5] * 2)
        let prepared = backend.preparedCount
        let (_, result) = try run(x[4..<7] * 2)
        #expect(backend.preparedCount == prepared)
        expect(result, values(10)[4..<7].map { $0 * 2 })
    }
}
