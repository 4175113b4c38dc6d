import SomaGraph

// Tensors whose elements follow from their position.

extension Tensor {
    /// `value` everywhere, which `dtype` must hold; takes no memory of its own.
    public static func full<Number: TensorNumber>(
        _ shape: Shape, _ value: Number, dtype: DType = .float32, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        Tensor(number: value, dtype, device, file, line).repeated(to: shape)
    }

    /// 0 everywhere.
    public static func zeros(_ shape: Shape, dtype: DType = .float32, device: Device = .current) -> Tensor {
        full(shape, 0, dtype: dtype, device: device)
    }

    /// 1 everywhere.
    public static func ones(_ shape: Shape, dtype: DType = .float32, device: Device = .current) -> Tensor {
        full(shape, 1, dtype: dtype, device: device)
    }

    /// `value` in the shape and dtype and on the device of `other`.
    public static func full<Number: TensorNumber>(like other: Tensor, _ value: Number, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        full(other.shape, value, dtype: other.dtype, device: other.device, file: file, line: line)
    }

    /// 0 in the shape and dtype and on the device of `other`.
    public static func zeros(like other: Tensor) -> Tensor { full(like: other, 0) }

    /// 1 in the shape and dtype and on the device of `other`.
    public static func ones(like other: Tensor) -> Tensor { full(like: other, 1) }
}

extension Tensor {
    /// The whole numbers 0 ..< `count`. An integer dtype must hold every one of them; a real one rounds those above 2²⁴.
    public static func range(
        _ count: Int, dtype: DType = .int32, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard (0...Int(Int32.max)).contains(count) else {
            programError("range", "a count of \(count) does not fit int32", file: file, line: line)
        }
        if count > 0 { requireExact(Double(count - 1), dtype, file, line) }
        return Tensor(node: .range(count, device: device.tag)).as(dtype)
    }

    private static func requireExact(_ last: Double, _ dtype: DType, _ file: StaticString, _ line: UInt) {
        if dtype.holds(last) { return }
        programError("range", "\(dtype) does not hold \(last)", file: file, line: line)
    }

    /// `start`, `start + step`, … up to and without `end`. The dtype must hold every one of them.
    public static func range(
        from start: Double, to end: Double, by step: Double = 1, dtype: DType = .float32, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let steps = ((end - start) / step).rounded(.up)
        guard step != 0, step.isFinite, steps.isFinite else {
            programError("range", "from \(start) to \(end) by \(step) is not finite", file: file, line: line)
        }
        guard steps <= Double(Int32.max) else {
            programError("range", "from \(start) to \(end) by \(step) are \(steps) numbers; int32 counts them", file: file, line: line)
        }
        let count = Swift.max(0, Int(steps))
        if count > 0 {
            requireExact(start, dtype, file, line)
            requireExact(start + Double(count - 1) * step, dtype, file, line)
        }
        return Tensor(node: .range(count, device: device.tag)).as(dtype) * step + start
    }

    /// `count` numbers at equal distances from `start` to `end`, both included.
    public static func linspace(
        from start: Double, to end: Double, count: Int, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard count >= 0 else { programError("linspace", "a count of \(count)", file: file, line: line) }
        if count < 2 { return full([count], start, device: device) }
        // The weights of both ends are exact at both ends.
        let toEnd = range(count, dtype: .float32, device: device) / Double(count - 1)
        return start * (1 - toEnd) + end * toEnd
    }

    /// The identity matrix, or `rows` × `columns` with ones on the diagonal.
    public static func eye(
        _ rows: Int, _ columns: Int? = nil, dtype: DType = .float32, device: Device = .current
    ) -> Tensor {
        diagonalDistance(rows, columns ?? rows, device).equalToZero.as(dtype)
    }

    /// True on the diagonal `offset` places above the main one and below it: a causal mask with `offset` 0.
    public static func lowerTriangle(
        _ rows: Int, _ columns: Int? = nil, offset: Int = 0, device: Device = .current
    ) -> Tensor {
        diagonalDistance(rows, columns ?? rows, device) .<= Double(offset)
    }

    /// True on the diagonal `offset` places above the main one and above it.
    public static func upperTriangle(
        _ rows: Int, _ columns: Int? = nil, offset: Int = 0, device: Device = .current
    ) -> Tensor {
        diagonalDistance(rows, columns ?? rows, device) .>= Double(offset)
    }

    /// Column index less row index.
    private static func diagonalDistance(_ rows: Int, _ columns: Int, _ device: Device) -> Tensor {
        range(columns, device: device) - range(rows, device: device).expandingDims(at: 1)
    }

    private var equalToZero: Tensor { self .== 0 }

    /// The lower triangle of each matrix up to the diagonal `offset` places above the main one, 0 elsewhere.
    public func lowerTriangle(offset: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        masked("lowerTriangle", file, line) { .lowerTriangle($0, $1, offset: offset, device: device) }
    }

    /// The upper triangle of each matrix from the diagonal `offset` places above the main one, 0 elsewhere.
    public func upperTriangle(offset: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        masked("upperTriangle", file, line) { .upperTriangle($0, $1, offset: offset, device: device) }
    }

    private func masked(
        _ operation: String, _ file: StaticString, _ line: UInt, by mask: (Int, Int) -> Tensor
    ) -> Tensor {
        guard rank >= 2 else { programError(operation, "shape \(shape) holds no matrix", file: file, line: line) }
        return .select(mask(shape[rank - 2], shape[rank - 1]), self, operand(0, operation))
    }
}
