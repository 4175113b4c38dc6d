import SomaGraph

func pad(_ shape: Shape, _ x: Value, _ fill: Value, _ before: [Int]) -> Value {
    Value(shape, dtype: x.dtype) { position in
        let inner = zip(position, before).map { $0 - $1 }
        let isInside = inner.indices.allSatisfy { (0..<x.shape[$0]).contains(inner[$0]) }
        return isInside ? x[inner] : fill.elements[0]
    }
}

func window(_ shape: Shape, _ x: Value, _ axis: Int, _ step: Int, _ dilation: Int) -> Value {
    Value(shape, dtype: x.dtype) { position in
        var source = Array(position.dropLast())
        source[axis] = position[axis] * step + position[position.count - 1] * dilation
        return x[source]
    }
}

func fold(_ shape: Shape, _ x: Value, _ axis: Int, _ step: Int, _ dilation: Int) -> Value {
    var result = Value(shape, dtype: x.dtype) { _ in 0 }
    for position in x.shape.positions {
        var target = Array(position.dropLast())
        target[axis] = position[axis] * step + position[position.count - 1] * dilation
        let place = shape.offset(target)
        result.elements[place] = apply(.add, result.elements[place], x[position], x.dtype)
    }
    return result
}

func concatenate(_ shape: Shape, _ parts: [Value], _ axis: Int) -> Value {
    Value(shape, dtype: parts[0].dtype) { position in
        var inner = position
        var part = 0
        while inner[axis] >= parts[part].shape[axis] {
            inner[axis] -= parts[part].shape[axis]
            part += 1
        }
        return parts[part][inner]
    }
}

func clampedStarts(_ starts: Value, block: Shape, in shape: Shape) -> [Int] {
    (0..<shape.rank).map { Swift.min(Swift.max(Int(starts.elements[$0]), 0), shape[$0] - block[$0]) }
}

func updateSlice(_ x: Value, _ update: Value, _ starts: Value) -> Value {
    let corner = clampedStarts(starts, block: update.shape, in: x.shape)
    var result = x
    for position in update.shape.positions {
        result.elements[x.shape.offset(zip(position, corner).map { $0 + $1 })] = update[position]
    }
    return result
}

func reduce(_ operation: ReduceOperation, _ x: Value, _ axes: [Int], _ shape: Shape, _ dtype: DType) -> Value {
    var groups = [[Double]](repeating: [], count: shape.count)
    for position in x.shape.positions {
        let place = position.indices.map { axes.contains($0) ? 0 : position[$0] }
        groups[shape.offset(place)].append(x[position])
    }
    return Value(groups.map { reduce(operation, $0, x.dtype) }, shape: shape, dtype: dtype)
}

private func reduce(_ operation: ReduceOperation, _ group: [Double], _ dtype: DType) -> Double {
    switch operation {
    case .sum: group.reduce(0) { apply(.add, $0, $1, dtype) }
    case .product: group.reduce(1) { apply(.multiply, $0, $1, dtype) }
    case .max: group.reduce(dtype.bounds.lowerBound) { apply(.maximum, $0, $1, dtype) }
    case .min: group.reduce(dtype.bounds.upperBound) { apply(.minimum, $0, $1, dtype) }
    case .argmax:
        Double(group.indices.first { i in group[i].isNaN } ?? group.indices.first { i in group[i] == group.max() } ?? 0)
    case .argmin:
        Double(group.indices.first { i in group[i].isNaN } ?? group.indices.first { i in group[i] == group.min() } ?? 0)
    }
}

func matmul(_ a: Value, _ b: Value, _ shape: Shape) -> Value {
    let inner = a.shape[a.shape.rank - 1]
    return Value(shape) { position in
        let batch = position.dropLast(2)
        let (row, column) = (position[position.count - 2], position[position.count - 1])
        return (0..<inner).reduce(0) { $0 + a[batch + [row, $1]] * b[batch + [$1, column]] }
    }
}

func gather(_ x: Value, _ indices: Value, _ axis: Int, _ shape: Shape) -> Value {
    Value(shape, dtype: x.dtype) { position in
        let index = Int(indices[Array(position[axis..<axis + indices.shape.rank])])
        guard (0..<x.shape[axis]).contains(index) else { return x.dtype.isFloatingPoint ? .nan : 0 }
        return x[Array(position[..<axis]) + [index] + Array(position[(axis + indices.shape.rank)...])]
    }
}

func scatterAdd(_ base: Value, _ indices: Value, _ updates: Value, _ axis: Int) -> Value {
    var result = base
    for position in updates.shape.positions {
        let index = Int(indices[Array(position[axis..<axis + indices.shape.rank])])
        guard (0..<base.shape[axis]).contains(index) else { continue }
        let target = Array(position[..<axis]) + [index] + Array(position[(axis + indices.shape.rank)...])
        let place = base.shape.offset(target)
        result.elements[place] = apply(.add, result.elements[place], updates[position], base.dtype)
    }
    return result
}

/// Through the CPU closure, whose elements are of the engine's dtypes.
func custom(_ operation: CustomOperation, _ inputs: [Value], _ shape: Shape, _ dtype: DType) -> Value {
    guard let kernel = operation as? CustomKernel else { fatalError("\(operation.name) has no closure for the CPU") }
    let memory = inputs.map { Memory($0.elements.count, $0.dtype) }
    let output = Memory(shape.count, dtype)
    for (value, bytes) in zip(inputs, memory) { bytes.store(value.elements) }
    withExtendedLifetime((memory, output)) {
        kernel.compute(memory.map { UnsafeRawPointer($0.bytes) }, inputs.map(\.shape), output.bytes, shape)
    }
    return Value(output.elements, shape: shape, dtype: dtype)
}

/// Elements as a device holds them.
private final class Memory {
    let bytes: UnsafeMutableRawPointer
    private let count: Int
    private let dtype: DType

    init(_ count: Int, _ dtype: DType) {
        self.count = count
        self.dtype = dtype
        bytes = .allocate(byteCount: Swift.max(1, count * dtype.byteCount), alignment: 64)
    }

    deinit { bytes.deallocate() }

    func store(_ elements: [Double]) {
        defer { withExtendedLifetime(self) {} }
        for (place, element) in elements.enumerated() {
            withUnsafeBytes(of: Scalar(element, dtype).bits.littleEndian) {
                bytes.advanced(by: place * dtype.byteCount).copyMemory(
                    from: $0.baseAddress ?? UnsafeRawPointer(bytes), byteCount: dtype.byteCount)
            }
        }
    }

    var elements: [Double] {
        withExtendedLifetime(self) {
            (0..<count).map { place in
                var bits: UInt64 = 0
                withUnsafeMutableBytes(of: &bits) {
                    $0.copyMemory(
                        from: UnsafeRawBufferPointer(
                            start: bytes.advanced(by: place * dtype.byteCount), count: dtype.byteCount))
                }
                return Scalar(bits: UInt64(littleEndian: bits), dtype: dtype).double
            }
        }
    }
}
