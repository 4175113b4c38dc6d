import SomaBackend
import SomaGraph

/// One kernel launch: text, what the kernel is given, geometry. A value; nothing of it knows a device's handles.
struct LaunchPlan: Hashable {
    /// The name of the kernel in its source.
    var entry: String
    var source: String
    var options = ""
    var arguments: [KernelArgument]
    /// Work-items in each of up to three dimensions.
    var global: [Int]
    /// Work-items of a work-group, which divide the global ones; `nil` leaves them to the device.
    var local: [Int]?
    /// Bytes of the device's scratch memory that the launch touches.
    var workspaceBytes = 0
    /// What it moves and computes itself, where its step takes several launches; `nil` for the one that does the step's work.
    var work: Work?

    /// Work-items of a work-group, where they are not left to the device.
    var groupSize: Int { local?.reduce(1, *) ?? 1 }
}

/// Turns steps into launches.
struct StepPlanner {
    /// Which steps it takes.
    static let capabilities = Capabilities(images: .channelsFirst, attentionWidth: 128)

    private(set) var traits: DeviceTraits
    /// Choices that this device was measured with, and those that serve for all other steps.
    var tuning: Tuning
    private(set) var shipped: ShippedTiles
    /// Those for the products that convolutions are.
    var convolutionTiles: ShippedTiles
    private(set) var reductions: ShippedReductions
    private(set) var maps: ShippedMaps
    /// Whether convolutions that can take Winograd's algorithm do; `nil` where that is expected to pay.
    var usesWinograd: Bool?
    /// Bytes of scratch memory that it should not pass; images beyond that are taken in parts.
    var winogradBytes = 128 << 20
    /// By which kernels families are computed, where not by their own.
    var ways: [KernelFamily: KernelWay] = [:]
    /// Families whose steps go to more general kernels.
    var generalised: Set<KernelFamily> = []
    /// Whether four neighbours may be accessed at once; not where a binding turns out to be misaligned.
    var allowsVectors = true

    /// Whether compiled programs are kept on disk; not those that only a check runs.
    var keepsPrograms = true

    init(traits: DeviceTraits, tuning: Tuning = Tuning()) {
        (self.traits, self.tuning, shipped) = (traits, tuning, .forDevice(traits))
        convolutionTiles = .forDevice(traits, in: ShippedTiles.convolutions)
        (reductions, maps) = (ShippedReductions.table.row(for: traits), ShippedMaps.table.row(for: traits))
    }

    /// The planner of a device that runs smaller work-groups or has less local memory; `nil` where that is no change.
    func narrowed(to limits: KernelLimits) -> StepPlanner? {
        guard limits.groupSize > 0 else { return nil }
        var result = self
        result.traits.maximumWorkGroupSize = min(limits.groupSize, traits.maximumWorkGroupSize)
        if !limits.hasLocalMemory { result.traits.localMemoryBytes /= 2 }
        guard result.traits != traits else { return nil }
        if !traits.isCPU && !result.traits.fitKernelsForGPUs { result.use(.cpu) }
        return result
    }

    mutating func use(_ kernels: KernelKind) {
        traits.isCPU = kernels == .cpu
        (shipped, convolutionTiles) = (.forDevice(traits), .forDevice(traits, in: ShippedTiles.convolutions))
        (reductions, maps) = (ShippedReductions.table.row(for: traits), ShippedMaps.table.row(for: traits))
    }

    /// Work-items of a work-group where a kernel does not ask for its own.
    var groupSize: Int { min(256, traits.maximumWorkGroupSize) }

    func launches(_ step: Step) throws -> [LaunchPlan] {
        guard let family = family(of: step), let way = ways[family], way != .own, var other = taking(way, for: family) else { return try ownLaunches(step) }
        other.ways[family] = nil
        // What was found of the device's own kernels says nothing of the other kind.
        if way == .other { other.ways = [:] }
        return try other.launches(step)
    }

    private func ownLaunches(_ step: Step) throws -> [LaunchPlan] {
        switch step {
        case .map(let nest): [map(nest)]
        case .reduce(let nest), .row(let nest): reduce(nest)
        case .matmul(let step): matmul(step)
        case .convolution(let step): try convolution(step)
        case .pooling(let step): [try pooling(step)]
        case .gather(let step): [gather(step)]
        case .scatterAdd(let step): try scatterAdd(step)
        case .blockCopy(let step): [blockCopy(step)]
        case .attention(let step): try attention(step)
        case .recurrence: throw BackendError.unsupported("a recurrence has no kernel here")
        case .scan: programError("OpenCL", "a scan is run step by step")
        case .custom(let step): [try custom(step)]
        }
    }

    /// One dimension of work-groups with at least `items` work-items.
    func line(of items: Int) -> (global: [Int], local: [Int]) {
        // On a CPU a group is a loop; a short one leaves work for every core.
        let size = traits.isCPU ? min(64, groupSize) : groupSize
        return ([ceilDivide(items, size) * size], [size])
    }

    /// A whole program: what it says about the device, the files it builds on, its own lines.
    func source(isWide: Bool, uses files: [String] = ["activations"], definitions: [(String, String)] = [], _ lines: [String]) -> String {
        let settings = [
            ("SOMA_CPU", traits.isCPU ? "1" : "0"), ("SOMA_WIDE", isWide ? "1" : "0"), ("SOMA_FMA", traits.hasFMA ? "1" : "0"),
        ] + definitions
        let head = settings.map { "#define \($0.0) \($0.1)" }
        let library = (["prelude"] + (traits.isCPU ? ["activations_cpu"] : []) + files).map { KernelTemplate.text(of: $0) }
        return (head + library + lines).joined(separator: "\n") + "\n"
    }

    /// The files that a body's instructions call.
    func files(for body: Body) -> [String] {
        let isRandom = body.instructions.contains { if case .random = $0.operation { true } else { false } }
        return ["activations"] + (isRandom ? ["random"] : [])
    }

    /// The digits of `number` to the base of the extents: the coordinates i0, i1, … of axes, the last counted in steps of `width`.
    func digits(
        of number: String, _ name: String, extents: [Int], width: Int = 1, _ parameters: inout KernelParameters
    ) -> [String] {
        var lines: [String] = []
        var rest = number
        for axis in extents.indices.dropFirst().reversed() {
            let divisor = "\(name)_extent\(axis)"
            parameters.add(divisor: divisor, axis == extents.count - 1 ? extents[axis] / width : extents[axis])
            let quotient = "\(name)_rest\(axis)"
            lines.append("const soma_index \(quotient) = \(KernelParameters.quotient(rest, divisor));")
            let scale = axis == extents.count - 1 && width > 1 ? " * \(width)" : ""
            lines.append("const soma_index \(name)\(axis) = (\(rest) - \(quotient) * \(divisor))\(scale);")
            rest = quotient
        }
        let scale = extents.count == 1 && width > 1 ? " * \(width)" : ""
        lines.append("const soma_index \(name)0 = \(rest)\(scale);")
        return lines
    }

    func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
}
