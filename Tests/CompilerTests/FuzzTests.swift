import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

/// Random graphs computed as one program and one operation at a time must agree.
@Suite struct FuzzTests {
    @Test(arguments: 0..<150) func fusedAgreesWithStepwise(seed: Int) throws {
        let limits = [Capabilities(), Capabilities(maximumOperands: 6, maximumInstructions: 12, maximumRowCount: 4)]
        let device = Device(running: InterpretingBackend(capabilities: limits[seed % 2]))
        let steps = GraphScript(seed: UInt64(seed))
        let fused = steps.build(on: device) { _ in }
        let stepwise = try steps.build(on: device) { try $0.realize() }
        try realizeAll(fused)
        for (a, b) in zip(fused, stepwise) {
            let (x, y): ([Float], [Float]) = (try a.scalars(), try b.scalars())
            #expect(x.count == y.count)
            for (p, q) in zip(x, y) where !(p.isNaN && q.isNaN) && p != q {
                #expect(p.isFinite && q.isFinite && Swift.abs(p - q) <= 1e-4 * (1 + Swift.abs(q)), "seed \(seed), shape \(a.shape)")
            }
        }
    }
}

/// A reproducible random program over a few small tensors.
struct GraphScript {
    let seed: UInt64

    func build(on device: Device, after each: (Tensor) throws -> Void) rethrows -> [Tensor] {
        var random = Philox(seed: seed)
        func pick(_ bound: Int) -> Int { random.integer(below: bound) }
        let shapes: [Shape] = [[6], [4, 6], [2, 2, 6], [4, 1], [1, 6], [6, 4], [2, 3, 4], [24], []]
        var pool: [Tensor] = shapes.map { shape in
            Tensor((0..<shape.count).map { _ in Float(pick(17) - 8) / 5 }, shape: shape, device: device)
        }
        for _ in 0..<(5 + pick(25)) {
            let x = pool[pick(pool.count)]
            let y = pool[pick(pool.count)]
            guard let result = combine(x, y, pick(16), pick) else { continue }
            try each(result)
            pool.append(result)
        }
        return Array(pool.dropFirst(shapes.count).suffix(1 + pick(4)))
    }

    private func combine(_ x: Tensor, _ y: Tensor, _ choice: Int, _ pick: (Int) -> Int) -> Tensor? {
        let compatible = Shape.broadcast(x.shape, y.shape).map { $0.count <= 400 } ?? false
        switch choice {
        case 0, 1: return compatible ? x + y : nil
        case 2: return compatible ? x * y : nil
        case 3: return compatible ? maximum(x, y) - x : nil
        case 4: return tanh(x)
        case 5: return x * 0.5 + 1
        case 6: return x.rank > 0 ? x.sum(alongAxes: pick(x.rank), keepingDims: pick(2) == 0) : nil
        case 7: return x.rank > 0 ? x.max(alongAxes: -1, keepingDims: true) - x : nil
        case 8: return x.rank > 0 ? x.softmax(alongAxis: pick(x.rank)) : nil
        case 9: return x.rank > 1 ? x.transposed(0, 1) : nil
        case 10: return x.count == 24 ? x.reshaped(to: [[4, 6], [24], [2, 3, 4], [3, 8]][pick(4)]) : nil
        case 11: return x.rank > 0 && x.shape[0] > 1 ? x[1...] : nil
        case 12: return x.rank > 0 && y.rank == x.rank && x.shape.dimensions.dropFirst() == y.shape.dimensions.dropFirst() && x.count + y.count < 200
            ? Tensor(concatenating: [x, y], alongAxis: 0) : nil
        case 13: return x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[0] ? tanh(matmul(x, y)) : nil
        case 14: return x.rank == 2 ? matmul(x, x.transposed()) * 0.1 : nil
        default: return x.rank > 0 ? x.flipped(alongAxes: pick(x.rank)) + x.mean() : nil
        }
    }
}
