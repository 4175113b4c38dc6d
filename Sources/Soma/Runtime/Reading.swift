import SomaBackend
import SomaGraph

/// A type of the host that tensors are made of and read as, bit by bit.
public protocol TensorScalar: TensorElement, BitwiseCopyable {}

extension Float: TensorScalar { public static var dtype: DType { .float32 } }
extension Int32: TensorScalar { public static var dtype: DType { .int32 } }
extension UInt32: TensorScalar { public static var dtype: DType { .uint32 } }
extension Int64: TensorScalar { public static var dtype: DType { .int64 } }
extension Int: TensorScalar { public static var dtype: DType { .int64 } }
extension UInt8: TensorScalar { public static var dtype: DType { .uint8 } }
extension Bool: TensorScalar { public static var dtype: DType { .bool } }

extension Tensor {
    /// A tensor of arrays, nested as deeply as it has axes: `Tensor([[1.0, 2.0], [3.0, 4.0]])` is [2, 2]. The elements are copied now
    /// and uploaded when a device first needs them.
    ///
    /// As in PyTorch whole numbers become `int64` and others `float32`, unless they are of another type or `dtype` says so, which must hold
    /// each of them. Arrays of one depth that differ in length are a mistake.
    public init<Element: TensorElement>(
        _ elements: [Element], dtype: DType? = nil, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        let rows = TensorRows(elements, dtype, file, line)
        self.init(node: Node(storage: HostArray(rows.bytes), shape: rows.shape, dtype: rows.dtype, device: device.tag))
    }

    /// A tensor of the given elements in row-major order, which `shape` has as many of. They are copied now and uploaded when a device
    /// first needs them. For dtypes see the initialiser without a shape.
    public init<Element: TensorElement>(
        _ elements: [Element], shape: Shape, dtype: DType? = nil, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        let rows = TensorRows(elements, dtype, file, line)
        guard rows.shape.count == shape.count else {
            programError("Tensor", "\(rows.shape.count) elements do not fill \(shape)", file: file, line: line)
        }
        self.init(node: Node(storage: HostArray(rows.bytes), shape: shape, dtype: rows.dtype, device: device.tag))
    }

    /// A tensor of `shape` whose elements are `bytes`, uploaded now.
    /// - Throws: `BackendError.outOfMemory`; whatever the device fails with.
    public init(bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType, device: Device = .current) throws {
        guard bytes.count == shape.count * dtype.byteCount else {
            programError("Tensor", "\(bytes.count) bytes do not fill \(dtype) \(shape)")
        }
        let backend = device.executor.backend
        let buffer = try backend.allocate(byteCount: Swift.max(bytes.count, 1))
        try backend.upload(bytes, to: BufferSlice(buffer))
        self.init(node: Node(storage: buffer, shape: shape, dtype: dtype, device: device.tag))
    }

    /// Starts computing the elements. Reading them later waits only for what is not done by then.
    /// - Throws: `BackendError`.
    @discardableResult
    public func realize() throws -> Tensor {
        try realizeAll([self])
        return self
    }

    /// The elements in row-major order; waits until they are computed. `Element` must match the dtype.
    /// - Throws: `BackendError`.
    // Where nothing says the type, as beside literals, elements of any dtype are read as Doubles.
    @_disfavoredOverload
    public func scalars<Element: TensorScalar>(as type: Element.Type = Element.self) throws -> [Element] {
        guard Element.dtype == dtype else { programError("scalars", "\(dtype) elements are no \(Element.self)") }
        let storage = try self.storage()
        return try [Element](unsafeUninitializedCapacity: count) { target, filled in
            try read(storage, into: UnsafeMutableRawBufferPointer(target))
            filled = count
        }
    }

    /// The elements in row-major order as Doubles, of whatever dtype; waits until they are computed. An `int64` beyond 2⁵³ is rounded.
    /// - Throws: `BackendError`.
    public func scalars(as type: Double.Type = Double.self) throws -> [Double] {
        switch dtype {
        case .float32: try scalars(as: Float.self).map { Double($0) }
        case .int32: try scalars(as: Int32.self).map { Double($0) }
        case .uint32: try scalars(as: UInt32.self).map { Double($0) }
        case .int64: try scalars(as: Int64.self).map { Double($0) }
        case .uint8: try scalars(as: UInt8.self).map { Double($0) }
        case .bool: try scalars(as: Bool.self).map { $0 ? 1 : 0 }
        }
    }

    /// The only element, as a Double; waits until it is computed.
    /// - Throws: `BackendError`.
    public func item() throws -> Double {
        guard count == 1 else { programError("item", "\(shape) is not a single element") }
        var bits: UInt64 = 0
        let storage = try self.storage()
        try withUnsafeMutableBytes(of: &bits) {
            try read(storage, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<dtype.byteCount]))
        }
        return Scalar(bits: bits, dtype: dtype).double
    }

    /// Copies the elements to `target`, which has room for exactly these.
    /// - Throws: `BackendError`.
    public func copyBytes(to target: UnsafeMutableRawBufferPointer) throws {
        guard target.count == count * dtype.byteCount else {
            programError("copyBytes", "\(target.count) bytes for \(dtype) \(shape)")
        }
        try read(try storage(), into: target)
    }

    /// The elements' memory, being computed.
    func storage() throws -> Storage {
        try realize()
        guard let storage = node.elements else { throw SomaError("the elements of a \(dtype) \(shape) could not be computed") }
        return storage
    }

    /// Copies the bytes of `storage` from `byteOffset` on.
    func read(_ storage: Storage, from byteOffset: Int = 0, into target: UnsafeMutableRawBufferPointer) throws {
        if target.isEmpty { return }
        let backend = device.executor.backend
        let buffer = try fetchingCopies { try storage.resolved(on: backend) }
        try backend.download(BufferSlice(buffer, byteOffset: byteOffset), into: target)
    }
}

extension Tensor {
    /// A graph with a longer path of pending nodes than this is computed as far as it goes.
    static var longestPendingPath: Int { 4000 }

    /// Keeps a graph that nobody reads from growing without bound. A failure shows when the value is read.
    @inline(never)
    func realizeEarly() {
        if Capture.current == nil { try? device.executor.realize([node]) }
    }
}

/// Starts computing several tensors, those of one device as one program.
/// - Throws: `BackendError`.
public func realizeAll(_ tensors: [Tensor]) throws {
    if Capture.current != nil { programError("realize", "a value cannot be read while a step is captured; return it from the closure") }
    for (device, group) in Dictionary(grouping: tensors, by: \.device) {
        try device.executor.realize(group.map(\.node))
    }
}
