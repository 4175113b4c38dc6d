import CLibraries
import SomaBackend

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension OpenCLBackend: PeakProbe {
    public func measure(_ peak: Peak, budget: Double) throws -> Double {
        switch peak {
        case .float32: return try multiplyAdds(budget, isHalf: false)
        case .float16:
            guard openCLDevice.extensions.contains("cl_khr_fp16") else { throw BackendError.unsupported("the driver has no cl_khr_fp16") }
            return try multiplyAdds(budget, isHalf: true)
        case .bfloat16, .tensorFloat32: throw BackendError.unsupported("OpenCL C has no arithmetic of this kind")
        case .localMemory: return try localMemory(budget)
        case .memoryRead: return try bandwidth(budget, "soma_peak_read", buffers: 1)
        case .memoryWrite: return try bandwidth(budget, "soma_peak_write", buffers: 1)
        case .memoryCopy: return try bandwidth(budget, "soma_peak_copy", buffers: 2)
        case .uploadPageable: return try transfer(budget, isUpload: true, isPinned: false)
        case .downloadPageable: return try transfer(budget, isUpload: false, isPinned: false)
        case .uploadPinned: return try transfer(budget, isUpload: true, isPinned: true)
        case .downloadPinned: return try transfer(budget, isUpload: false, isPinned: true)
        case .launch: return try empty(budget, waitingForEach: false)
        case .latency: return try empty(budget, waitingForEach: true)
        case .buildCold: return try build(isCached: false)
        case .buildCached: return try build(isCached: true)
        }
    }

    // MARK: Kernels

    /// Work-items of a launch: a processor gets a few for each core, each alone; a GPU enough to fill it several times over.
    private var geometry: (global: Int, local: Int) {
        let traits = planner.traits
        if traits.isCPU { return (4 * traits.computeUnits, 1) }
        let local = traits.treeSize(atMost: 256)
        return (32 * traits.computeUnits * local, local)
    }

    /// Of the largest type that a work-item reads, writes or keeps.
    private var vectorBytes: Int { planner.traits.isCPU ? 64 : 16 }

    func source(number: String = "float", isHalf: Bool = false) -> String { planner.peakSource(number: number, isHalf: isHalf) }

    func kernel(_ name: String, _ source: String, _ arguments: [PeakKernel.Argument]) throws -> PeakKernel {
        try PeakKernel(name, source, programs, context, (geometry.global, geometry.local), arguments)
    }

    func sink() throws -> PeakKernel.Argument {
        .buffer(try pool.allocate(byteCount: geometry.global * vectorBytes, startsChunk: true))
    }

    /// Seconds of one round of a kernel whose last argument is how many rounds to run.
    private func seconds(_ budget: Double, _ kernel: PeakKernel, roundsAt place: Int) throws -> Double {
        try PeakTimer.fastest(budget: budget, most: 1 << 30) { rounds in
            try withQueue { _ throws(OpenCLError) in
                try kernel.set(place, .int(Int32(rounds)))
                try kernel.enqueue()
                try check(cl.pointee.clFinish(context.queue), "clFinish")
            }
        }
    }

    private func multiplyAdds(_ budget: Double, isHalf: Bool) throws -> Double {
        let isCPU = planner.traits.isCPU
        // Pairs of 16 bits share a register of a GPU, and an instruction.
        let lanes = isCPU ? (isHalf ? 8.0 : 16) : (isHalf ? 2 : 1)
        let source = source(number: isHalf ? (isCPU ? "half8" : "half2") : "float", isHalf: isHalf)
        let kernel = try kernel("soma_peak_multiply_adds", source, [try sink(), .float(0.5), .int(0)])
        let operations = 2 * 8 * (isCPU ? 8 : 16) * lanes * Double(geometry.global)
        return operations / (try seconds(budget, kernel, roundsAt: 2))
    }

    private func localMemory(_ budget: Double) throws -> Double {
        let kernel = try kernel("soma_peak_local_memory", source(), [try sink(), .float(0.5), .int(0)])
        let bytes = Double(16 * vectorBytes * geometry.global)
        return bytes / (try seconds(budget, kernel, roundsAt: 2))
    }

    // MARK: Memory

    /// Four times what the last cache says it holds, where memory and the driver allow.
    private var streamByteCount: Int {
        var cache: UInt64 = 0
        _ = cl.pointee.clGetDeviceInfo(context.id, cl_device_info(CL_DEVICE_GLOBAL_MEM_CACHE_SIZE), 8, &cache, nil)
        let unit = 1 << 20
        let wanted = min(max(4 * Int(clamping: min(cache, 1 << 40)), 256 * unit), 512 * unit)
        return max(unit, min(wanted, openCLDevice.maximumAllocationBytes, pool.limit / 8) / unit * unit)
    }

    /// - Parameter count: how many buffers move in a round: where it is one, it is both what is written and what is read.
    private func bandwidth(_ budget: Double, _ name: String, buffers count: Int) throws -> Double {
        let byteCount = streamByteCount
        let buffers = try (0..<count).map { _ in PeakKernel.Argument.buffer(try pool.allocate(byteCount: byteCount, startsChunk: true)) }
        let (sink, vectors) = (try sink(), PeakKernel.Argument.long(Int64(byteCount / vectorBytes)))
        // Pages that nobody has written may be one and the same page.
        for buffer in buffers { try run(try kernel("soma_peak_write", source(), [sink, buffer, buffer, vectors]), 1) }
        let kernel = try kernel(name, source(), [sink, buffers[0], buffers[count - 1], vectors])
        return Double(count * byteCount) / (try PeakTimer.fastest(budget: budget, most: 256) { try run(kernel, $0) })
    }

    func run(_ kernel: PeakKernel, _ rounds: Int) throws {
        try withQueue { _ throws(OpenCLError) in
            for _ in 0..<rounds { try kernel.enqueue() }
            try check(cl.pointee.clFinish(context.queue), "clFinish")
        }
    }

    private func transfer(_ budget: Double, isUpload: Bool, isPinned: Bool) throws -> Double {
        let byteCount = min(64 << 20, openCLDevice.maximumAllocationBytes, max(4096, pool.limit / 8))
        let target = try pool.allocate(byteCount: byteCount, startsChunk: true)
        let host = try HostBlock(byteCount: byteCount, isPinned: isPinned, context)
        defer { withExtendedLifetime((host, target)) {} }
        let seconds = try PeakTimer.fastest(budget: budget, most: 1024) { rounds in
            try withQueue { _ throws(OpenCLError) in
                for _ in 0..<rounds { try copy(host.start, target.memory, byteCount, isUpload) }
            }
        }
        return Double(byteCount) / seconds
    }

    private func copy(_ host: UnsafeMutableRawPointer, _ memory: cl_mem, _ byteCount: Int, _ isUpload: Bool) throws(OpenCLError) {
        let (queue, waits) = (context.queue, cl_bool(CL_TRUE))
        let code = isUpload
            ? cl.pointee.clEnqueueWriteBuffer(queue, memory, waits, 0, byteCount, host, 0, nil, nil)
            : cl.pointee.clEnqueueReadBuffer(queue, memory, waits, 0, byteCount, host, 0, nil, nil)
        try check(code, isUpload ? "clEnqueueWriteBuffer" : "clEnqueueReadBuffer")
    }

    // MARK: The host's share

    private func empty(_ budget: Double, waitingForEach waits: Bool) throws -> Double {
        let kernel = try PeakKernel("soma_peak_nothing", source(), programs, context, (64, nil), [try sink()])
        return try PeakTimer.fastest(budget: budget, most: 1 << 14) { rounds in
            if waits { for _ in 0..<rounds { try run(kernel, 1) } } else { try run(kernel, rounds) }
        }
    }

    /// A program that nobody has seen before, from its source to the end of its first launch; with `isCached`, once a first build has kept it.
    private func build(isCached: Bool) throws -> Double {
        let salted = "// \(UInt64.random(in: .min ... .max))\n" + source() + "\n#define SOMA_SALT \(UInt64.random(in: .min ... .max))\n"
        guard isCached else { return try secondsToBuild(salted, ProgramCache(folder: nil)) }
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/soma-peaks-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BackendError.unsupported("no folder can be made to keep a program in") }
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let cache = ProgramCache(folder: folder)
        defer {
            cache.removeAll()
            rmdir(folder)
        }
        _ = try secondsToBuild(salted, cache)
        return try (0..<3).map { _ in try secondsToBuild(salted, cache) }.min() ?? .nan
    }

    private func secondsToBuild(_ source: String, _ cache: ProgramCache) throws -> Double {
        let programs = OpenCLPrograms(context: context, cache: cache)
        let sink = try sink()
        return try ContinuousClock().measure {
            try run(PeakKernel("soma_peak_nothing", source, programs, context, (64, nil), [sink]), 1)
        } / .seconds(1)
    }
}

extension StepPlanner {
    /// The program of peaks.cl.
    /// - Parameter number: what a GPU multiplies and adds, and any device where that is of 16 bits.
    func peakSource(number: String = "float", isHalf: Bool = false) -> String {
        let definitions = [
            ("NUMBER", traits.isCPU && !isHalf ? "float16" : number), ("CHAINS", traits.isCPU ? "8" : "16"),
            ("VECTOR", traits.isCPU ? "float16" : "float4"), ("TILE", "\(peakTile)"), ("OWN_PIECES", traits.isCPU ? "1" : "0"),
            ("HAS_HALF", isHalf ? "1" : "0"), ("SOMA_FMA", traits.hasFMA ? "1" : "0"),
        ]
        return definitions.map { "#define \($0.0) \($0.1)\n" }.joined() + KernelTemplate.text(of: "peaks")
    }

    /// Vectors of the tile that is read from local memory: 8 KB of them where there are so many.
    private var peakTile: Int {
        let bytes = traits.isCPU ? 64 : 16
        return max(16, powerOfTwo(atMost: min(8192, traits.localMemoryBytes) / bytes))
    }
}

/// Memory of the host, ordinary or pinned by the driver.
private final class HostBlock {
    let start: UnsafeMutableRawPointer
    private let pinned: cl_mem?
    private let context: OpenCLContext

    init(byteCount: Int, isPinned: Bool, _ context: OpenCLContext) throws {
        self.context = context
        guard isPinned else {
            (start, pinned) = (.allocate(byteCount: byteCount, alignment: 4096), nil)
            start.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
            return
        }
        let memory = try context.buffer(byteCount: byteCount, flags: CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR)
        var code: cl_int = 0
        let flags = cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
        guard let start = cl.pointee.clEnqueueMapBuffer(context.queue, memory, cl_bool(CL_TRUE), flags, 0, byteCount, 0, nil, nil, &code) else {
            _ = cl.pointee.clReleaseMemObject(memory)
            throw BackendError.unsupported("no memory of the host can be pinned (\(OpenCLError(function: "clEnqueueMapBuffer", code: code)))")
        }
        (self.start, pinned) = (start, memory)
        start.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
    }

    deinit {
        guard let pinned else { return start.deallocate() }
        _ = cl.pointee.clEnqueueUnmapMemObject(context.queue, pinned, start, 0, nil, nil)
        _ = cl.pointee.clReleaseMemObject(pinned)
    }
}
