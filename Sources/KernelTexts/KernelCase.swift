import OpenCLBackend
import Soma
import SomaBackend

/// An expression whose steps bring about some kernels.
struct KernelCase: Sendable {
    let name: String
    /// Shapes of the inputs, of float32.
    private let shapes: [Shape]
    /// Shapes of further inputs, of int32.
    private let indices: [Shape]
    private let results: @Sendable ([Tensor]) -> [Tensor]

    init(_ name: String, _ shapes: Shape..., indices: [Shape] = [], results: @escaping @Sendable ([Tensor]) -> [Tensor]) {
        (self.name, self.shapes, self.indices, self.results) = (name, shapes, indices, results)
    }

    /// The kernels of the expression's steps, each once: under the name of the case where there is one or it is named after its kernel,
    /// the others with their own after it.
    func programs(for gpu: AbsentGPU) throws -> [(name: String, program: KernelProgram)] {
        var seen = Set<KernelProgram>()
        let programs = try steps(gpu.capabilities).flatMap(gpu.programs).filter { seen.insert($0).inserted }
        if programs.count == 1 { return programs.map { (name, $0) } }
        var counts: [String: Int] = [:]
        return programs.map { program in
            let number = counts[program.entry, default: 0] + 1
            counts[program.entry] = number
            return (name + suffix(program.shortName) + (number == 1 ? "" : "-\(number)"), program)
        }
    }

    private func suffix(_ kernel: String) -> String {
        if name.hasPrefix(kernel) { return "" }
        let family = kernel.prefix { $0 != "-" } + "-"
        return "." + ((name + "-").hasPrefix(family) ? kernel.replacing(family, with: "", maxReplacements: 1) : kernel)
    }

    /// What a device is asked for when the expression is computed.
    private func steps(_ capabilities: Capabilities) throws -> [Step] {
        let backend = RecordingBackend(name: "recording \(name)", capabilities: capabilities)
        return try withDevice(Device(running: backend)) {
            // In memory before the expression is made: else they would be constants of its maps.
            let inputs = shapes.map { Tensor.zeros($0) } + indices.map { Tensor.zeros($0, dtype: .int32) }
            try realizeAll(inputs)
            backend.reset()
            try realizeAll(results(inputs))
            return backend.recorded.launches
        }
    }
}

extension KernelProgram {
    /// The kernel's name without what all begin with, spelled as names of cases are.
    var shortName: String { entry.replacing(/^soma_/, with: "").replacing("_", with: "-") }
}
