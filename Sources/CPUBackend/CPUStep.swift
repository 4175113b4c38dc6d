import SomaBackend

/// A step ready to run on the compute thread.
class CPUStep: PreparedStep, @unchecked Sendable {
    /// What computes it, where there is a choice; empty where there is none.
    var kernelName: String { "" }

    /// - Throws: `BackendError.deviceLost` where a thread cannot have its scratch memory.
    func run(_ context: RunContext) throws {}
}

/// What the slots of a program stand for while its steps run.
struct RunContext {
    /// The first byte of each of `Bindings.buffers`.
    let pointers: UnsafePointer<UnsafeMutableRawPointer>
    let scalars: UnsafePointer<UInt64>
    let offsets: UnsafePointer<Int>

    /// The element of an operand at position 0 of every axis.
    func base(_ operand: Operand) -> UnsafeMutableRawPointer {
        pointers[operand.slot] + element(operand.access) * operand.dtype.byteCount
    }

    /// The offset of an access, in elements.
    func element(_ access: Access) -> Int {
        guard let place = access.runtimeOffset else { return access.offset }
        return access.offset + offsets[place]
    }
}
