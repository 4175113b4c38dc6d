import CLibraries
import SomaBackend
import SomaGraph
import Synchronization

/// Runs steps on a device of OpenCL 1.2.
///
/// One queue, which runs in order; every call takes its lock, so that the backend may be used from any thread. Once the device fails, every
/// later call throws the same error.
public final class OpenCLBackend: Backend {
    /// What can be chosen when a backend is made.
    public struct Options: Sendable {
        /// The most bytes to hold; `nil` takes all that the device has.
        public var memoryLimit: Int?
        /// Whether each buffer is an allocation of exactly its size, so that a checker of memory sees every overrun.
        public var isIsolated = false
        /// Whether to use the kernels for processors; `nil` asks the device.
        public var usesCPUKernels: Bool?
        /// Whether convolutions of 3 × 3 taps take Winograd's algorithm on a GPU; `nil`: where they have many channels.
        public var usesWinograd: Bool?
        /// The bytes of scratch memory that it should not pass.
        var winogradBytes: Int?
        /// How convolutions are cut into tiles; `nil` for the tiles that ship.
        var convolutionTiles: ShippedTiles?
        /// Smaller work-groups than those of the device.
        var groupLimit: Int?
        /// Whether kernels are compared with the processor when they are first used, if a cache folder keeps what comes of it; see `SelfCheck`.
        public var isChecked = false
        /// What a broken compiler would make of a kernel's text.
        var miscompilation: (@Sendable (String) -> String)?
        /// Whether launches carry times.
        public var isProfiling = false
        /// Where compiled programs are kept; `nil` is `SOMA_CACHE`, else the cache folder of the user; empty keeps none.
        public var cacheFolder: String?
        /// What measuring found to be the fastest; empty for the choices that ship, `nil` for the device's tuning file.
        public var tuning: Tuning?
        /// Where the tuning file lies; `nil` is `TuningFile.standardFolder`, empty reads none.
        public var tuningFolder: String?

        /// What ships: all memory, kernels that suit the device, the user's cache and tuning file, no checks and no times.
        public init() {}
    }

    public let device: DeviceDescription
    public let capabilities = StepPlanner.capabilities
    /// The device that it runs on.
    public let openCLDevice: OpenCLDevice
    let context: OpenCLContext
    let programs: OpenCLPrograms
    let pool: OpenCLMemory
    let planner: StepPlanner
    let selfCheck: SelfCheck?
    /// Where the tuning file lies, if anywhere.
    let tuningFolder: String?
    private let isIsolated: Bool
    private let state: Mutex<State>

    struct State: @unchecked Sendable {
        var failure: BackendError?
        /// Scratch memory shared by all launches, which run one after the other.
        var workspace: OpenCLBuffer?
        var uploads: StagingRing
        var launchTimes = LaunchTimes()
    }

    /// A backend on a device that `OpenCLDevice.all` lists.
    /// - Throws: `BackendError.deviceLost` if the device does not come up.
    public init(_ device: OpenCLDevice, options: Options = Options()) throws {
        self.device = device.description
        openCLDevice = device
        let context = try keepingSignalActions { try OpenCLContext(device, isProfiling: options.isProfiling) }
        self.context = context
        let cache = options.cacheFolder.map { ProgramCache(folder: $0.isEmpty ? nil : $0) } ?? .standard
        programs = OpenCLPrograms(context: context, cache: cache, miscompilation: options.miscompilation)
        pool = OpenCLMemory(deviceName: device.name, limit: options.memoryLimit ?? device.memoryBytes, isIsolated: options.isIsolated) {
            (size) throws(OpenCLError) in OpenCLMemory.SendableHandle(memory: try context.buffer(byteCount: size))
        }
        tuningFolder = options.tuningFolder ?? TuningFile.standardFolder
        var planner = StepPlanner(
            traits: DeviceTraits(device, usesCPUKernels: options.usesCPUKernels), tuning: options.tuning ?? Self.tuning(of: device, in: tuningFolder))
        (planner.usesWinograd, planner.winogradBytes) = (options.usesWinograd, options.winogradBytes ?? planner.winogradBytes)
        planner.convolutionTiles = options.convolutionTiles ?? planner.convolutionTiles
        self.planner = options.groupLimit.flatMap { planner.narrowed(to: KernelLimits(groupSize: $0)) } ?? planner
        let kernels: KernelKind = self.planner.traits.isCPU ? .cpu : .gpu
        selfCheck = options.isChecked ? SelfCheck(CheckFile(for: device, kernels, in: cache.folder)) : nil
        isIsolated = options.isIsolated
        state = Mutex(State(uploads: StagingRing(context: context)))
        try selfCheck?.refuseHopeless(self)
    }

    private static func tuning(of device: OpenCLDevice, in folder: String?) -> Tuning {
        guard let folder, !folder.isEmpty else { return Tuning() }
        return TuningFile(for: device, in: folder).readOrComplain() ?? Tuning()
    }

    // MARK: Memory

    public func allocate(byteCount: Int) throws -> Buffer { try pool.allocate(byteCount: byteCount) }

    public var memory: MemoryUse { pool.use }
    public func forgetPeak() { pool.forgetPeak() }

    public func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws {
        let buffer = OpenCLLaunch.buffer(target.buffer)
        guard source.count > 0 else { return }
        precondition(target.byteOffset >= 0 && target.byteOffset + source.count <= buffer.byteCount, "an upload beyond the end of its buffer")
        try withQueue { state throws(OpenCLError) in
            try state.uploads.write(source, to: buffer.memory, at: buffer.offset + target.byteOffset)
        }
    }

    public func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws {
        let buffer = OpenCLLaunch.buffer(source.buffer)
        guard target.count > 0 else { return }
        precondition(source.byteOffset >= 0 && source.byteOffset + target.count <= buffer.byteCount, "a download beyond the end of its buffer")
        try withQueue { _ throws(OpenCLError) in
            try check(
                cl.pointee.clEnqueueReadBuffer(
                    context.queue, buffer.memory, cl_bool(CL_TRUE), buffer.offset + source.byteOffset, target.count, target.baseAddress, 0, nil, nil),
                "clEnqueueReadBuffer")
        }
    }

    // MARK: Steps

    public func prepare(_ step: Step) throws -> PreparedStep {
        if case .scan(let scan) = step { return try PreparedScan(scan, prepare) }
        guard let selfCheck else { return try prepare(step, planner) }
        var checked = planner
        checked.ways = try selfCheck.ways(for: step, on: self)
        return try prepare(step, checked)
    }

    /// As a planner plans it.
    func prepare(_ step: Step, _ planner: StepPlanner) throws -> OpenCLStep {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        let prepared = OpenCLStep(step, planner)
        prepared.aligned = try launches(step, &prepared.planner)
        try state.withLock { try reserve(for: prepared.aligned, of: prepared, &$0) }
        return prepared
    }

    private func launches(_ step: Step, _ planner: inout StepPlanner) throws -> [any Launch] {
        if case .matmul(let product) = step, planner.allowsLibrary(for: product), let launch = CLBlastLaunch(product, context: context) { return [launch] }
        return try fittingLaunches(step, &planner)
    }

    /// Launches that their kernels allow: where one, now that it is built, takes fewer work-items or less local memory than there are, the
    /// step is planned again for a device that has no more.
    private func fittingLaunches(_ step: Step, _ planner: inout StepPlanner) throws -> [OpenCLLaunch] {
        while true {
            let plans = try planner.launches(step)
            let launches = try plans.map { plan in
                try OpenCLLaunch(plan, kernel: try programs.kernel(plan.entry, plan.source, options: plan.options, isKept: planner.keepsPrograms), context: context)
            }
            guard let limits = launches.lazy.compactMap(\.limits).first, let narrower = planner.narrowed(to: limits),
                try narrower.launches(step) != plans
            else { return launches }
            planner = narrower
        }
    }

    /// Makes of a step what keeps it from being enqueued possible, without the lock, since a driver may compile for seconds; then changes it with
    /// the lock held, unless another thread has changed it meanwhile.
    private func overcome(_ obstacle: Obstacle, of step: OpenCLStep) throws {
        var planner = obstacle.planner
        switch obstacle.kind {
        case .unaligned:
            planner.allowsVectors = false
            let launches = try launches(step.step, &planner)
            try state.withLock { state in
                guard step.planner.traits == obstacle.planner.traits else { return }
                try reserve(for: launches, of: step, &state)
                step.unaligned = launches
            }
        case .refused(let error, let plans):
            planner = try halved(planner, step, after: error, plans)
            let launches = try launches(step.step, &planner)
            try state.withLock { state in
                guard step.planner.traits == obstacle.planner.traits else { return }
                try reserve(for: launches, of: step, &state)
                (step.planner, step.aligned, step.unaligned) = (planner, launches, nil)
            }
        }
    }

    /// The planner for half the work-items a group, where a launch was refused although its kernel had allowed it.
    private func halved(_ planner: StepPlanner, _ step: OpenCLStep, after refusal: OpenCLError, _ plans: [LaunchPlan]) throws -> StepPlanner {
        let most = plans.map(\.groupSize).max() ?? 1
        let limits = KernelLimits(groupSize: powerOfTwo(atMost: most - 1))
        guard most > 1, !step.isTrial, let narrower = planner.narrowed(to: limits), try narrower.launches(step.step).map(\.local) != plans.map(\.local) else {
            throw BackendError.unsupported("\(device.name) refuses a launch: \(refusal)")
        }
        return narrower
    }

    /// Sees to scratch memory for launches of a step: of its own where buffers are isolated, else shared by all.
    private func reserve(for launches: [any Launch], of step: OpenCLStep, _ state: inout State) throws {
        if isIsolated {
            step.workspace = try workspace(for: launches, holding: step.workspace)
        } else {
            state.workspace = try workspace(for: launches, holding: state.workspace)
        }
    }

    /// Scratch memory that is large enough for launches: the one held if it is.
    private func workspace(for launches: [any Launch], holding held: OpenCLBuffer?) throws -> OpenCLBuffer? {
        let needed = launches.map(\.workspaceBytes).max() ?? 0
        if needed <= held?.byteCount ?? 0 { return held }
        return try pool.allocate(byteCount: needed, startsChunk: true)
    }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws { try enqueue(steps, bindings, log: nil) }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws {
        guard context.isProfiling else { return try enqueueOneByOne(steps, bindings, noting: log) }
        try enqueue(steps, bindings, log: log)
    }

    private func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, log: LaunchLog?) throws {
        try steps.forEachRun(bindings) { try enqueue($0, log: log) }
    }

    private func enqueue(_ run: StepRun, log: LaunchLog?) throws {
        let steps = run.steps.map { step in
            guard let step = step as? OpenCLStep else { programError("OpenCL", "a step of another device") }
            return step
        }
        var done = 0
        while done < steps.count {
            // A driver may compile a kernel when it is first launched.
            let areNew = state.withLock { _ in steps[done...].contains { !$0.hasRun } }
            let obstacle = areNew ? try keepingSignalActions { try launch(steps, &done, run, log) } : try launch(steps, &done, run, log)
            // Launches before a refused one have written scratch memory at most, so the step begins anew.
            if let obstacle { try overcome(obstacle, of: steps[done]) }
        }
    }

    /// What keeps a step from being enqueued, and the planner that it was planned with then.
    private struct Obstacle {
        enum Kind {
            /// There is no variant for a binding that no earlier run had: a slice that begins at an odd element, or beyond CLBlast's reach.
            case unaligned
            /// The device takes no work-groups of the size of these.
            case refused(OpenCLError, [LaunchPlan])
        }

        let kind: Kind
        let planner: StepPlanner
    }

    /// Enqueues steps from `done` on, and counts them there.
    /// - Returns: what keeps the next one from it; `nil` where all are enqueued.
    private func launch(_ steps: [OpenCLStep], _ done: inout Int, _ run: StepRun, _ log: LaunchLog?) throws -> Obstacle? {
        let bindings = run.bindings
        var obstacle: Obstacle?
        try withQueue { state throws(OpenCLError) in
            while done < steps.count, obstacle == nil {
                let step = steps[done]
                guard step.isReady(bindings) else {
                    obstacle = Obstacle(kind: .unaligned, planner: step.planner)
                    break
                }
                do throws(OpenCLError) {
                    try enqueue(step, at: run.origin.index(ofStep: done), run.origin.work?[done], bindings, log, &state)
                    done += 1
                } catch {
                    guard error.refusesGroup else { throw error }
                    let plans = step.launches(bindings).compactMap { ($0 as? OpenCLLaunch)?.plan }
                    obstacle = Obstacle(kind: .refused(error, plans), planner: step.planner)
                }
            }
            try check(cl.pointee.clFlush(context.queue), "clFlush")
        }
        return obstacle
    }

    private func enqueue(
        _ step: OpenCLStep, at place: Int, _ work: Work?, _ bindings: Bindings, _ log: LaunchLog?, _ state: inout State
    ) throws(OpenCLError) {
        let workspace = (step.workspace ?? state.workspace)?.memory
        for launch in step.launches(bindings) {
            if let log {
                try state.launchTimes.note(launch, ofStep: place, work, in: log) { event throws(OpenCLError) in
                    try launch.enqueue(bindings, workspace: workspace, event: event)
                }
            } else {
                try launch.enqueue(bindings, workspace: workspace, event: nil)
            }
        }
        step.hasRun = true
    }

    public func synchronize() throws {
        try withQueue { state throws(OpenCLError) in
            try check(cl.pointee.clFinish(context.queue), "clFinish")
            try state.launchTimes.settle()
        }
    }

    public func sourceText(of step: PreparedStep) -> String? {
        if let scan = step as? PreparedScan {
            var seen = Set<String>()
            return scan.body.compactMap { sourceText(of: $0) }.filter { seen.insert($0).inserted }.joined(separator: "\n")
        }
        guard let step = step as? OpenCLStep else { return nil }
        var seen = Set<String>()
        return way(of: step).launches.map(\.sourceText).filter { seen.insert($0).inserted }.joined(separator: "\n")
    }

    /// How a step is launched where bindings are aligned, and the planner that planned it so.
    func way(of step: OpenCLStep) -> (planner: StepPlanner, launches: [any Launch]) { state.withLock { _ in (step.planner, step.aligned) } }

    /// Runs calls on the queue; a failure other than a lack of memory or a launch that is refused is the device's last.
    func withQueue(_ body: (inout State) throws(OpenCLError) -> Void) throws {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            do {
                try body(&state)
            } catch let error as OpenCLError {
                if error.isOutOfMemory {
                    throw BackendError.outOfMemory(requested: 0, available: max(0, device.memoryBytes - pool.use.live), device: device.name)
                }
                if error.isRefusal { throw BackendError.unsupported("\(device.name) refuses a launch: \(error)") }
                let failure = BackendError.deviceLost(device: device.name, reason: error.description)
                state.failure = failure
                throw failure
            }
        }
    }
}

/// A step's launches. Several threads may enqueue one step: once it is prepared, it is read and changed only with the device's lock held.
final class OpenCLStep: PreparedStep, @unchecked Sendable {
    let step: Step
    /// With what it was planned: the device's, or a narrower one where a kernel takes smaller work-groups than the device.
    var planner: StepPlanner
    /// Whether it is to be measured as it was chosen, or not to run.
    var isTrial = false
    var aligned: [any Launch] = []
    /// For bindings where four elements cannot be accessed at once; made when the first such comes.
    var unaligned: [any Launch]? { didSet { hasRun = false } }
    /// Whether its launches were made once.
    var hasRun = false
    /// Scratch memory of its own, where buffers are isolated.
    var workspace: OpenCLBuffer?

    init(_ step: Step, _ planner: StepPlanner) { (self.step, self.planner) = (step, planner) }

    func isReady(_ bindings: Bindings) -> Bool { unaligned != nil || aligned.allSatisfy { $0.isAligned(bindings) } }

    func launches(_ bindings: Bindings) -> [any Launch] {
        if let unaligned, !aligned.allSatisfy({ $0.isAligned(bindings) }) { return unaligned }
        return aligned
    }
}
