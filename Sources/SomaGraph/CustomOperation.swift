/// A user's own operation: a kernel for OpenCL devices and a closure for the CPU that compute the same.
///
/// The source is OpenCL C 1.2 that defines a function called `name`. Its parameters are a `__global const` pointer for each
/// input, a `__global` pointer for the output, and one number for each of `Launch.arguments`; elements are row-major, a
/// `bool` is a `uchar`. It runs once for each work item of the launch:
///
///     void swish(__global const float *x, __global float *y, int count) {
///         int i = get_global_id(0);
///         if (i < count) y[i] = x[i] / (1.0f + exp(-x[i]));
///     }
///
/// Make one and keep it: backends compile a kernel once for each object.
public final class CustomKernel: CustomOperation, @unchecked Sendable {
    /// How many work items run, and the numbers they are handed.
    public struct Launch: Sendable {
        /// One to three extents.
        public var global: [Int]
        /// The extents of a work group, which divide the global ones; `nil` leaves them to the device.
        public var local: [Int]?
        /// Follow the pointers in the function's parameters.
        public var arguments: [Scalar]

        /// Extents are not checked here: the device refuses those that it cannot launch.
        public init(global: [Int], local: [Int]? = nil, arguments: [Scalar] = []) {
            self.global = global
            self.local = local
            self.arguments = arguments
        }
    }

    /// From the shapes of the inputs and of the output.
    public typealias Geometry = @Sendable (_ inputs: [Shape], _ output: Shape) -> Launch
    /// Reads the elements of each input and writes those of the output, row-major. An empty tensor's pointer must not be read.
    public typealias HostFunction =
        @Sendable (
            _ inputs: [UnsafeRawPointer], _ inputShapes: [Shape], _ output: UnsafeMutableRawPointer,
            _ outputShape: Shape
        ) -> Void

    /// OpenCL C 1.2 that defines a kernel called `name`. It is compiled when a step of a device first needs it, which throws
    /// `BackendError.buildFailed` where it does not build.
    public let source: String
    /// Asked for each step that runs the kernel, when the step is prepared.
    public let geometry: Geometry
    /// What the CPU runs instead of the source, and the reference for tests.
    public let compute: HostFunction

    /// The two implementations are not compared: a test of your own should do that.
    public init(name: String, source: String, geometry: @escaping Geometry, compute: @escaping HostFunction) {
        self.source = source
        self.geometry = geometry
        self.compute = compute
        super.init(name: name)
    }
}
