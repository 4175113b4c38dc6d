import CLibraries
import SomaBackend
import SomaGraph

/// Something that can be enqueued for a step, with the device's lock held.
protocol Launch: AnyObject {
    /// Bytes of the device's scratch memory that it touches.
    var workspaceBytes: Int { get }
    var sourceText: String { get }
    /// What it is called in a profile.
    var name: String { get }
    /// See `LaunchPlan`.
    var work: Work? { get }
    /// Whether it can run with these bindings; where not, the step is planned again without 128-bit accesses.
    func isAligned(_ bindings: borrowing Bindings) -> Bool
    /// - Parameter event: where the launch's event goes, if anybody wants it.
    func enqueue(_ bindings: borrowing Bindings, workspace: cl_mem?, event: UnsafeMutablePointer<cl_event?>?) throws(OpenCLError)
}

/// Plain products by CLBlast, one call each.
///
/// Not by its call for a batch with strides: of large matrices that already have the layout of its kernel it takes those at the beginning of
/// the buffer, wherever the operand begins (1.5.3 to 1.7.0), and it refuses a stride of 0.
final class CLBlastLaunch: Launch {
    private let step: MatmulStep
    private let context: OpenCLContext
    private let target: Operand
    private let a: MatmulOperand
    private let b: MatmulOperand
    let workspaceBytes = 0

    /// `nil` where there is no CLBlast, or where it cannot compute the step: an epilogue, rows that overlap, places that need 64 bits.
    init?(_ step: MatmulStep, context: OpenCLContext) {
        guard let target = step.plainTarget, target.access.strides[2] == 1 || step.n == 1, libraries_clblast_table().pointee.search.found else { return nil }
        a = MatmulOperand(step.a, cross: (1, step.m), depth: (2, step.k), false)
        b = MatmulOperand(step.b, cross: (2, step.n), depth: (1, step.k), false)
        guard step.k > 0, a.lead >= a.contiguousExtent, b.lead >= b.contiguousExtent, target.access.strides[1] >= step.n, !step.isWide else { return nil }
        (self.step, self.context, self.target) = (step, context, target)
    }

    var sourceText: String { "// CLBlastSgemm\n" }
    var name: String { "CLBlastSgemm" }
    var work: Work? { nil }

    /// Whether the operands begin where CLBlast's 32 bits reach.
    func isAligned(_ bindings: borrowing Bindings) -> Bool {
        for operand in [step.a, step.b, target] where place(operand, bindings).offset > Int(Int32.max) / 2 { return false }
        return true
    }

    /// Of a batch the event is that of the last product.
    func enqueue(_ bindings: borrowing Bindings, workspace: cl_mem?, event: UnsafeMutablePointer<cl_event?>?) throws(OpenCLError) {
        let (x, y, z) = (place(step.a, bindings), place(step.b, bindings), place(target, bindings))
        var queue: cl_command_queue? = context.queue
        for number in 0..<step.batch {
            let status = libraries_clblast_table().pointee.CLBlastSgemm(
                CLBlastLayoutRowMajor, a.depthIsContiguous ? CLBlastTransposeNo : CLBlastTransposeYes,
                b.depthIsContiguous ? CLBlastTransposeYes : CLBlastTransposeNo, step.m, step.n, step.k, 1,
                x.memory, x.offset + number * step.a.access.strides[0], a.lead,
                y.memory, y.offset + number * step.b.access.strides[0], b.lead, 0,
                z.memory, z.offset + number * target.access.strides[0], target.access.strides[1], &queue,
                number == step.batch - 1 ? event : nil)
            try check(cl_int(status.rawValue), "CLBlastSgemm")
        }
    }

    private func place(_ operand: Operand, _ bindings: borrowing Bindings) -> (memory: cl_mem, offset: Int) {
        let slice = bindings.buffers[operand.slot]
        let buffer = OpenCLLaunch.buffer(slice.buffer)
        let runtime = operand.access.runtimeOffset.map { bindings.offsets[$0] } ?? 0
        return (buffer.memory, (buffer.offset + slice.byteOffset) / operand.dtype.byteCount + operand.access.offset + runtime)
    }
}
