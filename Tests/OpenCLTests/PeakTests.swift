import Foundation
import SomaBackend
import Testing

@testable import OpenCLBackend

/// What a device is capable of is measured by kernels that do what they say.
@Suite(.enabled(if: testDevice != nil)) struct PeakTests {
    @Test(arguments: KernelKind.allCases) func everyFigureIsThereOrSaysWhyNot(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind) { $0.memoryLimit = 64 << 20 }
        for peak in Peak.allCases {
            do {
                let value = try backend.measure(peak, budget: 0)
                #expect(value > 0 && value < .infinity, "\(peak)")
            } catch BackendError.unsupported(let reason) {
                #expect([.float16, .bfloat16, .tensorFloat32].contains(peak) && !reason.isEmpty, "\(peak): \(reason)")
            }
        }
        #expect(backend.memory.live == 0, "nothing is kept")
    }

    @Test func withoutMemory() throws {
        let backend = try makeBackend(.cpu) { $0.memoryLimit = 1 << 12 }
        #expect(throws: BackendError.self) { try backend.measure(.memoryRead, budget: 0) }
    }

    @Test(arguments: KernelKind.allCases) func memoryIsWrittenToItsEnd(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        let (vector, vectors) = (kind == .cpu ? 16 : 4, 1003)
        let pattern = (0..<vector * vectors).map { Float($0) }
        let x = try backend.pool.allocate(byteCount: 4 * pattern.count, startsChunk: true)
        let y = try backend.pool.allocate(byteCount: 4 * pattern.count, startsChunk: true)
        try pattern.withUnsafeBytes { try backend.upload($0, to: BufferSlice(x)) }
        for (name, expected) in [("soma_peak_copy", pattern), ("soma_peak_write", [Float](repeating: 1, count: pattern.count))] {
            try backend.run(try backend.kernel(name, backend.source(), [try backend.sink(), .buffer(x), .buffer(y), .long(Int64(vectors))]), 1)
            #expect(try floats(backend, y, pattern.count) == expected, "\(name)")
        }
    }

    /// x ← x/2 + 1/2 tends to 1 in each chain; a work-item keeps their sum.
    @Test(arguments: KernelKind.allCases) func everyChainIsComputed(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        let sink = try backend.sink()
        guard case .buffer(let buffer) = sink else { return }
        try backend.run(try backend.kernel("soma_peak_multiply_adds", backend.source(), [sink, .float(0.5), .int(4)]), 1)
        let sums = try floats(backend, buffer, 64)
        #expect(sums.allSatisfy { abs($0 - (kind == .cpu ? 8 : 16)) < 1e-3 }, "\(sums.prefix(4))")
    }

    private func floats(_ backend: OpenCLBackend, _ buffer: OpenCLBuffer, _ count: Int) throws -> [Float] {
        var values = [Float](repeating: 0, count: count)
        try values.withUnsafeMutableBytes { try backend.download(BufferSlice(buffer), into: $0) }
        return values
    }
}
