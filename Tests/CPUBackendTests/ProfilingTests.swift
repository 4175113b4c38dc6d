import CPUBackend
import Soma
import SomaBackend
import SomaGraph
import SomaReference
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
            let names = timeline.launches.map { event -> String in if case .launch(let record, _, _, _) = event.kind { record.step.name } else { "" } }
            #expect(names == ["matmul", "reduce"])
            for (event, next) in zip(timeline.launches, timeline.launches.dropFirst()) { #expect(event.end <= next.start) }
            for event in timeline.events { #expect(event.start >= timeline.start && event.start <= event.end && event.end <= timeline.end) }
            #expect(TimelineParts(timeline).running == timeline.launches.reduce(0) { $0 + $1.duration })
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

    /// A backend whose steps are three launches each: two prepare and complete what the second does.
    private final class ThreeLaunches: ForwardingBackend, @unchecked Sendable {
        static let helping = Work(copying: 64)
        override func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws {
            for place in steps.indices {
                for (start, end, work) in [(1, 3, Self.helping), (3, 9, nil), (9, 10, Self.helping)] {
                    log.append(.init(step: place, work: work, start: start, end: end))
                }
            }
        }
    }

    @Test func launchesTellTheirOwnWork() throws {
        let backend = ProfilingBackend(ThreeLaunches(RecordingBackend()))
        try withDevice(Device(running: backend)) {
            let x = try Tensor.ones([8, 8]).realize()
            try backend.start()
            _ = try matmul(x, x).realize()
            let work = try backend.stop().launches.map { event in if case .launch(_, _, _, let work) = event.kind { work } else { Work() } }
            #expect(work == [ThreeLaunches.helping, Work(operations: 1024, bytesRead: 512, bytesWritten: 256), ThreeLaunches.helping])
        }
    }

    private static let step = StepRecord(.map(LoopNest(outer: [1], body: Body())))

    private func launch(_ start: Int, _ end: Int) -> Timeline.Event {
        .init(kind: .launch(Self.step, kernel: "k", number: 0, work: Work()), start: start, end: end)
    }

    private func host(_ kind: Timeline.Event.Kind, _ start: Int, _ end: Int, thread: Int = 1) -> Timeline.Event {
        .init(kind: kind, start: start, end: end, thread: thread)
    }

    @Test func overlappingLaunchesCountOnce() {
        let parts = TimelineParts(Timeline([launch(30, 40), launch(10, 20), launch(15, 25), launch(16, 18)], start: 0, end: 50))
        #expect(parts.running == 25 && parts.unnamed == 25 && parts.launches.count == 4)
    }

    /// Every moment has the name of the innermost thing that the training thread was at, unless a launch ran.
    @Test func partsMakeUpTheTime() {
        let events = [
            host(.phase(.reading), 0, 10), host(.phase(.starting), 10, 30), host(.phase(.compiling), 12, 20), host(.prepare(Self.step), 14, 18),
            // Within what began at the same moment.
            host(.upload(byteCount: 4), 10, 11), host(.enqueue(stepCount: 1), 22, 28), host(.wait, 0, 100, thread: 2), launch(25, 40), host(.phase(.evaluating), 50, 70),
            host(.enqueue(stepCount: 1), 52, 54), launch(53, 60), host(.wait, 90, 95),
        ]
        let parts = TimelineParts(Timeline(events, start: 0, end: 100))
        #expect(parts.running == 15 && parts.launches.map(\.start) == [25])
        #expect(parts.idle == ["reading a batch": 10, "uploading": 1, "starting a program": 3, "enqueueing": 3, "waiting": 5])
        #expect(parts.apart == [.compiling: 8, .evaluating: 20])
        #expect(parts.unnamed == 10 + 20 + 5)
        #expect(parts.stepTime + parts.apart.values.reduce(0, +) == 100)
    }

    /// What another thread was at when a timeline began is not seen from before.
    @Test func eventsOfAThreadNestWithinTheTimeline() throws {
        let backend = ProfilingBackend(CPUBackend())
        try withDevice(Device(running: backend)) {
            let x = try Tensor.ones([64, 64]).realize()
            let timeline = try backend.noting(.reading) {
                try backend.start()
                _ = try sum(of: matmul(x, x))
                return try backend.stop()
            }
            let phases = timeline.events.filter { if case .phase = $0.kind { true } else { false } }.map(\.name)
            #expect(phases.contains("starting a program") && phases.contains("compiling") && !phases.contains("reading a batch"))
            let starting = try #require(timeline.events.first { $0.name == "starting a program" })
            #expect(timeline.events.contains { $0.name == "enqueueing" && $0.start >= starting.start && $0.end <= starting.end })
        }
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
        let random = try #require(try steps { [$0 * .randomUniform($0.shape)] }.first)
        #expect(random.label.hasPrefix("map 8192, ") && random.label.hasSuffix(" fused, with random words"))
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
