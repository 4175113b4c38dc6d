import SomaBackend

/// A backend that passes everything on to another: tests override what is to be otherwise.
open class ForwardingBackend: Backend, @unchecked Sendable {
    public let base: any Backend

    public init(_ base: any Backend) { self.base = base }

    open var device: DeviceDescription { base.device }
    open var capabilities: Capabilities { base.capabilities }
    open var arithmetic: [String: String] { base.arithmetic }
    open var remark: String? { base.remark }
    open var memory: MemoryUse { base.memory }
    open func forgetPeak() { base.forgetPeak() }
    open func allocate(byteCount: Int) throws -> Buffer { try base.allocate(byteCount: byteCount) }
    open func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws { try base.upload(source, to: target) }
    open func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws { try base.download(source, into: target) }
    open func prepare(_ step: Step) throws -> PreparedStep { try base.prepare(step) }
    open func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws { try base.enqueue(steps, bindings) }
    open func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws {
        try enqueueOneByOne(steps, bindings, noting: log)
    }
    open func synchronize() throws { try base.synchronize() }
    open func sourceText(of step: PreparedStep) -> String? { base.sourceText(of: step) }
}
