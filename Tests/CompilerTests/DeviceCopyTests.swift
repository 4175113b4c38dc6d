import Soma
import SomaReference
import Testing

/// Tensors that go from one device to another.
@Suite struct DeviceCopyTests {
    let (a, b): (Device, Device)
    let backends = (a: InterpretingBackend(), b: InterpretingBackend())

    init() { (a, b) = (Device(running: backends.a), Device(running: backends.b)) }

    @Test func theNumbersArriveOnce() throws {
        let x = Tensor([1, 2, 3] as [Float], device: a)
        let copy = (x * 2).to(b)
        #expect(copy.device == b && copy.shape == [3] && copy.dtype == .float32)
        #expect(backends.a.launches.count == 0, "nothing is computed before it is needed")
        #expect(try (copy + Tensor([1] as [Float], device: b)).scalars() == [3, 5, 7] as [Float])
        let launches = backends.a.launches.count
        #expect(try copy.scalars() == [2, 4, 6] as [Float])
        #expect(try (copy * copy).scalars() == [4, 16, 36] as [Float])
        #expect(backends.a.launches.count == launches)
    }

    @Test func theSameDeviceCopiesNothing() throws {
        let x = Tensor([1] as [Float], device: a)
        #expect(try x.to(a).scalars() == [1] as [Float])
        #expect(try Tensor([] as [Float], shape: [0, 2], device: a).to(b).scalars() == [] as [Float])
    }

    /// Each turn of one device waits for the other's: a lock held too long would not come back.
    @Test(.timeLimit(.minutes(15))) func thereAndBackAgain() throws {
        var x = Tensor([1, 2] as [Float], device: a)
        for _ in 0..<20 { x = ((x + 1).to(b) * 2).to(a) - 1 }
        let (last, expected) = (Float(1 << 20), try x.scalars(as: Float.self))
        #expect(expected == [last * 2 - 1, last * 3 - 1])
    }

    @Test(.timeLimit(.minutes(15))) func threadsThatCrossDoNotWaitForEachOther() async throws {
        let shared = (Tensor([3] as [Float], device: a) + 0, Tensor([4] as [Float], device: b) + 0)
        try await withThrowingTaskGroup(of: Float.self) { group in
            for number in 0..<40 {
                group.addTask { [a, b] in
                    let there = shared.0.to(b) + shared.1, back = shared.1.to(a) + shared.0
                    let sum = number % 2 == 0 ? there.to(a) + back : there + back.to(b)
                    return try sum.scalars(as: Float.self)[0]
                }
            }
            for try await sum in group { #expect(sum == 14) }
        }
    }

    @Test func gradientsComeBack() throws {
        let parameter = Parameter(Tensor([1, 2] as [Float], device: a))
        let weight = Tensor([10, 20] as [Float], device: b)
        let loss = (square(parameter.tensor).to(b) * weight).sum()
        #expect(loss.device == b)
        #expect(try loss.item() == 90, "read before: the graph behind a parameter stays")
        let slope = gradient(of: loss, withRespectTo: parameter.tensor)
        #expect(slope.device == a)
        #expect(try slope.scalars() == [20, 80] as [Float])
        let plain = Tensor([3] as [Float], device: a)
        let cube = (plain.to(b) * plain.to(b)).to(a) * plain
        #expect(try gradient(of: gradient(of: cube.sum(), withRespectTo: plain).sum(), withRespectTo: plain).scalars() == [18] as [Float])
    }

    @Test func statesAndCapturedStepsTakeCopies() throws {
        let source = Tensor([1, 2] as [Float], device: a) + 1
        let state = State(source.to(b))
        state.assign(state.tensor + source.to(b))
        try b.update()
        #expect(try state.tensor.scalars() == [4, 6] as [Float])
        let constant = source.to(b)
        let step = compiled { (x: Tensor) in x * constant + state.tensor }
        for _ in 0..<2 { #expect(try step((source * 2).to(b)).scalars() == [12, 24] as [Float]) }
    }

    @Test func aCopyThatFailsCanBeTriedAgain() throws {
        let source = Tensor([1, 2] as [Float], device: a)
        let state = State(Tensor([0, 0] as [Float], device: b))
        try b.update([state.tensor])
        state.assign(state.tensor + source.to(b))
        backends.b.memoryIsFull = true
        #expect(throws: (any Error).self) { try b.update() }
        backends.b.memoryIsFull = false
        #expect(try state.tensor.scalars() == [0, 0] as [Float])
        let copy = source.to(b)
        backends.a.memoryIsFull = true
        #expect(throws: (any Error).self) { try copy.scalars(as: Float.self) }
        backends.a.memoryIsFull = false
        #expect(try copy.scalars() == [1, 2] as [Float])
    }

    @Test func aCapturedStepRefusesToCopy() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let (a, b) = (Device(running: InterpretingBackend()), Device(running: InterpretingBackend()))
            _ = try compiled { (x: Tensor) in x.to(b) }(Tensor([1] as [Float], device: a))
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(text.contains("to: a captured step runs on one device"))
    }
}
