import Soma
import SomaGraph

/// Random words beyond the places that 32 bits count. None of the others is ever computed, so that it takes no memory.
public struct FarWords: Sendable, CustomStringConvertible {
    public let start: Int
    public var description: String { "from \(start)" }

    public static let all = [0, (1 << 31) - 6, 1 << 31, (1 << 32) - 3, (1 << 32) + 8, (1 << 34) - 5, (1 << 34) + 4, (1 << 40) + 1].map(FarWords.init)
    private static let count = 75

    /// Words from `start` on, one after the other and far from each other, as a device draws them and as the host does.
    public func words(on device: Device) throws -> (device: [UInt32], host: [UInt32]) {
        func word(_ value: UInt32) -> Node { Tensor(Double(value), dtype: .uint32, device: device).node }
        let draw = Tensor(node: .random([1 << 41], key0: word(0x89AB_CDEF), key1: word(0x0123_4567), counter: word(0)))
        let line = draw[start..<start + Self.count], apart = draw[.range(from: start, to: start + (5 << 30), by: 1 << 30)]
        func host(_ place: Int) -> UInt32 {
            var philox = Philox(seed: 0x0123_4567_89AB_CDEF, position: UInt64(place))
            return philox.nextWord()
        }
        let wanted = (0..<Self.count).map { host(start + $0) } + (0..<5).map { host(start + ($0 << 30)) }
        return (try line.scalars(as: UInt32.self) + apart.scalars(as: UInt32.self), wanted)
    }
}
