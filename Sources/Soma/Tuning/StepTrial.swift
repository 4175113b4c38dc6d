import SomaBackend
import SomaGraph

/// A step with memory of its own, computed and timed in one way after another.
package final class StepTrial {
    private let task: TuningTask
    private let backend: any TunableBackend
    private let memory: StepMemory
    private let bindings: Bindings
    private var prepared: [String: PreparedStep] = [:]
    private var reference: [Int: [UInt8]]?

    /// - Throws: `BackendError.outOfMemory`; `SomaError` where the device leaves no choice.
    package init(_ task: TuningTask, on device: Device) throws {
        (self.task, backend, memory) = (task, try device.requireTunable(), StepMemory(task.step))
        bindings = try memory.bindings(on: backend)
    }

    /// Computes the step as chosen, and compares with what the choice that ships gives, which is compared with another device's result first.
    /// - Returns: what differs; `nil` where the result is right.
    /// - Throws: `BackendError` where the choice cannot be used.
    package func firstDifference(by choice: String, from other: Device) throws -> String? {
        if reference == nil {
            let shipped = try results(by: task.candidates[0])
            let wanted = try results(on: other)
            if let difference = memory.firstDifference(shipped, wanted, terms: task.step.termCount) { return "not as on \(other): \(difference)" }
            reference = shipped
        }
        guard choice != task.candidates[0], let reference else { return nil }
        return memory.firstDifference(try results(by: choice), reference, terms: task.step.termCount)
    }

    private func results(by choice: String) throws -> [Int: [UInt8]] {
        try memory.fill(bindings, on: backend)
        try backend.enqueue([try step(by: choice)], bindings)
        return try memory.results(bindings, on: backend)
    }

    private func step(by choice: String) throws -> PreparedStep {
        if let step = prepared[choice] { return step }
        let step = try backend.prepare(task.step, by: choice)
        prepared[choice] = step
        return step
    }

    private func results(on other: Device) throws -> [Int: [UInt8]] {
        let backend = other.executor.backend
        var counts = [Int](repeating: 1, count: memory.places.count)
        let first = counts.count
        let steps = backend.capabilities.images == .channelsLast ? task.step.withChannelsLast(&counts) : [task.step]
        var bindings = try memory.bindings(on: backend)
        bindings.buffers += try counts[first...].map { BufferSlice(try backend.allocate(byteCount: max(1, $0) * 4)) }
        try memory.fill(bindings, on: backend)
        try backend.enqueue(try steps.map { try backend.prepare($0) }, bindings)
        return try memory.results(bindings, on: backend)
    }

    /// Seconds that the step takes: the mean of so many runs in a row that a clock can tell.
    /// - Throws: `BackendError`.
    package func seconds(by choice: String, runs: Int) throws -> Double {
        let step = try step(by: choice)
        let start = ContinuousClock.now
        for _ in 0..<runs { try backend.enqueue([step], bindings) }
        try backend.synchronize()
        return (ContinuousClock.now - start) / .seconds(1) / Double(runs)
    }

    /// Brings the memory back to what it was: a step that changes a state in place wears it out.
    package func refill() throws { try memory.fill(bindings, on: backend) }
}
