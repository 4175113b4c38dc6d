import CPUKernels
import Testing

extension CPUBackendTests {
    @Suite struct KernelTests {}
}

/// Records which part ran each iteration.
private final class Coverage {
    var parts: [Int32]
    init(count: Int) { parts = Array(repeating: -1, count: count) }
}

private func cover(_ count: Int, grain: Int) -> [Int32] {
    let coverage = Coverage(count: count)
    coverage.parts.withUnsafeMutableBufferPointer { buffer in
        let body: soma_loop_body = { begin, end, part, context in
            guard let parts = context?.assumingMemoryBound(to: Int32.self) else { return }
            for i in begin..<end { parts[i] = parts[i] < 0 ? part : 1_000_000 }
        }
        soma_parallel_for(count, grain, body, buffer.baseAddress)
    }
    return coverage.parts
}

extension CPUBackendTests.KernelTests {
    @Test(arguments: [1, 2, 3, 7], [false, true])
    func everyIterationRunsOnceInOrderOfParts(size: Int32, prefersOwnThreads: Bool) {
        let old = soma_team_size()
        soma_team_resize(size)
        soma_team_prefer_own_threads(prefersOwnThreads)
        defer {
            soma_team_resize(old)
            soma_team_prefer_own_threads(false)
        }
        if prefersOwnThreads { #expect(String(cString: soma_team_description()) == "own threads") }
        for count in [1, 2, 5, 64, 1000, 1003] + Array(repeating: 50, count: 200) {
            let parts = cover(count, grain: 1)
            #expect(parts == parts.sorted())
            #expect(parts.allSatisfy { $0 >= 0 && $0 < size })
            #expect(Set(parts).count == min(Int(size), count))
        }
    }

    @Test func aGrainKeepsShortLoopsInOnePart() {
        #expect(Set(cover(100, grain: 100)) == [0])
        #expect(Set(cover(0, grain: 1)).isEmpty)
    }

    @Test func aLoopWithinALoopRunsInItsCaller() {
        nonisolated(unsafe) var total = [Int](repeating: 0, count: 8)
        total.withUnsafeMutableBufferPointer { buffer in
            soma_parallel_for(8, 1, { begin, end, _, context in
                for i in begin..<end {
                    let inner: soma_loop_body = { begin, end, _, context in
                        context?.assumingMemoryBound(to: Int.self).pointee += end - begin
                    }
                    soma_parallel_for(10, 1, inner, context?.assumingMemoryBound(to: Int.self).advanced(by: i))
                }
            }, buffer.baseAddress)
        }
        #expect(total == Array(repeating: 10, count: 8))
    }
}
