import SomaBackend
import SomaGraph

/// A type of the host that tensors are made of and read as.
public protocol TensorScalar: BitwiseCopyable, Sendable {
    static var dtype: DType { get }
}

extension Float: TensorScalar { public static var dtype: DType { .float32 } }
extension Int32: TensorScalar { public static var dtype: DType { .int32 } }
extension UInt32: TensorScalar { public static var dtype: DType { .uint32 } }
extension Int64: TensorScalar { public static var dtype: DType { .int64 } }
extension UInt8: TensorScalar { public static var dtype: DType { .uint8 } }
extension Bool: TensorScalar { public static var dtype: DType { .bool } }

extension Tensor {
    /// A tensor of the given elements in row-major order. They are copied now and uploaded when a device first needs them.
    public init<Element: TensorScalar>(_ elements: [Element], shape: Shape, device: Device = .current) {
        guard elements.count == shape.count else {
            programError("Tensor", "\(elements.count) elements do not fill \(shape)")
        }
        self.init(node: Node(storage: HostArray(bytes: elements), shape: shape, dtype: Element.dtype, device: device.tag))
    }

    /// A vector of the given elements.
    public init<Element: TensorScalar>(_ elements: [Element], device: Device = .current) {
        self.init(elements, shape: [elements.count], device: device)
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
    public func scalars<Element: TensorScalar>(as type: Element.Type = Element.self) throws -> [Element] {
        guard Element.dtype == dtype else { programError("scalars", "\(dtype) elements are no \(Element.self)") }
        let storage = try self.storage()
        return try [Element](unsafeUninitializedCapacity: count) { target, filled in
            try read(storage, into: UnsafeMutableRawBufferPointer(target))
            filled = count
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

    private func read(_ storage: Storage, into target: UnsafeMutableRawBufferPointer) throws {
        if target.isEmpty { return }
        let backend = device.executor.backend
        let buffer = try fetchingCopies { try storage.resolved(on: backend) }
        try backend.download(BufferSlice(buffer), into: target)
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
