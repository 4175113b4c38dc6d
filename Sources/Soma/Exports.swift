import SomaBackend
import SomaGraph

// The words of lower floors that users of Soma need, so that `import Soma` is all they write.
/// The extents of a tensor.
public typealias Shape = SomaGraph.Shape
/// The type of a tensor's elements.
public typealias DType = SomaGraph.DType
/// A device's name, kind, memory and driver.
public typealias DeviceDescription = SomaBackend.DeviceDescription
/// Bytes of a device's memory in use.
public typealias MemoryUse = SomaBackend.MemoryUse
/// What an operation of a device throws.
public typealias BackendError = SomaBackend.BackendError
/// A kernel of one's own, with a closure for the CPU.
public typealias CustomKernel = SomaGraph.CustomKernel
/// One number of a given dtype.
public typealias Scalar = SomaGraph.Scalar
/// Random numbers for scalar code on the host.
public typealias Philox = SomaGraph.Philox
/// Something that a device can be measured by.
public typealias Peak = SomaBackend.Peak
/// What was measured of a device.
public typealias DevicePeaks = SomaBackend.DevicePeaks
/// What checking a device's kernels of one kind has found.
public typealias KernelCheck = SomaBackend.KernelCheck
/// The arithmetic and the bytes that a computation cannot do without.
public typealias Work = SomaBackend.Work
/// Choices of how to compute that were measured on a device.
public typealias TuningRecord = SomaBackend.TuningRecord
/// What there is of choices that were measured earlier.
public typealias TuningState = SomaBackend.TuningState
