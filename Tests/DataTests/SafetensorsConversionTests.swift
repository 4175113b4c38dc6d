import Testing

@testable import Soma
import SomaGraph

/// Elements that are read as another type than the file has.
@Suite struct SafetensorsConversionTests {
    let folder = TemporaryFolder()

    private func file(_ type: SafetensorsFile.ElementType, _ bytes: [UInt8]) throws -> (file: SafetensorsFile, tensor: SafetensorsFile.Tensor) {
        let path = "\(folder.path)/a.safetensors"
        let tensor = SafetensorsFile.Tensor(name: "x", elementType: type, shape: [bytes.count / type.byteCount])
        // The byte before shifts the tensor off any alignment.
        try SafetensorsFile.write([(tensor, bytes), (.init(name: "y", elementType: .uint8, shape: [1]), [7])], to: path)
        let file = try SafetensorsFile(path: path)
        return (file, try #require(file["x"]))
    }

    private func float32Bits(_ type: SafetensorsFile.ElementType, _ bytes: [UInt8]) throws -> [UInt32] {
        let (file, tensor) = try file(type, bytes)
        return try file.withBytes(of: tensor, as: .float32) { Array($0.bindMemory(to: UInt32.self)) }
    }

    private let patterns = (0...UInt16.max).map(\.self)
    private var patternBytes: [UInt8] { patterns.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } }

    /// All numbers of 16 bits, against what the processor makes of them: subnormal ones, infinities, and NaN with its payload.
    @Test func everyFloat16() throws {
        let bits = try float32Bits(.float16, patternBytes)
        #expect(bits.count == 65_536)
        var (wrong, subnormal, nan) = (0, 0, 0)
        for (pattern, bits) in zip(patterns, bits) {
            let half = Float16(bitPattern: pattern)
            if half.isNaN {
                nan += 1
                wrong += bits == UInt32(pattern & 0x8000) << 16 | 0x7F80_0000 | UInt32(pattern & 0x3FF) << 13 ? 0 : 1
            } else {
                subnormal += half.isSubnormal ? 1 : 0
                wrong += bits == Float(half).bitPattern ? 0 : 1
            }
        }
        #expect(wrong == 0 && subnormal == 2046 && nan == 2046)
    }

    @Test func everyBFloat16() throws {
        let bits = try float32Bits(.bfloat16, patternBytes)
        #expect(bits == patterns.map { UInt32($0) << 16 })
        #expect(Float(bitPattern: bits[0x3F80]) == 1 && Float(bitPattern: bits[0xFF80]) == -.infinity && Float(bitPattern: bits[0x7FC0]).isNaN)
    }

    @Test func float64IsRoundedAndItsRangeIsSaid() throws {
        let numbers: [Double] = [
            1, 1 + 0x1p-24, 1 + 0x1.8p-24, -0.1, 1e-46, 0x1p-149, .infinity, -.infinity, .nan, Double(Float.greatestFiniteMagnitude),
        ]
        let bits = try float32Bits(.float64, numbers.flatMap { littleEndian($0.bitPattern) })
        for (bits, number) in zip(bits, numbers) {
            #expect(number.isNaN ? Float(bitPattern: bits).isNaN : Float(bitPattern: bits) == Float(number), "\(number)")
        }
        #expect(Float(bitPattern: bits[1]) == 1 && Float(bitPattern: bits[2]) == 1 + Float.ulpOfOne)
        let (file, tensor) = try file(.float64, [1e39, 1, -1e300, 3.4028235677973366e38].flatMap { littleEndian($0.bitPattern) })
        #expect(try file.countBeyondRange(of: tensor, as: .float32) == 3)
        expectError(file.path, "'x' has numbers beyond float32") { try file.withBytes(of: tensor, as: .float32) { _ in } }
    }

    @Test func integersOf32And64Bits() throws {
        let (long, tensor) = try file(.int64, [Int64(Int32.min), -1, Int64(Int32.max)].flatMap { littleEndian($0) })
        #expect(try long.withBytes(of: tensor, as: .int32) { Array($0.bindMemory(to: Int32.self)) } == [.min, -1, .max])
        let (far, farTensor) = try file(.int64, [Int64(Int32.max) + 1, 5].flatMap { littleEndian($0) })
        #expect(try far.countBeyondRange(of: farTensor, as: .int32) == 1)
        let (short, shortTensor) = try file(.int32, [Int32.min, 7].flatMap { littleEndian($0) })
        #expect(try short.withBytes(of: shortTensor, as: .int64) { Array($0.bindMemory(to: Int64.self)) } == [Int64(Int32.min), 7])
        expectError(short.path, "'x' is I32") { try short.withBytes(of: shortTensor, as: .float32) { _ in } }
    }

    /// A tensor of several pieces, the last of them not full.
    @Test func piecesJoin() throws {
        let count = SafetensorsFile.pieceByteCount / 2 * 2 + 77
        let halves = (0..<count).map { UInt16(truncatingIfNeeded: $0 &* 40_503) }
        let bits = try float32Bits(.bfloat16, halves.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        #expect(bits == halves.map { UInt32($0) << 16 })
    }
}
