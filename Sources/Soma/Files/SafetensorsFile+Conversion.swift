import SomaGraph

extension SafetensorsFile {
    /// Calls `body` with the elements of a tensor as `dtype` has them. 16-bit floats become `float32` exactly, `float64` is rounded to the
    /// nearest, and integers of 32 and 64 bits become one another.
    ///
    /// The file is read piece by piece, so that the elements are in memory once, as `dtype`.
    /// - Throws: `SomaError` where the type is none that converts, a number is beyond the range of `dtype`, or the file cannot be read; what `body`
    ///   throws.
    func withBytes<R>(of tensor: Tensor, as dtype: DType, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        let type = tensor.elementType
        if type == dtype.elementType { return try withBytes(of: tensor.name, body) }
        guard type.converts(to: dtype) else { throw SomaError("'\(tensor.name)' is \(type.rawValue) in \(path) and cannot be read as \(dtype)") }
        let count = tensor.byteCount / type.byteCount
        let converted = try ByteRegion(count: count * dtype.byteCount) { target in
            var done = 0
            try forEachPiece(of: tensor) { piece in
                let rest = UnsafeMutableRawBufferPointer(rebasing: target[(done * dtype.byteCount)...])
                let lost = type.convert(piece, to: dtype, into: rest)
                if lost > 0 { throw SomaError("'\(tensor.name)' has numbers beyond \(dtype) in \(path)") }
                done += piece.count / type.byteCount
            }
        }
        return try withExtendedLifetime(converted) { try body(converted.bytes) }
    }

    /// How many elements of a tensor are beyond the range of `dtype`; infinities and NaN are in the range of `float32`.
    /// - Throws: `SomaError` where the file cannot be read.
    func countBeyondRange(of tensor: Tensor, as dtype: DType) throws -> Int {
        guard tensor.elementType.canExceed(dtype) else { return 0 }
        var count = 0
        try withUnsafeTemporaryAllocation(byteCount: Self.pieceByteCount, alignment: 16) { scratch in
            try forEachPiece(of: tensor) { count += tensor.elementType.convert($0, to: dtype, into: scratch) }
        }
        return count
    }
}

extension SafetensorsFile.ElementType {
    /// Whether elements of this type are read where `dtype` is wanted.
    func converts(to dtype: DType) -> Bool {
        if self == dtype.elementType { return true }
        switch dtype {
        case .float32: return self == .float16 || self == .bfloat16 || self == .float64
        case .int32: return self == .int64
        case .int64: return self == .int32
        case .uint32, .uint8, .bool: return false
        }
    }

    /// Whether some numbers of this type are beyond `dtype`, which it converts to.
    fileprivate func canExceed(_ dtype: DType) -> Bool { (self == .float64 && dtype == .float32) || (self == .int64 && dtype == .int32) }

    /// Converts whole elements that may begin at any address.
    /// - Returns: how many were beyond the range of `dtype`; what is written for these means nothing.
    fileprivate func convert(_ source: UnsafeRawBufferPointer, to dtype: DType, into target: UnsafeMutableRawBufferPointer) -> Int {
        let count = source.count / byteCount
        switch (self, dtype) {
        case (.float16, .float32): HalfPrecision.widen(source, count, into: target, HalfPrecision.float32Bits(ofFloat16:))
        case (.bfloat16, .float32): HalfPrecision.widen(source, count, into: target, HalfPrecision.float32Bits(ofBFloat16:))
        case (.float64, .float32): return Self.convert(source, count, into: target) { (number: Double) in
            let rounded = Float(number)
            return rounded.isInfinite && number.isFinite ? nil : rounded
        }
        case (.int64, .int32): return Self.convert(source, count, into: target) { (number: Int64) in Int32(exactly: number) }
        case (.int32, .int64): return Self.convert(source, count, into: target) { (number: Int32) in Int64(number) }
        default: programError("safetensors", "\(rawValue) does not convert to \(dtype)")
        }
        return 0
    }

    private static func convert<Source: BitwiseCopyable, Target: BitwiseCopyable>(
        _ source: UnsafeRawBufferPointer, _ count: Int, into target: UnsafeMutableRawBufferPointer, _ number: (Source) -> Target?
    ) -> Int {
        var lost = 0
        for index in 0..<count {
            guard let converted = number(source.loadUnaligned(fromByteOffset: index * MemoryLayout<Source>.size, as: Source.self)) else {
                lost += 1
                continue
            }
            target.storeBytes(of: converted, toByteOffset: index * MemoryLayout<Target>.size, as: Target.self)
        }
        return lost
    }
}

/// Numbers of 16 bits, which `float32` holds exactly: IEEE 754's binary16, and bfloat16, which is the upper half of a `float32`.
enum HalfPrecision {
    /// The bits of the same number; of a NaN the payload stays.
    static func float32Bits(ofFloat16 bits: UInt16) -> UInt32 {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        if exponent == 0x1F { return sign | 0x7F80_0000 | fraction << 13 }
        if exponent > 0 { return sign | (exponent + 112) << 23 | fraction << 13 }
        if fraction == 0 { return sign }
        // Subnormal: fraction · 2⁻²⁴, which is a normal number of float32.
        let shift = UInt32(fraction.leadingZeroBitCount - 21)
        return sign | (113 - shift) << 23 | (fraction << shift & 0x3FF) << 13
    }

    /// The bits of the same number; of a NaN the payload stays.
    static func float32Bits(ofBFloat16 bits: UInt16) -> UInt32 { UInt32(bits) << 16 }

    fileprivate static func widen(
        _ source: UnsafeRawBufferPointer, _ count: Int, into target: UnsafeMutableRawBufferPointer, _ bits: (UInt16) -> UInt32
    ) {
        var index = 0
        while index < count {
            let half = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            target.storeBytes(of: bits(half), toByteOffset: index &* 4, as: UInt32.self)
            index &+= 1
        }
    }
}
