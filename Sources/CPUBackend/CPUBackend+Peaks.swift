import CPUKernels
import Glibc
import SomaBackend

extension CPUBackend: PeakProbe {
    public func measure(_ peak: Peak, budget: Double) throws -> Double {
        switch peak {
        case .float32: soma_peak_round_operations() / seconds(budget) { soma_peak_multiply_adds($0) }
        case .localMemory: soma_peak_round_bytes() / seconds(budget) { soma_peak_read_cache($0) }
        case .memoryRead: try bandwidth(budget, buffers: 1) { _, from, count in soma_peak_read(from, count) }
        case .memoryWrite: try bandwidth(budget, buffers: 1) { to, _, count in soma_peak_write(to, count) }
        case .memoryCopy: try bandwidth(budget, buffers: 2) { to, from, count in soma_peak_copy(to, from, count) }
        case .uploadPageable: try transfer(budget) { try upload(UnsafeRawBufferPointer($0), to: $1) }
        case .downloadPageable: try transfer(budget) { try download($1, into: $0) }
        case .launch: empty(budget, waitingForEach: false)
        case .latency: empty(budget, waitingForEach: true)
        case .float16, .bfloat16, .tensorFloat32: throw BackendError.unsupported("this backend computes in float32")
        case .uploadPinned, .downloadPinned: throw BackendError.unsupported("the device's memory is the host's")
        case .buildCold, .buildCached: throw BackendError.unsupported("nothing is compiled while it runs")
        }
    }

    /// Runs on the thread from which everything runs, and waits.
    private func onTeam(_ body: @escaping @Sendable () -> Void) {
        thread.submit(body)
        thread.wait()
    }

    /// Of one round. A team starts in a few microseconds, so that short runs will do, in which no other process takes a core from it.
    private func seconds(_ budget: Double, _ run: @escaping @Sendable (_ rounds: Int) -> Void) -> Double {
        PeakTimer.fastest(budget: budget, most: 1 << 30, length: 1e-3) { rounds in onTeam { run(rounds) } }
    }

    /// - Parameter buffers: how many move in a round: where it is one, it is both what is written and what is read.
    private func bandwidth(
        _ budget: Double, buffers: Int, _ run: @escaping @Sendable (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void
    ) throws -> Double {
        defer { pool.releaseUnused() }
        let byteCount = streamByteCount
        let count = byteCount / MemoryLayout<Float>.size
        let to = try pool.allocate(byteCount: byteCount)
        let from = buffers == 1 ? to : try pool.allocate(byteCount: byteCount)
        // Pages that nobody has written are one and the same page.
        onTeam { for block in [to, from] { soma_peak_write(block.pointer.assumingMemoryBound(to: Float.self), count) } }
        let seconds = PeakTimer.fastest(budget: budget, length: 0) { rounds in
            onTeam {
                for _ in 0..<rounds {
                    run(to.pointer.assumingMemoryBound(to: Float.self), from.pointer.assumingMemoryBound(to: Float.self), count)
                }
            }
        }
        return Double(buffers * byteCount) / seconds
    }

    /// Four times what the last cache says it holds, or as much as memory and patience allow.
    private var streamByteCount: Int {
        let cache = max(0, sysconf(Int32(_SC_LEVEL3_CACHE_SIZE)))
        let wanted = min(max(4 * cache, 256 << 20), 512 << 20)
        let unit = Int(SOMA_PEAK_BLOCK) * MemoryLayout<Float>.size
        return max(unit, min(wanted, pool.limit / 8) / unit * unit)
    }

    private func transfer(_ budget: Double, _ run: (UnsafeMutableRawBufferPointer, BufferSlice) throws -> Void) throws -> Double {
        let byteCount = min(64 << 20, max(4096, pool.limit / 8))
        let host = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        defer { host.deallocate() }
        host.initializeMemory(as: UInt8.self, repeating: 1)
        let slice = BufferSlice(try allocate(byteCount: byteCount))
        try upload(UnsafeRawBufferPointer(host), to: slice)
        return Double(byteCount) / (try PeakTimer.fastest(budget: budget, length: 0) { for _ in 0..<$0 { try run(host, slice) } })
    }

    private func empty(_ budget: Double, waitingForEach waits: Bool) -> Double {
        PeakTimer.fastest(budget: budget, most: 1 << 16) { rounds in
            for _ in 0..<rounds {
                thread.submit { soma_peak_wake() }
                if waits { thread.wait() }
            }
            thread.wait()
        }
    }
}
