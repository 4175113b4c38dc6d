import SomaBackend
import SomaGraph

// The words of lower floors that users of Soma need, so that `import Soma` is all they write.
public typealias Shape = SomaGraph.Shape
public typealias DType = SomaGraph.DType
public typealias DeviceDescription = SomaBackend.DeviceDescription
public typealias MemoryUse = SomaBackend.MemoryUse
public typealias BackendError = SomaBackend.BackendError
public typealias CustomKernel = SomaGraph.CustomKernel
public typealias Scalar = SomaGraph.Scalar
public typealias Philox = SomaGraph.Philox
