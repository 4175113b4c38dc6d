import CPUBackend
import Soma
import SomaBackend
import SomaGraph
import Testing

/// What a backend notes of its launches, and what steps are said to cost.
@Suite struct ProfilingTests {
    @Test func launchesAreNotedWhileAskedFor() throws {
        let backend = ProfilingBackend(CPUBackend())
        try withDevice(Device(running: backend)) {
            let x = try Tensor.ones([64, 64]).realize()
            _ = try (matmul(x, x) + 1).realize()
            try backend.start()
            _ = try sum(of: matmul(x, x) * 2)
            let timeline = try backend.stop()
            let names = timeline.launches.map { event -> String in if case .launch(let step, _, _) = event.kind { step.name } else { "" } }
            #expect(names == ["matmul", "reduce"])
            for (event, next) in zip(timeline.launches, timeline.launches.dropFirst()) { #expect(event.end <= next.start) }
            for event in timeline.events { #expect(event.start >= timeline.start && event.start <= event.end && event.end <= timeline.end) }
            let (busy, idle) = timeline.busyAndIdle
            #expect(busy == timeline.launches.reduce(0) { $0 + $1.duration } && busy + idle <= timeline.duration)
            #expect(timeline.events.contains { if case .download(byteCount: 4) = $0.kind { true } else { false } })
            _ = try sum(of: x)
            try backend.start()
            #expect(try backend.stop().launches.isEmpty)
        }
    }

    private func sum(of x: Tensor) throws -> Double { try x.sum().item() }

    /// A backend that knows nothing of times has the steps run one at a time.
    @Test func launchesOfAnyBackendAreNoted() throws {
        let backend = ProfilingBackend(RecordingBackend(name: "timeless"))
        try withDevice(Device(running: backend)) {
            let x = try Tensor.ones([8, 8]).realize()
            try backend.start()
            _ = try (x.sum(alongAxes: 0) + 1).realize()
            #expect(try backend.stop().launches.count == 1)
        }
    }

    /// A backend whose steps are three launches each, the second the longest.
    private final class ThreeLaunches: Backend {
        let base = RecordingBackend(name: "three")
        var device: DeviceDescription { base.device }
        var capabilities: Capabilities { base.capabilities }
        var memory: MemoryUse { base.memory }
        func forgetPeak() {}
        func allocate(byteCount: Int) throws -> Buffer { try base.allocate(byteCount: byteCount) }
        func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws { try base.upload(source, to: target) }
        func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws { try base.download(source, into: target) }
        func prepare(_ step: Step) throws -> PreparedStep { try base.prepare(step) }
        func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws { try base.enqueue(steps, bindings) }
        func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws {
            for place in steps.indices { for (start, end) in [(1, 3), (3, 9), (9, 10)] { log.append(.init(step: place, start: start, end: end)) } }
        }
        func synchronize() throws {}
        func sourceText(of step: PreparedStep) -> String? { nil }
    }

    @Test func theLongestLaunchCarriesTheWorkOfItsStep() throws {
        let backend = ProfilingBackend(ThreeLaunches())
        try withDevice(Device(running: backend)) {
            let x = try Tensor.ones([8, 8]).realize()
            try backend.start()
            _ = try (x + 1).realize()
            _ = try matmul(x, x).realize()
            let launches = try backend.stop().launches
            #expect(launches.count == 6 && launches.filter(\.carriesWork).map(\.duration) == [6, 6])
        }
    }

    @Test func overlappingLaunchesCountOnce() throws {
        let nest = LoopNest(outer: [1], body: Body())
        func launch(_ start: Int, _ end: Int) -> Timeline.Event { .init(kind: .launch(.map(nest), kernel: "k", number: 0), start: start, end: end) }
        let timeline = Timeline([launch(30, 40), launch(10, 20), launch(15, 25), launch(16, 18)], start: 0, end: 50)
        #expect(timeline.busyAndIdle == (25, 5))
    }

    private func steps(_ results: (Tensor) -> [Tensor]) throws -> [Step] {
        let backend = RecordingBackend(capabilities: Capabilities(images: .channelsFirst))
        return try withDevice(Device(running: backend)) {
            let x = try Tensor.ones([4, 8, 16, 16]).realize()
            backend.reset()
            try realizeAll(results(x))
            return backend.recorded.launches
        }
    }

    @Test func workOfSteps() throws {
        let map = try #require(try steps { [$0 * 2 + $0] }.first)
        // A multiply-add for each element, read once and written once.
        #expect(map.work == Work(operations: 2 * 8192, bytesRead: 4 * 8192, bytesWritten: 4 * 8192))
        #expect(map.label == "map 8192, 1 fused")
        let rows = try #require(try steps { [$0.sum(alongAxes: -1)] }.first)
        #expect(rows.work == Work(operations: 8192, bytesRead: 4 * 8192, bytesWritten: 4 * 512) && rows.label == "reduce 512 over 16, 1 fused")
        let product = try #require(try steps { x in [matmul(x.reshaped(to: [64, 128]), x.reshaped(to: [128, 64]))] }.first)
        #expect(product.work == Work(operations: 2 * 64 * 64 * 128, bytesRead: 8 * 8192, bytesWritten: 4 * 4096))
        #expect(product.label == "matmul 64×64 over 128")
        let filters = try #require(try steps { x in [convolution(x, x.reshaped(to: [64, 8, 4, 4]))] }.last)
        #expect(filters.work.operations == 2 * Double(4 * 64 * 13 * 13 * 8 * 16) && filters.work.bytesWritten == Double(4 * 4 * 64 * 13 * 13))
        #expect(filters.label == "convolution 4×4, 8 to 64 channels, 4 of 16×16")
        let pooled = try #require(try steps { [$0.maxPooled(PoolingWindow(size: [2, 2]))] }.first)
        #expect(pooled.work == Work(operations: 8192, bytesRead: 4 * 8192, bytesWritten: 8192))
    }
}
