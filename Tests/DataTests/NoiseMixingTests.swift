import Glibc
import Testing

@testable import Soma

/// Random numbers made of others, and pictures that keep them.
@Suite struct NoiseMixingTests {
    private func length(_ vector: [Float]) -> Double { vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
    private func isNear(_ a: [Float], _ b: [Double]) -> Bool { a.count == b.count && zip(a, b).allSatisfy { abs(Double($0) - $1) < 1e-6 } }

    @Test func theArcBetweenTwo() {
        // A quarter of a turn, from length 1 to length 3.
        let (first, second): ([Float], [Float]) = ([1, 0], [0, 3])
        let (third, root) = (1 + 2.0 / 3, 3.squareRoot() / 2)
        #expect(isNear(NoiseSource.between(first, second, share: 0.5), [2.squareRoot(), 2.squareRoot()]))
        #expect(isNear(NoiseSource.between(first, second, share: 1.0 / 3), [third * root, third * 0.5]))
        let noise = NoiseSource(count: 100, seed: 3)
        let (a, b) = (noise.values(0), noise.values(1))
        #expect(NoiseSource.between(a, b, share: 0) == a && NoiseSource.between(a, b, share: 1) == b)
        for step in 1..<10 {
            let share = Double(step) / 10
            #expect(abs(length(NoiseSource.between(a, b, share: share)) - (length(a) * (1 - share) + length(b) * share)) < 1e-4)
        }
    }

    @Test func whereThereIsNoArcTheLineIsStraight() {
        #expect(isNear(NoiseSource.between([2], [-2], share: 0.25), [1]))
        #expect(isNear(NoiseSource.between([1, 1], [3, 3], share: 0.5), [2, 2]))
        #expect(isNear(NoiseSource.between([0, 0], [0, 4], share: 0.5), [0, 2]))
    }

    @Test func theMeanDirection() throws {
        // The longer counts no more than the shorter, but for the length.
        let mean = try #require(NoiseSource.mean(of: [[2, 0], [0, 4]]))
        #expect(isNear(mean, [3 / 2.squareRoot(), 3 / 2.squareRoot()]))
        #expect(isNear(try #require(NoiseSource.mean(of: [[0, 5]])), [0, 5]))
        #expect(NoiseSource.mean(of: [[1, 0], [-3, 0]]) == nil && NoiseSource.mean(of: [[0, 0]]) == nil)
    }

    @Test func aTextBesideThePixels() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/p.png"
        let picture = Picture(width: 5, height: 3, channels: 1, pixels: (0..<15).map { UInt8($0 * 16) })
        let text = "{\"Zahl\":[0.5,-1e-07],\"Ordner\":\"läufe/ü\"}"
        try picture.write(to: path, text: text, keyword: "soma")
        #expect(try Picture(path: path) == picture)
        let bytes = Array(try SmallFile.read(path, limit: 1 << 20))
        let body = Array("iTXtsoma".utf8) + [0, 0, 0, 0, 0] + Array(text.utf8)
        let chunk = bigEndian(UInt32(body.count - 4)) + body + bigEndian(crc32(body))
        #expect(bytes.indices.contains { bytes[$0...].starts(with: chunk) })
    }
}
