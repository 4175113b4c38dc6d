import Foundation
import Soma
import SomaBackend
import SomaReference
import Testing

@Suite struct StateTests {
    let backend = InterpretingBackend()
    let device: Device

    init() { device = Device(running: backend) }

    @Test func anUpdateOverwritesWhatNobodyHolds() throws {
        let state = State(Tensor([1, 2, 3] as [Float], device: device))
        func step() throws {
            state.assign(state.tensor * 2)
            try device.update()
        }
        try step()
        let allocations = backend.allocationCount
        try step()
        #expect(backend.allocationCount == allocations)
        #expect(try state.tensor.scalars() == [4, 8, 12] as [Float])
    }

    @Test func aHeldVersionIsKept() throws {
        let state = State(Tensor([1, 2] as [Float], device: device))
        state.assign(state.tensor + 1)
        try device.update()
        let held = state.tensor
        state.assign(state.tensor * 10)
        try device.update()
        #expect(try held.scalars() == [2, 3] as [Float])
        #expect(try state.tensor.scalars() == [20, 30] as [Float])
    }

    /// What a thread's update computes must not depend on what others have assigned, or the same seed would not give the same bits.
    @Test func threadsUpdateTheirOwn() throws {
        let state = State(Tensor([1, 2] as [Float], device: device))
        try device.update()
        state.assign(state.tensor * 3)
        let prepared = backend.preparedCount
        let other = Thread { [device] in try? device.update() }
        other.start()
        while !other.isFinished { usleep(1000) }
        #expect(backend.preparedCount == prepared)
        try device.update()
        #expect(backend.preparedCount > prepared)
        #expect(try state.tensor.scalars() == [3, 6] as [Float])
    }

    @Test func aReplayReadsAndWritesStates() throws {
        let state = State(Tensor([0, 0] as [Float], device: device))
        let calls = Counter()
        let step = compiled { [device] (x: Tensor) in
            calls.increase()
            state.assign(state.tensor + x)
            try device.update()
            return state.tensor.sum()
        }
        #expect(try step(Tensor([1, 2] as [Float], device: device)).item() == 3)
        let prepared = backend.preparedCount
        #expect(try step(Tensor([10, 20] as [Float], device: device)).item() == 33)
        #expect(try step(Tensor([1, 1] as [Float], device: device)).item() == 35)
        #expect(calls.value == 1)
        #expect(backend.preparedCount == prepared)
        #expect(try state.tensor.scalars() == [12, 23] as [Float])
    }

    @Test func hostScalarsAreAskedAtEachReplay() throws {
        let rate = Counter()
        let step = compiled { [device] (x: Tensor) in
            x * hostScalar(.float32, on: device) {
                rate.increase()
                return Double(rate.value)
            }
        }
        let x = Tensor([2] as [Float], device: device)
        #expect(try step(x).item() == 2)
        #expect(try step(x).item() == 4)
        #expect(try step(x).item() == 6)
    }

    @Test func anUpdateWithoutMemoryLeavesTheStates() throws {
        let state = State(Tensor([1, 2, 3] as [Float], device: device))
        state.assign(state.tensor + 1)
        try device.update()
        let held = state.tensor
        backend.memoryIsFull = true
        state.assign(state.tensor * 2)
        #expect(throws: BackendError.outOfMemory(requested: 12, available: 0, device: "interpreter")) { try device.update() }
        backend.memoryIsFull = false
        #expect(try state.tensor.scalars() == [2, 3, 4] as [Float])
        state.assign(state.tensor * 3)
        try device.update()
        #expect(try state.tensor.scalars() == [6, 9, 12] as [Float])
        #expect(try held.scalars() == [2, 3, 4] as [Float])
    }

    @Test func aReplayWithoutMemoryLeavesTheStates() throws {
        let state = State(Tensor([1, 2] as [Float], device: device))
        let step = compiled { [device] (x: Tensor) in
            state.assign(state.tensor + x)
            try device.update()
            return state.tensor.sum()
        }
        let one = Tensor([1, 1] as [Float], device: device)
        #expect(try step(one).item() == 5)
        backend.memoryIsFull = true
        #expect(throws: BackendError.self) { try step(one) }
        backend.memoryIsFull = false
        #expect(try step(one).item() == 7)
    }

    @Test func gradientsAfterReadingAreWhole() throws {
        let parameter = Parameter(Tensor([1, 2] as [Float], device: device))
        let loss = (parameter.tensor * parameter.tensor).sum()
        #expect(try loss.item() == 5)
        #expect(try gradient(of: loss, withRespectTo: parameter.tensor).scalars() == [2, 4] as [Float])
    }

    @Test func aLongSumNeitherOverflowsNorGrows() throws {
        var total = Tensor(0, device: device)
        let one = Tensor([1] as [Float], shape: [], device: device)
        for _ in 0..<300_000 { total = total + one }
        #expect(try total.item() == 300_000)
    }
}

final class Counter: @unchecked Sendable {
    private(set) var value = 0
    func increase() { value += 1 }
}
